from typing import Any

import numpy as np
import pytest

from netcfg.data.colour import from_hsv, to_hsv
from netcfg.data.distort import Distort, Expand
from netcfg.errors import NetError
from netcfg.netcfg_pb2 import DistortionParameter, ExpansionParameter

IMAGE = np.random.default_rng(3).integers(0, 256, (3, 8, 9), np.uint8)
GRAY = np.full((3, 8, 9), 100, np.uint8)
NO_MEAN = np.empty(0, np.float32)


def runs(image: np.ndarray, count: int = 40, **fields: Any) -> list[np.ndarray]:
    change, rng = Distort(DistortionParameter(**fields)), np.random.default_rng(1)
    return [change(image, rng) for _ in range(count)]


def test_nothing_set_changes_nothing() -> None:
    assert all(y is IMAGE for y in runs(IMAGE, 5))


def test_brightness() -> None:
    ys = runs(GRAY, brightness_prob=1, brightness_delta=20)
    levels = {int(y[0, 0, 0]) for y in ys}
    assert all((y == y[0, 0, 0]).all() for y in ys)
    assert 80 <= min(levels) < 88
    assert 112 < max(levels) <= 120
    bright = runs(np.full((3, 2, 2), 250, np.uint8), brightness_prob=1, brightness_delta=20)
    assert max(int(y.max()) for y in bright) == 255
    assert min(int(y.min()) for y in bright) >= 230


def test_contrast() -> None:
    levels = {
        int(y[0, 0, 0]) for y in runs(GRAY, contrast_prob=1, contrast_lower=0.5, contrast_upper=1.5)
    }
    assert 50 <= min(levels) < 60
    assert 140 < max(levels) <= 150


def test_saturation_keeps_hue_and_value() -> None:
    for y in runs(IMAGE, 5, saturation_prob=1, saturation_lower=0.5, saturation_upper=0.5):
        hsv = to_hsv(IMAGE)
        hsv[1] = np.rint(hsv[1] * 0.5)
        np.testing.assert_array_equal(y, from_hsv(hsv))


def test_hue() -> None:
    green = np.zeros((3, 1, 1), np.uint8)
    green[1] = 255
    hues = {int(to_hsv(y)[0, 0, 0]) for y in runs(green, hue_prob=1, hue_delta=18)}
    assert 42 <= min(hues) < 50
    assert 70 < max(hues) <= 78
    red = green[[0, 2, 1]]
    assert min(int(to_hsv(y)[0, 0, 0]) for y in runs(red, hue_prob=1, hue_delta=18)) == 0
    assert max(int(to_hsv(y)[0, 0, 0]) for y in runs(red, hue_prob=1, hue_delta=18)) <= 18


def test_order() -> None:
    ys = runs(IMAGE, 60, random_order_prob=1)
    orders = {tuple(int(np.flatnonzero((p == IMAGE).all((1, 2)))[0]) for p in y) for y in ys}
    assert len(orders) == 6


@pytest.mark.parametrize(
    "fields",
    [
        {"brightness_prob": 0.5, "brightness_delta": 32},
        {"contrast_prob": 0.5, "contrast_lower": 0.5, "contrast_upper": 0.6},
        {"saturation_prob": 0.5, "saturation_lower": 0.2, "saturation_upper": 0.4},
        {"hue_prob": 0.5, "hue_delta": 90},
    ],
)
def test_probabilities(fields: dict[str, float]) -> None:
    changed = sum(not np.array_equal(y, IMAGE) for y in runs(IMAGE, 200, **fields))
    assert 70 < changed < 130


def test_contrast_stands_before_or_behind_saturation() -> None:
    fields = {"contrast_prob": 1, "contrast_lower": 2, "contrast_upper": 2}
    fields |= {"saturation_prob": 1, "saturation_lower": 3, "saturation_upper": 3}
    assert len({y.tobytes() for y in runs(IMAGE, **fields)}) == 2


def test_one_channel_has_no_colours() -> None:
    ys = runs(IMAGE[:1], 9, hue_prob=1, hue_delta=9, saturation_prob=1, random_order_prob=1)
    assert all(np.array_equal(y, IMAGE[:1]) for y in ys)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hue_delta": -1}, "hue_delta must not be negative; given -1"),
        ({"brightness_delta": -2}, "brightness_delta must not be negative"),
        ({"contrast_lower": 2, "contrast_upper": 1}, "contrast_upper must hold; given 2 and 1"),
        ({"saturation_lower": -1}, "saturation_upper must hold; given -1 and 0"),
    ],
)
def test_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(NetError, match=message):
        Distort(DistortionParameter(**fields))


def test_expand() -> None:
    mean = np.array([104, 117, 123], np.float32)
    change, rng = Expand(ExpansionParameter(max_expand_ratio=4), mean), np.random.default_rng(2)
    ratios, places = [], set()
    for _ in range(60):
        canvas, part = change(IMAGE, rng)
        assert part is not None
        height, width = canvas.shape[1:]
        left, top = round(-part[0] * 9), round(-part[1] * 8)
        np.testing.assert_allclose(part[2:], [(width - left) / 9, (height - top) / 8], rtol=1e-5)
        np.testing.assert_array_equal(canvas[:, top : top + 8, left : left + 9], IMAGE)
        rest = np.ones(canvas.shape, bool)
        rest[:, top : top + 8, left : left + 9] = False
        assert {tuple(p) for p in canvas.transpose(1, 2, 0)[rest[0]].tolist()} <= {(104, 117, 123)}
        ratios.append(width / 9)
        places.add((top, left))
    assert 1 <= min(ratios) < 1.3
    assert 3.7 < max(ratios) <= 4
    assert len(places) > 40


def test_expand_by_chance_or_not_at_all() -> None:
    rng = np.random.default_rng(2)
    change = Expand(ExpansionParameter(prob=0.5, max_expand_ratio=2), NO_MEAN)
    results = [change(IMAGE, rng) for _ in range(200)]
    assert 70 < sum(part is None for _, part in results) < 130
    assert min(int(y.min()) for y, part in results if part is not None) == 0
    assert Expand(ExpansionParameter(), NO_MEAN)(IMAGE, rng) == (IMAGE, None)
    with pytest.raises(NetError, match=r"must be at least 1; given 0\.5"):
        Expand(ExpansionParameter(max_expand_ratio=0.5), NO_MEAN)

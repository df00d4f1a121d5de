"""Parts as TSN cuts them."""

import numpy as np
import pytest

from netcfg.data.multi_scale import MultiScale
from netcfg.errors import DataError, NetError
from netcfg.io.image import resize_image
from tests.data.test_augment import config

IMAGE = np.random.default_rng(0).integers(0, 256, (4, 40, 60)).astype(np.uint8)


def parts(text: str, count: int = 300) -> list[np.ndarray]:
    cut, rng = MultiScale(config(text)), np.random.default_rng(1)
    return [cut(IMAGE, rng) for _ in range(count)]


def places(found: list[np.ndarray], size: int) -> set[tuple[int, int]]:
    """Return where parts that were not resized lie in the image."""
    windows = np.lib.stride_tricks.sliding_window_view(IMAGE[0], (size, size))
    spots = [np.argwhere((windows == part[0]).all(axis=(2, 3))) for part in found]
    assert all(len(spot) == 1 for spot in spots)
    return {(int(spot[0, 0]), int(spot[0, 1])) for spot in spots}


def test_sizes() -> None:
    cut = MultiScale(config("crop_size: 29 multi_scale: true"))
    edges = [40, 35, 29, 26]  # 40 times 1, .875, .75 (30, near 29) and .66
    want = [(a, b) for i, a in enumerate(edges) for j, b in enumerate(edges) if abs(i - j) < 2]
    assert cut.sizes(40, 60) == cut.sizes(70, 40) == want
    text = "crop_size: 8 multi_scale: true max_distort: 0 scale_ratios: 0.5 scale_ratios: 1"
    assert MultiScale(config(text)).sizes(40, 60) == [(20, 20), (40, 40)]
    assert MultiScale(config("crop_size: 8 fix_crop: true")).sizes(40, 60) == [(8, 8)]


def test_fixed_places() -> None:
    few = {(0, 0), (0, 40), (20, 0), (20, 40), (10, 20)}
    more = {(0, 20), (20, 20), (10, 0), (10, 40), (5, 10), (5, 30), (15, 10), (15, 30)}
    text = "crop_size: 20 fix_crop: true"
    assert places(parts(text), 20) == few
    assert places(parts(f"{text} more_fix_crop: true"), 20) == few | more


def test_any_place() -> None:
    text = "crop_size: 20 multi_scale: true scale_ratios: 0.5 max_distort: 0"
    found = places(parts(text), 20)
    assert len(found) > 100
    assert {max(p[0] for p in found), max(p[1] for p in found)} == {20, 40}


def test_parts_are_resized() -> None:
    text = "crop_size: 20 multi_scale: true scale_ratios: 1 fix_crop: true"
    want = {resize_image(IMAGE[:3, :, x : x + 40], 20, 20).tobytes() for x in (0, 10, 20)}
    found = parts(text, 100)
    assert {part.shape for part in found} == {(4, 20, 20)}
    assert {np.ascontiguousarray(part[:3]).tobytes() for part in found} == want


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("multi_scale: true", "multi_scale and fix_crop need crop_size"),
        ("crop_size: 8 fix_crop: true mean_file: 'm'", "use mean_value, not mean_file"),
        ("crop_size: 8 scale_ratios: 1.5", r"must lie in \(0, 1\]; given \[1.5\]"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        MultiScale(config(text))


def test_an_image_that_is_too_small() -> None:
    with pytest.raises(DataError, match=r"crop_size 50 exceeds the image, 40 x 60 \(height"):
        parts("crop_size: 50 fix_crop: true", 1)

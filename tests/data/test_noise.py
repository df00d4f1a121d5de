"""Noise; numbers of OpenCV 5.0 where it has the function."""

from typing import Any

import numpy as np
import pytest

from netcfg.data.colour import to_hsv, to_lab
from netcfg.data.noise import Noise, blur, equalize, equalize_locally, erode
from netcfg.errors import DataError
from netcfg.io.image import to_gray
from netcfg.netcfg_pb2 import NoiseParameter, SaltPepperParameter

PLANE = (np.arange(30).reshape(5, 6) * 37 % 256).astype(np.uint8)
IMAGE = np.random.default_rng(3).integers(0, 256, (3, 16, 17), np.uint8)


def noisy(image: np.ndarray = IMAGE, seed: int = 0, **fields: Any) -> np.ndarray:
    return Noise(NoiseParameter(**fields))(image, np.random.default_rng(seed))


def test_equalize() -> None:
    assert equalize(PLANE).tolist() == [
        [0, 44, 88, 123, 158, 193], [229, 9, 53, 97, 132, 167], [202, 237, 18, 62, 106, 141],
        [176, 211, 246, 26, 70, 114], [149, 185, 220, 255, 35, 79],
    ]  # fmt: skip
    flat = np.full((3, 3), 9, np.uint8)
    assert equalize(flat) is flat


def test_erode() -> None:
    assert erode(PLANE[None])[0].tolist() == [
        [0, 0, 37, 74, 111, 148], [0, 3, 3, 40, 77, 114], [154, 3, 6, 6, 43, 80],
        [120, 154, 6, 9, 9, 46], [120, 120, 157, 9, 12, 12],
    ]  # fmt: skip


def test_blur() -> None:
    want = [
        [91, 87, 84, 90, 102, 109], [102, 97, 91, 91, 98, 103], [128, 121, 107, 95, 90, 90],
        [151, 143, 123, 100, 84, 78], [160, 152, 131, 103, 82, 74],
    ]  # fmt: skip
    assert np.abs(blur(PLANE[None])[0].astype(int) - want).max() <= 1


def test_equalize_locally() -> None:
    plane = (np.add.outer(np.arange(16) ** 2 % 23, np.arange(17) * 3)).astype(np.uint8)
    want = [
        [57, 132, 146, 128, 132], [23, 66, 67, 66, 90], [80, 151, 158, 147, 151],
        [226, 243, 246, 241, 207],
    ]  # fmt: skip
    assert np.abs(equalize_locally(plane)[::5, ::4].astype(int) - want).max() <= 1
    plane = (np.add.outer(np.arange(40) ** 2 % 23, np.arange(50) * 3) % 91).astype(np.uint8)
    want = [
        [12, 88, 109, 58, 127], [24, 99, 138, 79, 140], [52, 124, 157, 99, 163],
        [12, 72, 101, 50, 105],
    ]  # fmt: skip
    assert np.abs(equalize_locally(plane)[::13, ::12].astype(int) - want).max() <= 1


def test_single_steps() -> None:
    gray = noisy(decolorize=True)
    np.testing.assert_array_equal(gray, np.repeat(to_gray(IMAGE), 3, axis=0))
    np.testing.assert_array_equal(noisy(inverse=True), 255 - IMAGE)
    assert set(np.unique(noisy(posterize=True))) == {32, 96, 160, 224}
    np.testing.assert_array_equal(noisy(erode=True), erode(IMAGE))
    np.testing.assert_array_equal(noisy(gauss_blur=True), blur(IMAGE))
    np.testing.assert_array_equal(noisy(convert_to_hsv=True), to_hsv(IMAGE))
    np.testing.assert_array_equal(noisy(convert_to_lab=True), to_lab(IMAGE))
    np.testing.assert_array_equal(noisy(PLANE[None], hist_eq=True)[0], equalize(PLANE))
    plane = IMAGE[:1]
    np.testing.assert_array_equal(noisy(plane, clahe=True)[0], equalize_locally(plane[0]))
    smooth = np.add.outer(np.arange(16), np.arange(17)).astype(np.uint8)[None].repeat(3, 0) * 4
    damaged = noisy(smooth, jpeg=30)
    assert 0 < np.abs(damaged.astype(int) - smooth).max() < 30


def test_steps_have_an_order() -> None:
    both = noisy(inverse=True, erode=True)
    np.testing.assert_array_equal(both, 255 - erode(IMAGE))


def test_luma_alone_is_equalized() -> None:
    dark = IMAGE // 4
    bright = noisy(dark, hist_eq=True)
    assert to_gray(bright).max() > 3 * to_gray(dark).max()
    gray = np.repeat(PLANE[None], 3, axis=0)
    np.testing.assert_array_equal(noisy(gray, hist_eq=True), equalize(PLANE)[None].repeat(3, 0))


@pytest.mark.parametrize(("value", "want"), [([9.7], [9, 9, 9]), ([1, 2, 3], [1, 2, 3])])
def test_salt_and_pepper(value: list[float], want: list[int]) -> None:
    param = SaltPepperParameter(fraction=0.5, value=value)
    y = noisy(saltpepper=True, saltpepper_param=param)
    changed = (y != IMAGE).any(axis=0)
    assert 0.25 * 272 < changed.sum() <= 0.5 * 272
    assert (y[:, changed] == np.array(want)[:, None]).all()
    assert not np.array_equal(y, noisy(seed=1, saltpepper=True, saltpepper_param=param))


def test_prob_counts_where_it_is_given() -> None:
    change = Noise(NoiseParameter(inverse=True, prob=0.5))
    rng = np.random.default_rng(0)
    changed = sum(change(IMAGE, rng) is not IMAGE for _ in range(200))
    assert 70 < changed < 130
    assert noisy(inverse=True, prob=0) is IMAGE


def test_refused() -> None:
    with pytest.raises(DataError, match="changes colours; the image has 1 channels"):
        noisy(PLANE[None], decolorize=True)
    with pytest.raises(DataError, match="for each of the 3 channels; given 2"):
        noisy(saltpepper=True, saltpepper_param=SaltPepperParameter(value=[1, 2]))

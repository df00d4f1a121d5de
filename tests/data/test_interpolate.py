"""Interpolations against what OpenCV 5.0 computed."""

import numpy as np
import pytest

from netcfg.data.interpolate import AREA, CUBIC, LANCZOS4, LINEAR, NEAREST, interpolate
from netcfg.io.image import resize_image

IMAGE = (np.arange(30).reshape(1, 5, 6) * 37 % 256).astype(np.uint8)
OPENCV = {
    AREA: (
        [[105, 52, 96, 145], [160, 175, 83, 64]],
        [
            [89, 45, 36, 60, 97, 122, 147, 171],
            [195, 185, 125, 13, 50, 74, 99, 124],
            [134, 158, 183, 207, 142, 64, 38, 62],
        ],
    ),
    NEAREST: (
        [[0, 37, 111, 148], [188, 225, 43, 80]],
        [
            [0, 0, 37, 74, 111, 111, 148, 185],
            [222, 222, 3, 40, 77, 77, 114, 151],
            [154, 154, 191, 228, 9, 9, 46, 83],
        ],
    ),
    CUBIC: (
        [[130, 26, 99, 155], [149, 250, 30, 63]],
        [
            [76, 29, 24, 72, 96, 124, 157, 179],
            [185, 236, 148, 0, 34, 65, 97, 120],
            [126, 147, 192, 216, 176, 63, 19, 60],
        ],
    ),
    LANCZOS4: (
        [[130, 30, 87, 156], [142, 251, 24, 69]],
        [
            [76, 21, 21, 83, 99, 120, 157, 178],
            [180, 241, 150, 0, 30, 75, 93, 119],
            [131, 138, 184, 227, 179, 57, 20, 63],
        ],
    ),
}


@pytest.mark.parametrize("mode", OPENCV)
@pytest.mark.parametrize("which", [0, 1])
def test_against_opencv(mode: int, which: int) -> None:
    want = np.array(OPENCV[mode][which])
    got = interpolate(IMAGE, *want.shape, mode)
    assert got.dtype == np.uint8
    # OpenCV rounds these weights to multiples of 1/2048.
    rounded = mode == LANCZOS4 or (mode == AREA and which == 1)
    assert np.abs(got[0].astype(int) - want).max() <= rounded


def test_linear_is_that_of_all_layers() -> None:
    np.testing.assert_array_equal(interpolate(IMAGE, 7, 4), resize_image(IMAGE, 7, 4))
    assert not np.array_equal(interpolate(IMAGE, 2, 4, AREA), interpolate(IMAGE, 2, 4, LINEAR))


@pytest.mark.parametrize("mode", [LINEAR, *OPENCV])
def test_floats_and_equal_sizes(mode: int) -> None:
    assert interpolate(IMAGE, 5, 6, mode) is IMAGE
    flat = np.full((2, 5, 6), 3.25, np.float32)
    got = interpolate(flat, 8, 3, mode)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, 3.25, rtol=1e-6)

"""Colour spaces against what OpenCV 5.0 computed for the same pixels."""

import numpy as np
import pytest

from netcfg.data.colour import from_hsv, from_ycrcb, saturate, to_hsv, to_lab, to_ycrcb

PIXELS = [
    [0, 0, 0], [255, 255, 255], [10, 200, 30], [200, 10, 10],
    [30, 30, 220], [90, 120, 100], [7, 8, 9], [250, 0, 251],
]  # fmt: skip
HSV = [
    [0, 0, 0], [0, 0, 255], [57, 242, 200], [120, 242, 200],
    [0, 220, 220], [50, 64, 120], [15, 57, 9], [150, 255, 251],
]  # fmt: skip
YCRCB = [
    [0, 128, 128], [255, 128, 128], [128, 58, 61], [32, 112, 223],
    [87, 223, 96], [111, 120, 116], [8, 129, 127], [104, 233, 210],
]  # fmt: skip
FROM_YCRCB = [
    [0, 0, 0], [255, 255, 255], [9, 201, 30], [200, 11, 10],
    [30, 30, 220], [90, 121, 100], [6, 8, 9], [249, 1, 251],
]  # fmt: skip
LAB = [
    [0, 0, 0], [100, 0, 0], [70.5, -69.7, 68.3], [25.1, 63.8, -88.2],
    [47.2, 68.3, 50.2], [47.9, -13.4, 14.1], [2.2, 0.2, 0.5], [59.2, 96.8, -59.5],
]  # fmt: skip


def image(pixels: list[list[int]]) -> np.ndarray:
    return np.array(pixels, np.uint8).T[:, None]


def test_hsv() -> None:
    np.testing.assert_array_equal(to_hsv(image(PIXELS)), image(HSV))
    back = from_hsv(image(HSV)).astype(int)
    assert np.abs(back - image(PIXELS)).max() == 1  # saturation and hue were rounded
    np.testing.assert_array_equal(back[:, 0, :2], image(PIXELS)[:, 0, :2])


@pytest.mark.parametrize(
    ("hue", "colour"),
    [
        (0, [0, 0, 255]), (30, [0, 255, 255]), (60, [0, 255, 0]), (90, [255, 255, 0]),
        (120, [255, 0, 0]), (150, [255, 0, 255]), (180, [0, 0, 255]), (210, [0, 255, 255]),
        (15, [0, 128, 255]), (255, [128, 255, 0]),
    ],
)  # fmt: skip
def test_the_circle_of_hues(hue: int, colour: list[int]) -> None:
    assert from_hsv(image([[hue, 255, 255]])).ravel().tolist() == colour


def test_ycrcb() -> None:
    np.testing.assert_array_equal(to_ycrcb(image(PIXELS)), image(YCRCB))
    np.testing.assert_array_equal(from_ycrcb(image(YCRCB)), image(FROM_YCRCB))


def test_lab() -> None:
    want = np.array(LAB).T[:, None]
    got = to_lab(image(PIXELS))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, atol=0.25)  # OpenCV looks it up in tables


def test_saturate() -> None:
    assert saturate(np.array([-3.0, 0.5, 1.5, 254.6, 300])).tolist() == [0, 0, 2, 255, 255]

"""Where windows go in the square; the numbers in ``test_place`` are worked out by hand."""

import numpy as np
import pytest

from netcfg.data.warp import Box, Warp, _round
from netcfg.errors import DataError, NetError
from netcfg.io.image import resize_image

IMAGE = np.random.default_rng(0).integers(0, 256, (3, 10, 12), np.uint8)


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.5, 1), (-0.5, -1), (1.5, 2), (2.5, 3), (-2.4, -2), (0.4, 0), (7, 7)]
)
def test_halves_go_away_from_zero(value: float, rounded: int) -> None:
    assert _round(np.float32(value)) == rounded


@pytest.mark.parametrize(
    ("options", "box", "mirrored", "place"),
    [
        # The box as it is.
        ({"size": 8}, (3, 2, 6, 9), False, ((3, 2, 6, 9), 8, 8, 0, 0)),
        # c = 8/4: centre 5, half 2 → 5 ± 4, in the image.
        ({"size": 8, "context": 2}, (3, 3, 6, 6), False, ((1, 1, 9, 9), 8, 8, 0, 0)),
        # 2 ± 4 = [-2, 6], 9 pixels of which 2 lie outside: 2 · 8/9 = 1.8, 7 · 8/9 = 6.2.
        ({"size": 8, "context": 2}, (0, 0, 3, 3), False, ((0, 0, 6, 6), 6, 6, 2, 2)),
        # Mirrored, the padding at the left is that of the right.
        ({"size": 8, "context": 2}, (0, 0, 3, 3), True, ((0, 0, 6, 6), 6, 6, 2, 0)),
        # x 10 ± 4 = [6, 14] of 12, y 8 ± 4 = [4, 12] of 10: 3 outside, 3 · 8/9 = 2.7, 6 → 5.3.
        ({"size": 8, "context": 2}, (8, 6, 11, 9), False, ((6, 4, 11, 9), 5, 5, 0, 0)),
        ({"size": 8, "context": 2}, (8, 6, 11, 9), True, ((6, 4, 11, 9), 5, 5, 0, 3)),
        # A square of the longer edge 6: x 5 ± 3, y 5 ± 3.
        ({"size": 7, "square": True}, (4, 2, 5, 7), False, ((2, 2, 8, 8), 7, 7, 0, 0)),
        ({"size": 7, "square": True}, (2, 4, 7, 5), False, ((2, 2, 8, 8), 7, 7, 0, 0)),
        # Centre 4.5, half 1.5, c = 9/5: 1.8 → 2 and 7.2 → 7.
        ({"size": 9, "context": 2}, (3, 3, 5, 5), False, ((2, 2, 7, 7), 9, 9, 0, 0)),
        # [-1, 8] is 10 pixels: 1 outside, 1 · 5/10 → 1, 9 · 5/10 → 5, one too many.
        ({"size": 5, "square": True}, (-1, -1, 7, 7), False, ((0, 0, 8, 8), 4, 4, 1, 1)),
        # [-30, 1] is 32 pixels, of which 2 · 4/32 → 0 can be seen.
        ({"size": 4, "square": True}, (-30, 0, 0, 0), False, ((0, 0, 1, 9), 1, 0, 2, 4)),
    ],
)
def test_place(options: dict, box: Box, mirrored: bool, place: tuple) -> None:
    assert Warp(**options).place(box, 10, 12, mirrored) == place


def test_a_window_of_the_size_of_the_square_is_copied() -> None:
    y = Warp(4)(IMAGE, (2, 1, 5, 4), False)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, IMAGE[:, 1:5, 2:6])
    np.testing.assert_array_equal(Warp(4)(IMAGE, (2, 1, 5, 4), True), y[:, :, ::-1])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("mean", ["none", "one", "channels", "image"])
def test_pixel_by_pixel(mean: str, mirrored: bool) -> None:
    rng = np.random.default_rng(1)
    shapes = {"one": (1, 1, 1), "channels": (3, 1, 1), "image": (3, 13, 12)}
    values = rng.normal(100, 20, shapes[mean]).astype(np.float32) if mean != "none" else None
    warp = Warp(8, context=2, mean=values, scale=0.5)
    y = warp(IMAGE, (8, 0, 11, 3), mirrored)  # x as above, y 2 ± 4
    part = resize_image(IMAGE[:, 0:7, 6:12], 6, 5)
    left, top = 3 if mirrored else 0, 2
    wanted = np.zeros((3, 8, 8))
    for c, h, w in np.ndindex(3, 6, 5):
        pixel = float(part[c, h, 4 - w if mirrored else w])
        offset = {
            "none": lambda *_: 0.0,
            "one": lambda *_: values[0, 0, 0],
            "channels": lambda c, *_: values[c, 0, 0],
            "image": lambda c, h, w: values[c, h + (12 - 8) // 2, w + (12 - 8) // 2],
        }[mean]
        wanted[c, h + top, w + left] = (pixel - offset(c, h + top, w + left)) * 0.5
    np.testing.assert_allclose(y, wanted, rtol=1e-6, atol=1e-5)


def test_a_window_that_shrinks_to_nothing_leaves_zeros() -> None:
    assert not Warp(4, square=True)(IMAGE, (-30, 0, 0, 0), False).any()


@pytest.mark.parametrize(
    ("options", "box", "message"),
    [
        ({}, (5, 5, 4, 6), r"window \(5, 5, 4, 6\) is empty: it is x1, y1, x2, y2 with x1 <= x2"),
        ({}, (5, 7, 6, 6), "is empty"),
        ({}, (5, 5, 12, 6), r"window \(5, 5, 12, 6\) must lie in the image, 10 x 12 \(height x w"),
        ({}, (5, 5, 6, 10), "must lie in the image"),
        ({}, (-1, 5, 6, 6), "must lie in the image"),
        ({}, (1, -1, 6, 6), "must lie in the image"),
        ({"context": 1}, (20, 1, 22, 3), "must lie in the image"),
        ({"context": 1}, (1, -9, 3, -7), "must lie in the image"),
    ],
)
def test_windows_that_are_wrong(options: dict, box: Box, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Warp(8, **options)(IMAGE, box, False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "crop_size must be at least 1"),
        ({"size": 8, "context": 4}, "less than half of crop_size; given 4 and 8"),
        ({"size": 8, "mean": np.zeros((3, 7, 9))}, r"\(3, 7, 9\); 3 channels of at least 8 x 8"),
        ({"size": 8, "mean": np.zeros((3, 9, 7))}, r"\(3, 9, 7\); 3 channels of at least 8 x 8"),
        ({"size": 8, "mean": np.zeros((1, 9, 9))}, r"\(1, 9, 9\); 3 channels of at least 8 x 8"),
        ({"size": 8, "mean": np.zeros((3, 9, 12))}, "10 rows with this many columns"),
    ],
)
def test_options_that_are_wrong(options: dict, message: str) -> None:
    with pytest.raises(NetError, match=message):
        Warp(**options)

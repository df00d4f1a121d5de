import numpy as np
import pytest

from netcfg.data.pixels import Cut, cut_all, cut_one, in_row, whole_pixels
from netcfg.engines.onednn.memory import Pool
from tests.data.databases import images

CUTS: list[Cut] = [(0, 4, 0, 3, False), (2, 6, 2, 5, True), (1, 5, 0, 3, True)]


def test_a_cut_looks_at_the_image() -> None:
    image = images(1)[0]
    part = cut_one(image, (1, 3, 2, 5, True))
    assert np.shares_memory(part, image)
    assert np.array_equal(part, np.flip(image[:, 1:3, 2:5], 2))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_all_cuts_are_those_of_each_image(dtype: type) -> None:
    x = images(3).astype(dtype)
    parts = cut_all(x, CUTS)
    assert parts.dtype == dtype
    for part, image, cut in zip(parts, x, CUTS, strict=True):
        assert np.array_equal(part, cut_one(image, cut))


def test_an_image_for_all_is_cut_too() -> None:
    mean = images(1)[0].astype(np.float32)
    parts = cut_all(np.broadcast_to(mean, (3, *mean.shape)), CUTS)
    assert np.array_equal(parts, np.stack([cut_one(mean, cut) for cut in CUTS]))


def beside(x: np.ndarray) -> bool:
    """Whether the channels of a pixel are neighbours, and pixels of a row are."""
    return bool(x.strides[-3] == x.itemsize and x.strides[-1] == x.shape[-3] * x.itemsize)


def test_planes_become_whole_pixels() -> None:
    x = images(2)
    y = whole_pixels(x, Pool())
    assert not beside(x)
    assert beside(y)
    assert np.array_equal(y, x)


def test_whole_pixels_stay_where_they_are() -> None:
    pool = Pool()
    x = images(1, (6, 5, 3))[0].transpose(2, 0, 1)
    part = cut_one(x, (1, 4, 1, 3, False))
    gray = images(2, (1, 6, 5))
    assert whole_pixels(part, pool) is part
    assert whole_pixels(gray, pool) is gray
    assert pool.allocated == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_mirrored_pixels_are_put_in_order(channels: int) -> None:
    x = images(1, (6, 5, channels))[0].transpose(2, 0, 1)[:, :, ::-1]
    y = whole_pixels(x, Pool())
    assert y.strides[-1] == channels
    assert np.array_equal(y, x)


def test_a_row_of_a_mean() -> None:
    row = in_row((1.0, 2.0, 3.0), 3, 4)
    assert beside(row)
    assert np.array_equal(row, np.array([1, 2, 3], np.float32)[:, None, None].repeat(4, 2))
    assert in_row((5.0,), 2, 3).tolist() == [[[5, 5, 5]]] * 2

from typing import Any

import numpy as np
import pytest

from netcfg.data.interpolate import AREA, NEAREST, interpolate
from netcfg.data.resize import Resize
from netcfg.errors import DataError, NetError
from netcfg.io.image import resize_image
from netcfg.netcfg_pb2 import ResizeParameter
from tests.data.test_objects import objects

IMAGE = np.random.default_rng(3).integers(0, 256, (3, 10, 20), np.uint8)
TALL = IMAGE.transpose(0, 2, 1)


def resize(mode: str = "WARP", height: int = 12, width: int = 16, **fields: Any) -> Resize:
    return Resize(ResizeParameter(resize_mode=mode, height=height, width=width, **fields))


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("mode", "size", "want"),
    [
        ("WARP", (10, 20), (12, 16)),
        ("FIT_SMALL_SIZE", (10, 20), (12, 24)),
        ("FIT_SMALL_SIZE", (20, 10), (32, 16)),
        ("FIT_SMALL_SIZE", (9, 12), (12, 16)),
        ("FIT_SMALL_SIZE", (10, 13), (12, 16)),  # 16 · 10 / 13 = 12.3
        ("FIT_LARGE_SIZE_AND_PAD", (10, 20), (8, 16)),
        ("FIT_LARGE_SIZE_AND_PAD", (20, 10), (12, 6)),
        ("FIT_LARGE_SIZE_AND_PAD", (7, 20), (5, 16)),
        ("FIT_LARGE_SIZE_AND_PAD", (1, 999), (1, 16)),
    ],
)
def test_sizes(mode: str, size: tuple[int, int], want: tuple[int, int]) -> None:
    assert resize(mode).shape(size) == want


def test_pixels() -> None:
    np.testing.assert_array_equal(resize().image(IMAGE, generator()), resize_image(IMAGE, 12, 16))
    small = resize("FIT_SMALL_SIZE").image(IMAGE, generator())
    np.testing.assert_array_equal(small, resize_image(IMAGE, 12, 24))


@pytest.mark.parametrize(
    ("fields", "corner"),
    [
        ({}, [0, 0, 0]),
        ({"pad_value": [7]}, [7, 7, 7]),
        ({"pad_value": [104, 117, 123]}, [104, 117, 123]),
    ],
)
def test_padding(fields: dict[str, Any], corner: list[int]) -> None:
    y = resize("FIT_LARGE_SIZE_AND_PAD", height=13, **fields).image(IMAGE, generator())
    assert y.shape == (3, 13, 16)
    assert y[:, 0, 0].tolist() == y[:, -1, 5].tolist() == corner
    np.testing.assert_array_equal(y[:, 2:10], resize_image(IMAGE, 8, 16))
    assert (y[:, :2] == np.array(corner)[:, None, None]).all()
    assert (y[:, 10:] == np.array(corner)[:, None, None]).all()


def test_padding_by_the_image() -> None:
    fit = "FIT_LARGE_SIZE_AND_PAD"
    inner = resize_image(TALL, 12, 6)
    mirrored = resize(fit, pad_mode="MIRRORED").image(TALL, generator())
    np.testing.assert_array_equal(mirrored[:, :, 5:11], inner)
    np.testing.assert_array_equal(mirrored[:, :, :5], inner[:, :, 5:0:-1])
    nearest = resize(fit, pad_mode="REPEAT_NEAREST").image(TALL, generator())
    np.testing.assert_array_equal(nearest[:, :, :5], np.repeat(inner[:, :, :1], 5, axis=2))
    np.testing.assert_array_equal(nearest[:, :, 11:], np.repeat(inner[:, :, -1:], 5, axis=2))


def test_interpolations_are_drawn() -> None:
    both = resize(interp_mode=["AREA", "NEAREST"])
    wanted = [interpolate(IMAGE, 12, 16, mode) for mode in (AREA, NEAREST)]
    rng = np.random.default_rng(1)
    drawn = [both.image(IMAGE, rng) for _ in range(20)]
    which = [[np.array_equal(y, want) for want in wanted].index(True) for y in drawn]
    assert set(which) == {0, 1}


def test_boxes_follow() -> None:
    rows = objects([0.25, 0.5, 1.5, 1])
    np.testing.assert_allclose(resize().objects(rows, (10, 20))[0, 2:6], [0.25, 0.5, 1, 1])
    fit = resize("FIT_LARGE_SIZE_AND_PAD")
    # 8 of 12 rows show the image, from row 2 on.
    want = [0.25, (2 + 4) / 12, 1, (2 + 8) / 12]
    np.testing.assert_allclose(fit.objects(rows, (10, 20))[0, 2:6], want, rtol=1e-6)
    want = [(5 + 1.5) / 16, 0.5, (5 + 6) / 16, 1]
    np.testing.assert_allclose(fit.objects(rows, (20, 10))[0, 2:6], want, rtol=1e-6)
    assert rows[0, 4] == 1.5


def test_boxes_as_shares_of_a_scale() -> None:
    rows = objects([0.25, 0.5, 0.5, 1])
    scaled = resize("FIT_SMALL_SIZE", height_scale=6, width_scale=8)
    np.testing.assert_allclose(scaled.rescaled(rows, (12, 24))[0, 2:6], [0.75, 1, 1.5, 2])
    assert resize("FIT_SMALL_SIZE").rescaled(rows, (12, 24)) is rows
    with pytest.raises(DataError, match=r"height_scale 6 and width_scale 8 exceed .* 5 x 24"):
        scaled.rescaled(rows, (5, 24))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"height": 0}, "height and width must be given; given 0 and 16"),
        ({"height_scale": 3}, "must be given together; given 3 and 0"),
    ],
)
def test_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(NetError, match=message):
        resize(**fields)


def test_pad_values_must_fit() -> None:
    with pytest.raises(DataError, match="for each of the 3 channels; given 2"):
        resize("FIT_LARGE_SIZE_AND_PAD", pad_value=[1, 2]).image(IMAGE, generator())

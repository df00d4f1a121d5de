"""What a net sees of a picture."""

import numpy as np
import pytest
from PIL import Image

from netcfg.errors import NetError
from netcfg.io.image import resize_image
from netcfg.vision.preprocess import Preprocess

RNG = np.random.default_rng(3)
ARRAY = RNG.integers(0, 256, (40, 60, 3), np.uint8)
PICTURE = Image.fromarray(ARRAY)
BGR = ARRAY[:, :, ::-1].transpose(2, 0, 1)


def mean(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(-1, 1, 1)


def test_resizes_as_caffe_does() -> None:
    views = Preprocess((16, 20)).views(PICTURE)
    assert views.shape == (1, 3, 16, 20)
    assert np.array_equal(views[0], resize_image(BGR, 16, 20))


def test_cuts_out_the_centre() -> None:
    views = Preprocess((16, 20), resize=(32, 31)).views(PICTURE)
    assert np.array_equal(views[0], resize_image(BGR, 32, 31)[:, 8:24, 5:25])


@pytest.mark.parametrize(
    ("size", "resize", "whole"),
    [((16, 16), (20, 20), (20, 30)), ((16, 20), None, (16, 24)), ((10, 30), None, (20, 30))],
)
def test_keeps_the_aspect(size: tuple, resize: tuple | None, whole: tuple) -> None:
    views = Preprocess(size, resize=resize, keep_aspect=True).views(PICTURE)
    image = resize_image(BGR, *whole)
    y, x = ((a - b) // 2 for a, b in zip(whole, size, strict=True))
    assert np.array_equal(views[0], image[:, y : y + size[0], x : x + size[1]])


def test_own_size_and_limits() -> None:
    assert Preprocess(None).views(PICTURE).shape == (1, 3, 40, 60)
    assert Preprocess(None, fit=(20, 100)).views(PICTURE).shape == (1, 3, 20, 30)
    assert Preprocess(None, fit=(20, 24)).views(PICTURE).shape == (1, 3, 16, 24)


def test_ten_views_in_caffes_order() -> None:
    plan = Preprocess((4, 5), resize=(8, 9), oversample=True)
    views, image = plan.views(PICTURE), resize_image(BGR, 8, 9)
    assert views.shape == (10, 3, 4, 5)
    for k, (y, x) in enumerate([(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]):
        assert np.array_equal(views[k], image[:, y : y + 4, x : x + 5])
        assert np.array_equal(views[k + 5], views[k][:, :, ::-1])


def test_takes_the_mean_away_and_scales() -> None:
    plan = Preprocess((16, 20), mean=mean(1, 2, 3), scale=0.5)
    views = plan.views(PICTURE)
    y = plan.normalise(np.stack([views, views]))
    assert (y.shape, y.dtype) == ((2, 3, 16, 20), np.float32)
    expected = (views[0].astype(np.float32) - [[[1]], [[2]], [[3]]]) * np.float32(0.5)
    assert np.array_equal(y[1], expected)
    plain = Preprocess((16, 20)).normalise(views[np.newaxis])
    assert np.array_equal(plain[0], views[0])


def test_a_mean_image_is_cut_like_the_picture() -> None:
    image = RNG.random((3, 8, 9)).astype(np.float32)
    plan = Preprocess((4, 5), resize=(8, 9), mean=image, oversample=True)
    views = plan.views(PICTURE)
    y = plan.normalise(views[np.newaxis])
    assert np.array_equal(y[3], views[3] - image[:, 4:, 4:])
    assert np.array_equal(y[8], views[8] - image[:, 4:, 4:][:, :, ::-1])
    small = Preprocess((4, 5), resize=(8, 9), mean=image[:, :4, :5])
    views = small.views(PICTURE)
    assert np.array_equal(small.normalise(views[np.newaxis])[0], views[0] - image[:, :4, :5])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": (4, 4), "resize": (3, 8)}, "--resize 3 x 8 must hold the net's input, 4 x 4"),
        ({"size": (4, 4), "oversample": True}, "give its size with --resize"),
        ({"size": None, "oversample": True}, "give its size with --resize"),
        ({"size": None, "resize": (8, 8)}, "needs an input of one size"),
        ({"size": (4, 4), "mean": mean(1, 2)}, "the mean must have 3 channels; given 2"),
        ({"size": (4, 4), "mean": np.ones((3, 5, 5))}, "of the input, 4 x 4; given 5 x 5"),
        (
            {"size": (4, 4), "resize": (5, 5), "keep_aspect": True, "mean": np.ones((3, 5, 5))},
            "mean image must have the size",
        ),
    ],
)
def test_what_does_not_fit(options: dict, words: str) -> None:
    with pytest.raises(NetError) as error:
        Preprocess(**options)
    assert words in str(error.value)


def test_pictures_out_of_proportion_are_refused() -> None:
    with pytest.raises(NetError, match=r"out of proportion"):
        Preprocess((4, 4), keep_aspect=True).views(Image.new("L", (70000, 1)))

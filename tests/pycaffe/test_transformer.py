import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.pycaffe.transformer import Transformer

SHAPE = (10, 3, 4, 5)


def make() -> Transformer:
    return Transformer({"data": SHAPE})


def test_every_step_in_its_order():
    transformer = make()
    transformer.set_input_scale("data", 0.5)
    transformer.set_mean("data", np.array([1.0, 2, 3]))
    transformer.set_raw_scale("data", 255)
    transformer.set_channel_swap("data", (2, 1, 0))
    transformer.set_transpose("data", (2, 0, 1))
    image = np.random.default_rng(0).random((4, 5, 3), np.float32)
    before = image.copy()
    x = transformer.preprocess("data", image)
    for c in range(3):
        np.testing.assert_allclose(x[c], (image[:, :, 2 - c] * 255 - c - 1) / 2, rtol=1e-5)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_allclose(transformer.deprocess("data", x[None]), image, atol=1e-6)


def test_nothing_set_leaves_an_image_as_it_is():
    transformer = Transformer({"data": (1, 1, 4, 5)})
    image = np.random.default_rng(0).random((4, 5, 1), np.float32)
    result = Transformer({"x": (1, 4, 4, 5)}).preprocess("x", image)
    np.testing.assert_array_equal(result, image)
    np.testing.assert_array_equal(transformer.deprocess("data", image[..., 0]), image[..., 0])


def test_images_are_resized_to_the_input():
    transformer = make()
    transformer.set_transpose("data", (2, 0, 1))
    x = transformer.preprocess("data", np.full((9, 12, 3), 0.5))
    np.testing.assert_allclose(x, np.full(SHAPE[1:], 0.5))
    assert x.dtype == np.float32


def test_means():
    transformer = make()
    transformer.set_mean("data", np.arange(3))
    assert transformer.mean["data"].shape == (3, 1, 1)
    transformer.set_mean("data", np.ones((4, 5)))
    assert transformer.mean["data"].shape == (1, 4, 5)
    transformer.set_mean("data", np.ones((3, 8, 8)))
    np.testing.assert_array_equal(transformer.mean["data"], np.ones((3, 4, 5)))
    for shape in ((2,), (2, 4, 5), (1, 3, 4, 5)):
        with pytest.raises(ShapeError):
            transformer.set_mean("data", np.zeros(shape))


def test_what_does_not_fit_is_refused():
    transformer = make()
    with pytest.raises(ShapeError, match=r"3 axes to order; given \(1, 0\)"):
        transformer.set_transpose("data", (1, 0))
    with pytest.raises(ShapeError, match="3 channels to order"):
        transformer.set_channel_swap("data", (1, 0))
    with pytest.raises(NetError, match="'dat' is not one of the inputs, data; did you mean"):
        transformer.set_raw_scale("dat", 1)
    for name in ("preprocess", "deprocess"):
        with pytest.raises(NetError, match="not one of the inputs"):
            getattr(transformer, name)("label", np.zeros(3))

"""Properties of normalization that its definition implies, and accuracy."""

import numpy as np
import pytest

from netcfg.engines import Engine

ENGINE = Engine()
SHAPES = [(4, 20, 15, 16), (200, 3), (3, 2, 40)]


def arrays(shape: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
    """Return the same array in the usual layout and channels-last."""
    x = rng.normal(3, 2, shape).astype(np.float32)
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    return [x, last]


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_gives_mean_0_and_variance_1(shape: tuple[int, ...]) -> None:
    for x in arrays(shape, np.random.default_rng(0)):
        y, mean, var = ENGINE.batch_norm(x, 0.0)
        axes = tuple(i for i in range(x.ndim) if i != 1)
        np.testing.assert_allclose(y.mean(axis=axes, dtype=np.float64), 0, atol=1e-5)
        np.testing.assert_allclose(y.var(axis=axes, dtype=np.float64), 1, atol=1e-5)
        np.testing.assert_allclose(mean, x.mean(axis=axes, dtype=np.float64), rtol=1e-5)
        np.testing.assert_allclose(var, x.var(axis=axes, dtype=np.float64), rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_normalize_with_own_statistics_is_batch_norm(shape: tuple[int, ...]) -> None:
    for x in arrays(shape, np.random.default_rng(0)):
        y, mean, var = ENGINE.batch_norm(x, 1e-5)
        np.testing.assert_allclose(ENGINE.normalize(x, mean, var, 1e-5), y, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_results_keep_the_layout(shape: tuple[int, ...]) -> None:
    for x in arrays(shape, np.random.default_rng(0)):
        w = np.ones((shape[1], *[1] * (len(shape) - 2)), np.float32)
        for y in (ENGINE.batch_norm(x, 1e-5)[0], ENGINE.scale(x, w, w), ENGINE.relu(x, 0.1)):
            assert y.strides == x.strides


def test_lrn_of_a_zero_scale_gives_no_warning() -> None:
    x = np.zeros((1, 3, 2, 2), np.float32)
    with np.errstate(invalid="ignore"):  # 0 × infinity
        y, scale = ENGINE.lrn(x, 3, 1.0, 0.75, 0.0)
    assert np.isnan(y).all()
    assert not scale.any()


def test_sum_of_many_is_accurate() -> None:
    rng = np.random.default_rng(0)
    for x in arrays((8, 4, 150, 150), rng):
        exact = x.sum(axis=(0, 2, 3), dtype=np.float64)
        np.testing.assert_allclose(ENGINE.sum_to_axis(x, 1), exact, rtol=1e-5)

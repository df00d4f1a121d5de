"""Launches of normalization; values: test_engine.py."""

import numpy as np

from netcfg.engines import Engine
from tests.engines.cuda.fake import engine


def test_many_rows_are_summed_in_parts() -> None:
    x = np.random.default_rng(0).normal(3, 2, (40, 5, 9, 9)).astype(np.float32)
    y, mean, var = engine().batch_norm(x, 1e-5)
    wanted = Engine().batch_norm(x, 1e-5)
    for got, want in zip((y, mean, var), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_what_is_kept_does_not_change_with_the_bias() -> None:
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=(4, 3, 5, 5)).astype(np.float32) for _ in range(2))
    w, b = np.ones(3, np.float32), np.zeros(3, np.float32)
    e = engine()
    *_, kept = e.norm_scale(x, w, b, 1e-5, relu=True)
    before = e.norm_scale_grad(dy, w, 1e-5, kept)
    b += 100  # an update in between
    for got, want in zip(e.norm_scale_grad(dy, w, 1e-5, kept), before, strict=True):
        np.testing.assert_array_equal(got, want)


def test_statistics_of_small_floats_are_float32() -> None:
    x = np.ones((2, 3, 2, 2), np.float16)
    y, mean, var = engine(storage="float16").batch_norm(x, 1e-5)
    assert (y.dtype, mean.dtype, var.dtype) == (np.float16, np.float32, np.float32)

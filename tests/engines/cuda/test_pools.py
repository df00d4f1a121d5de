"""Layouts of pooling; values: test_engine.py."""

import numpy as np

from netcfg.engines import Engine, Window
from tests.engines.cuda.fake import engine

OVER = Window((2, 2), (2, 2), (0, 0), (1, 1))
X = np.random.default_rng(0).normal(size=(2, 3, 6, 8)).astype(np.float32)


def test_results_are_channels_last_and_masks_are_indices() -> None:
    y, mask = engine().max_pool(X, OVER, (3, 4))
    assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    assert mask is not None
    assert mask.dtype == np.int32
    np.testing.assert_array_equal(mask, Engine().max_pool(X, OVER, (3, 4))[1])
    assert engine().max_pool(X, OVER, (3, 4), with_mask=False)[1] is None


def test_four_axes_are_left_to_the_definition() -> None:
    x = X.reshape(2, 3, 2, 3, 2, 4)
    over = Window((2, 1, 2, 2), (1, 1, 1, 2), (0,) * 4, (1,) * 4)
    y, _ = engine().max_pool(x, over, (1, 3, 1, 2))
    np.testing.assert_array_equal(y, Engine().max_pool(x, over, (1, 3, 1, 2))[0])


def test_other_masks_are_taken() -> None:
    dy, mask = np.ones((2, 3, 3, 4), np.float32), Engine().max_pool(X, OVER, (3, 4))[1]
    assert mask is not None
    got = engine().max_pool_grad(dy, mask.astype(np.int64), X.shape, OVER)
    np.testing.assert_array_equal(got, Engine().max_pool_grad(dy, mask, X.shape, OVER))

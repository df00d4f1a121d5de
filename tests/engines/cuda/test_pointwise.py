"""Arrays, layouts and sums; values: test_engine.py."""

import numpy as np

from netcfg.engines import Engine
from tests.engines.cuda.fake import engine

X = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
LAST = np.ascontiguousarray(X.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def is_last(x: np.ndarray) -> bool:
    return bool(x.transpose(0, 2, 3, 1).flags.c_contiguous)


def test_sums_of_more_arrays_than_a_kernel_takes() -> None:
    xs = [X * i for i in range(20)]
    coeffs = [0.5 * i for i in range(20)]
    got = engine().weighted_sum(xs, coeffs, 0.0)
    np.testing.assert_allclose(got, Engine().weighted_sum(xs, coeffs, 0.0), rtol=1e-5, atol=1e-4)


def test_layouts_stay() -> None:
    e = engine()
    assert is_last(e.relu(LAST, 0.0))
    assert e.relu(X, 0.0).flags.c_contiguous
    assert is_last(e.concat([LAST, LAST], 1))
    assert is_last(e.weighted_sum([X, LAST], [1.0, 1.0]))


def test_results_have_the_type_of_the_first_argument() -> None:
    e = engine(storage="bfloat16")
    short = X.astype(e.store)
    assert e.relu_grad(short, X, 0.0).dtype == e.store
    assert e.weighted_sum([X, short], [1.0, 1.0]).dtype == np.float32
    assert e.concat([short, X], 1).dtype == e.store
    assert e.sum_to_axis(short, 1).dtype == np.float32
    assert e.to_numpy(short).dtype == np.float32


def test_nothing_is_launched_for_nothing() -> None:
    e = engine()
    empty = X[:0]
    assert e.relu(empty, 0.0).shape == (0, 3, 4, 5)
    assert e.sum_to_axis(empty, 1).tolist() == [0, 0, 0]
    assert e.softmax(X[:, :, :0].transpose(2, 0, 1, 3), 1).shape == (0, 2, 3, 5)

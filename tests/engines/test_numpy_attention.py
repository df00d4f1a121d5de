"""Properties of attention that its definition implies; values and gradients: test_base.py."""

import numpy as np

from netcfg.engines import Engine

ENGINE = Engine(np.float64)
RNG = np.random.default_rng(0)


def test_equal_keys_give_the_mean_of_the_values() -> None:
    q, v = RNG.normal(size=(2, 3, 4, 5)), RNG.normal(size=(2, 3, 6, 5))
    k = np.ones((2, 3, 6, 5))
    y, _ = ENGINE.attention(q, k, v, 1.0, False)
    np.testing.assert_allclose(y, np.broadcast_to(v.mean(axis=2, keepdims=True), y.shape))


def test_a_causal_query_sees_what_comes_before_it() -> None:
    q, k, v = (RNG.normal(size=(1, 1, n, 4)) for n in (3, 5, 5))
    before, _ = ENGINE.attention(q, k, v, 0.5, True)
    k[:, :, 4], v[:, :, 4] = 9, -9
    after, _ = ENGINE.attention(q, k, v, 0.5, True)
    np.testing.assert_array_equal(after[:, :, :2], before[:, :, :2])
    assert not np.allclose(after[:, :, 2], before[:, :, 2])


def test_huge_scores_choose_one_value() -> None:
    q = np.full((1, 1, 1, 2), 1e4)
    k = np.array([[1.0, 1.0], [2.0, 2.0]]).reshape(1, 1, 2, 2)
    y, kept = ENGINE.attention(q, k, k, 1.0, False)
    np.testing.assert_array_equal(y, k[:, :, 1:])
    dq, dk, dv = ENGINE.attention_grad(np.ones((1, 1, 1, 2)), kept)
    assert not dq.any()
    assert not dk.any()
    np.testing.assert_array_equal(dv[0, 0], [[0, 0], [1, 1]])

"""Steps of recurrent nets, against LSTMUnit, LSTM and the formulas of RNN."""

import numpy as np
import pytest

from tests.engines.cuda.host import HostKernels, build, check

N, D = 3, 5


@pytest.mark.parametrize("split", [False, True])
def test_is_lstm_unit(kernels: HostKernels, split: bool) -> None:
    rng = np.random.default_rng(0)
    c_prev, dc, dh = (kernels.array(rng.normal(size=(N, D))) for _ in range(3))
    x, add = (kernels.array(rng.normal(size=(N, 4 * D))) for _ in range(2))
    cont, cont_next = kernels.array([1, 0, 1], kernels.acc), kernels.array([0, 1, 1], kernels.acc)
    wide = x.astype(np.float64) + (add.astype(np.float64) if split else 0)
    layer = build('type: "LSTMUnit"', (1, N, D), (1, N, 4 * D), (1, N))
    expected = layer.forward(c_prev.astype(np.float64)[None], wide[None], cont[None].astype(float))
    c, h, carried = (kernels.empty((N, D)) for _ in range(3))
    more = add if split else None
    kernels.each("lstm_unit", N * D, c_prev, x, more, cont, c, h, carried, cont_next, N, D)
    for made, wanted in ((c, expected[0][0]), (h, expected[1][0])):
        check(kernels, made, wanted, 4)
    check(kernels, carried, expected[1][0] * np.array([[0], [1], [1]]), 4)
    dx = kernels.empty((N, 4 * D))
    slopes = layer.backward(dc.astype(np.float64)[None], dh.astype(np.float64)[None])
    given = c_prev, x, more, cont, dc, dh, None, None
    kernels.each("lstm_unit_grad", N * D, *given, dc, dx, N, D)  # in place
    check(kernels, dc, slopes[0][0], 6)
    check(kernels, dx, slopes[1][0], 8)


def test_without_gradients_from_above(exact: HostKernels) -> None:
    rng = np.random.default_rng(0)
    c_prev, x = exact.array(rng.normal(size=(N, D))), exact.array(rng.normal(size=(N, 4 * D)))
    cont = exact.array(np.ones(N))
    dc_prev, dx = exact.empty((N, D)), exact.empty((N, 4 * D))
    given = c_prev, x, None, cont, None, None, None, None
    exact.each("lstm_unit_grad", N * D, *given, dc_prev, dx, N, D)
    assert not dc_prev.any()
    assert not dx.any()


def test_steps_make_an_lstm(exact: HostKernels) -> None:
    T, K = 4, 2
    text = (
        f'type: "LSTM" recurrent_param {{ num_output: {D} weight_filler {{ type: "uniform" '
        'min: -0.5 max: 0.5 } bias_filler { type: "uniform" } }'
    )
    layer = build(text, (T, N, K), (T, N))
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(T, N, K)), rng.normal(size=(T, N, D))
    cont = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 1], [1, 1, 0.0]])
    expected = layer.forward(x, cont)[0]
    dx = layer.backward(dy)[0]
    w_x, b, w_h = (p.data for p in layer.params)
    z = x @ w_x.T + b
    c, y = exact.array(np.zeros((T + 1, N, D))), exact.empty((T, N, D))
    carried = np.zeros((N, D))
    for t in range(T):
        z[t] += carried @ w_h.T
        after = cont[t + 1] if t + 1 < T else np.zeros(N)
        sizes = (carried, after, N, D)
        exact.each("lstm_unit", N * D, c[t], z[t], None, cont[t], c[t + 1], y[t], *sizes)
    check(exact, y, expected, 10)
    dz, dc = exact.empty(z.shape), exact.array(np.zeros((N, D)))
    more = after = None
    for t in reversed(range(T)):
        given = c[t], z[t], None, cont[t], dc, dy[t], more, after
        exact.each("lstm_unit_grad", N * D, *given, dc, dz[t], N, D)
        more, after = dz[t] @ w_h, cont[t]
    check(exact, dz @ w_x, dx, 50)


def test_rnn(kernels: HostKernels) -> None:
    rng = np.random.default_rng(0)
    x, add, dh, more = (kernels.array(rng.normal(size=(N, D))) for _ in range(4))
    cont = kernels.array([1, 0, 1], kernels.acc)
    h, carried, dx = (kernels.empty((N, D)) for _ in range(3))
    kernels.each("rnn_unit", N * D, x, add, h, carried, cont, N, D)
    expected = np.tanh(x.astype(np.float64) + add.astype(np.float64))
    column = np.array([[1], [0], [1]])
    check(kernels, h, expected, 4)
    check(kernels, carried, expected * column, 4)
    kernels.each("rnn_unit_grad", N * D, dh, more, cont, h, dx, N, D)
    slope = dh.astype(np.float64) + column * more.astype(np.float64)
    check(kernels, dx, slope * (1 - h.astype(np.float64) ** 2), 6)
    kernels.each("rnn_unit_grad", N * D, dh, None, None, h, dx, N, D)
    check(kernels, dx, dh.astype(np.float64) * (1 - h.astype(np.float64) ** 2), 6)

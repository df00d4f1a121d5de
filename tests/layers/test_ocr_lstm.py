import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.layer import as_arrays
from netcfg.testing import make_layer
from tests.layers.cases import Case, check

STARTS = np.array([[0.0, 1, 0], [1, 1, 1], [1, 0, 1], [1, 1, 0]])
FILLERS = 'weight_filler { type: "uniform" min: -0.7 max: 0.7 } bias_filler { value: 0.1 }'


def lstm(name, fields, *bottoms, fillers=FILLERS):
    fields = f"num_output: 2 {fields} {fillers}"
    return Case(name, f'type: "Lstm" lstm_param {{ {fields} }}', bottoms)


CASES = [
    lstm("steps and sequences", "", (4, 3, 5)),
    lstm("side by side", "batch_size: 3", (12, 5)),
    lstm("side by side with planes", "batch_size: 3", (12, 5, 1, 1)),
    lstm("both axes in spite of batch_size", "batch_size: 3", (4, 3, 5, 1)),
    lstm("one sequence", "", (4, 5)),
    lstm("a limit that is never reached", "clipping_threshold: 100", (4, 3, 5)),
]
# States that are kept would tell one pass from the next: these begin anew.
BEGINNING = np.where(np.arange(4)[:, None] == 0, 0, STARTS)
CASES.append(lstm("indicators", "", (4, 3, 5), BEGINNING))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def build(case, seed=0):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs], seed=seed)
    layer.reshape(*[x.shape for x in xs])
    return layer, xs


def s(v):
    return 1 / (1 + np.exp(-v))


def naive(layer, x, cont, h, c):
    """Return y, and h and c after the last step, by the definition."""
    w_x, w_h, b = (p.data for p in layer.params)
    ys = []
    for step, on in zip(x, cont, strict=True):
        h, c = h * on[:, None], c * on[:, None]
        i, f, o, g = np.split(step @ w_x.T + h @ w_h.T + b, 4, axis=1)
        c = s(f) * c + s(i) * np.tanh(g)
        h = s(o) * np.tanh(c)
        ys.append(h)
    return np.array(ys), h, c


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_forward_against_the_definition(case):
    layer, xs = build(case)
    assert [p.shape for p in layer.params] == [(8, 5), (8, 2), (8,)]
    N = 1 if case.name == "one sequence" else 3
    x = xs[0].reshape(4, N, 5)
    cont = BEGINNING if len(xs) > 1 else np.ones((4, N)) * (np.arange(4) > 0)[:, None]
    want, _, _ = naive(layer, x, cont, np.zeros((N, 2)), np.zeros((N, 2)))
    (y,) = as_arrays(layer.forward(*xs))
    np.testing.assert_allclose(y.reshape(want.shape), want, atol=1e-12)
    assert y.ndim == (3 if xs[0].shape[1] == 3 else 2)


def test_indicators_keep_the_state_between_passes():
    layer, xs = build(lstm("", "", (4, 3, 5), STARTS))
    (first,) = layer.forward(*xs)
    zeros = np.zeros((3, 2))
    want, h, c = naive(layer, xs[0], STARTS, zeros, zeros)
    np.testing.assert_allclose(first, want)
    (second,) = layer.forward(*xs)
    want, _, _ = naive(layer, xs[0], STARTS, h, c)
    np.testing.assert_allclose(second, want)
    assert (first != second).any()
    again, _ = build(lstm("", "", (4, 3, 5), STARTS))
    again.restore(1, {"h": h, "c": c})
    np.testing.assert_allclose(again.forward(*xs)[0], second)


def test_without_indicators_passes_are_alike():
    layer, xs = build(CASES[0])
    np.testing.assert_array_equal(layer.forward(*xs)[0], layer.forward(*xs)[0])
    assert layer.state() == {}


def naive_backward(layer, x, dy, limit):
    """Return the gradients of x and the parameters, step by step from the last."""
    w_x, w_h, b = (p.data for p in layer.params)
    h = c = np.zeros((x.shape[1], 2))
    seen = []
    for step in x:
        i, f, o, g = np.split(step @ w_x.T + h @ w_h.T + b, 4, axis=1)
        i, f, o, g = s(i), s(f), s(o), np.tanh(g)
        seen.append((step, h, c, i, f, o, g))
        c = f * c + i * g
        h = o * np.tanh(c)
        seen[-1] += (np.tanh(c),)
    dh = dc = np.zeros_like(h)
    dx, dw_x, dw_h, db = np.zeros_like(x), 0, 0, 0
    for t in reversed(range(len(x))):
        step, before, past, i, f, o, g, squashed = seen[t]
        dh = dh + dy[t]
        dc = dc + dh * o * (1 - squashed**2)
        gates = [dc * g * i * (1 - i), dc * past * f * (1 - f), dh * squashed * o * (1 - o)]
        dz = np.clip(np.concatenate([*gates, dc * i * (1 - g**2)], axis=1), -limit, limit)
        dx[t], dh, dc = dz @ w_x, dz @ w_h, dc * f
        dw_x, dw_h, db = dw_x + dz.T @ step, dw_h + dz.T @ before, db + dz.sum(axis=0)
    return dx, dw_x, dw_h, db


@pytest.mark.parametrize("limit", [0.05, 100])
def test_gradients_are_cut_off_at_every_step(limit):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(4, 3, 5)), rng.normal(size=(4, 3, 2))
    layer, _ = build(lstm("", f"clipping_threshold: {limit}", x.shape))
    layer.forward(x)
    (dx,) = layer.backward(dy)
    want = naive_backward(layer, x, dy, limit)
    for got, expected in zip([dx, *(p.diff for p in layer.params)], want, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-7)
    free = naive_backward(layer, x, dy, np.inf)
    assert np.allclose(want[0], free[0]) == (limit == 100)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (lstm("", "", (4,)), "x must have axes T, N"),
        (lstm("", "batch_size: 5", (12, 5)), "x must hold 5 values for each step of batch_size 5"),
        (lstm("", "batch_size: 0", (12, 5)), "batch_size 0"),
        (lstm("", "", (4, 3, 5), STARTS[:3]), "indicators must be 12, one for each step; given"),
    ],
)
def test_what_shapes_are_refused(case, message):
    with pytest.raises(ShapeError, match=message):
        build(case)


def test_no_outputs_are_refused():
    with pytest.raises(NetError, match="num_output must be at least 1; given 0"):
        make_layer('type: "Lstm"', [(4, 3, 5)])


def test_multiply_adds():
    layer, xs = build(CASES[0])
    assert layer.multiply_adds((xs[0].shape,), ((4, 3, 2),)) == 12 * (8 * 5 + 8 * 2)

"""RNN and LSTM against loops over numbers; ``test_recurrent_state`` has what they keep."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, check_backward, locked

FILLERS = """weight_filler { type: "gaussian" std: 0.6 }
    bias_filler { type: "uniform" min: -1 max: 1 }"""
STATES = {"RNN": 1, "LSTM": 2}
FRESH = [[0, 0], [1, 1], [1, 1]]
"""Both sequences begin at the first step, so that no pass depends on another."""


def text(kind: str, fields: str = "", specs: str = "") -> str:
    tops = "".join(f'top: "t{i}" ' for i in range(1 + STATES[kind] * ("expose" in fields)))
    return f'type: "{kind}" {tops} {specs} recurrent_param {{ num_output: 3 {FILLERS} {fields} }}'


def cases(kind: str) -> list[Case]:
    hidden = [(1, 2, 3)] * STATES[kind]
    bottoms: dict[str, Sequence[Any]] = {
        "plain": [(3, 2, 4), FRESH],
        "static": [(3, 2, 4), FRESH, (2, 5)],
        "images": [(3, 2, 2, 2), FRESH, (2, 2, 1, 3)],
        "one step": [(1, 2, 4), [[0, 0]]],
        "one stream": [(4, 1, 2), [[0], [1], [1], [1]]],
        "begins in the middle": [(4, 2, 4), [[0, 0], [1, 0], [0, 1], [1, 1]]],
        "part of the past": [(3, 2, 4), [[0, 0], [0.5, -2], [1, 3]], (2, 5)],
    }
    shown = {
        "shown": [(3, 2, 4), [[1, 1], [1, 0], [1, 1]], *hidden],
        "shown, static": [(3, 2, 4), [[0, 1], [1, 1], [1, 1]], (2, 5), *hidden],
        "shown, one step": [(1, 2, 4), [[1, 1]], *hidden],
    }
    # Gradients do not pass the states that are shown, so differences have a test of their own.
    return [
        *(Case(f"{kind} {name}", text(kind), given) for name, given in bottoms.items()),
        *(
            Case(f"{kind} {name}", text(kind, "expose_hidden: true"), given, gradient=False)
            for name, given in shown.items()
        ),
    ]


CASES = [*cases("RNN"), *cases("LSTM")]
SHOWN = [case for case in CASES if "shown" in case.name]
KINDS = pytest.mark.parametrize("kind", ["RNN", "LSTM"])


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def build(case_text: str, xs: Sequence[np.ndarray], seed: int = 0) -> Layer:
    shapes = [x.shape for x in xs]
    layer = make_layer(case_text, shapes, seed=seed)
    layer.reshape(*shapes)
    return layer


# The definition ----------------------------------------------------------------------------------


def sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def naive(layer: Layer, xs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return y and the last states, number by number; without states among ``xs`` from zeros."""
    count = STATES[layer.type]
    T, N = xs[1].shape
    shown = layer.config.recurrent_param.expose_hidden
    first = [h[0].copy() for h in xs[-count:]] if shown else [np.zeros((N, 3))] * count
    static = xs[2] if len(xs) - count * shown == 3 else None
    y = np.empty((T, N, 3))
    last = [np.empty((1, N, 3)) for _ in range(count)]
    for n in range(N):
        state = [[float(a) for a in h[n]] for h in first]
        for t in range(T):
            begun = float(xs[1][t, n])
            given = None if static is None else static[n].ravel()
            step = naive_rnn if layer.type == "RNN" else naive_lstm
            y[t, n], state = step(layer, xs[0][t, n].ravel(), given, state, begun)
        for kept, values in zip(last, state, strict=True):
            kept[0, n] = values
    return [y, *last] if shown else [y]


def arguments(layer: Layer, x: Any, static: Any, h: list[float], cont: float) -> list[float]:
    """Return W_x x + b + W_static static + W_h (cont h), in the order that Caffe stores them."""
    w_x, b, *others = (p.data for p in layer.params)
    static, w_static = ([], b) if static is None else (static, others.pop(0))
    z = []
    for row in range(len(b)):
        total = b[row]
        for k, value in enumerate(x):
            total += w_x[row, k] * value
        for k, value in enumerate(static):
            total += w_static[row, k] * value
        for k, value in enumerate(h):
            total += others[0][row, k] * cont * value
        z.append(float(total))
    return z


def naive_rnn(layer: Layer, x: Any, static: Any, state: list[Any], cont: float) -> Any:
    w_o, b_o = (p.data for p in layer.params[-2:])
    h = [math.tanh(a) for a in arguments(layer, x, static, state[0], cont)]
    o = [math.tanh(b_o[d] + sum(w_o[d, k] * h[k] for k in range(3))) for d in range(3)]
    return o, [h]


def naive_lstm(layer: Layer, x: Any, static: Any, state: list[Any], cont: float) -> Any:
    z = arguments(layer, x, static, state[0], cont)
    h, c = [], []
    for d in range(3):
        i, f, o, g = z[d], z[3 + d], z[6 + d], z[9 + d]
        c.append(sigmoid(f) * cont * state[1][d] + sigmoid(i) * math.tanh(g))
        h.append(sigmoid(o) * math.tanh(c[d]))
    return h, [h, c]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_definition(case: Case) -> None:
    xs = case.arrays()
    layer = build(case.text, xs)
    got = layer.forward(*xs)
    for y, want in zip(got, naive(layer, xs), strict=True):
        np.testing.assert_allclose(y, want, rtol=1e-9)


def test_parameters_are_stored_as_in_caffe() -> None:
    bottoms = [np.zeros((3, 2, 2, 2)), np.zeros((3, 2)), np.zeros((2, 5))]
    shapes = {
        ("LSTM", 2): [(12, 4), (12,), (12, 3)],
        ("LSTM", 3): [(12, 4), (12,), (12, 5), (12, 3)],
        ("RNN", 2): [(3, 4), (3,), (3, 3), (3, 3), (3,)],
        ("RNN", 3): [(3, 4), (3,), (3, 5), (3, 3), (3, 3), (3,)],
    }
    for (kind, count), want in shapes.items():
        layer = build(text(kind), bottoms[:count])
        assert [p.shape for p in layer.params] == want
        for param in layer.params:  # biases lie in ±1, weights are filled as weights
            values = np.abs(param.data)
            assert values.max() > 0
            assert len(param.shape) == 2 or values.max() <= 1


def test_multiply_adds() -> None:
    bottoms = ((5, 2, 4), (5, 2), (2, 6))
    tops = ((5, 2, 3),)
    xs = [np.zeros(shape) for shape in bottoms]
    lstm, rnn = (build(text(kind), xs) for kind in ("LSTM", "RNN"))
    assert lstm.multiply_adds(bottoms, tops) == 2 * (5 * 12 * (4 + 3) + 12 * 6)
    assert rnn.multiply_adds(bottoms, tops) == 2 * (5 * (3 * (4 + 3) + 3 * 3) + 3 * 6)
    assert build(text("LSTM"), xs[:2]).multiply_adds(bottoms[:2], tops) == 2 * 5 * 12 * (4 + 3)


# Gradients ---------------------------------------------------------------------------------------


def slope(value: Callable[[], float], x: np.ndarray, direction: np.ndarray) -> float:
    start, step = x.copy(), 1e-5
    x[...] = start + step * direction
    up = value()
    x[...] = start - step * direction
    down = value()
    x[...] = start
    return (up - down) / (2 * step)


@pytest.mark.parametrize("case", SHOWN, ids=lambda c: c.name)
def test_gradients_of_the_outputs_where_states_are_shown(case: Case) -> None:
    xs = case.arrays()
    layer = build(case.text, xs)
    rng = np.random.default_rng(5)
    dy = rng.normal(size=layer.forward(*xs)[0].shape)
    dxs = layer.backward(dy, *[rng.normal(size=(1, 2, 3))] * STATES[layer.type])
    moved = [(x, dx) for x, dx in zip(xs, dxs, strict=True) if dx is not None and dx.any()]
    assert len(moved) == 1 + ("static" in case.name)
    moved += [(p.data, p.diff.copy()) for p in layer.params]
    for x, dx in moved:
        direction = rng.normal(size=x.shape)
        want = slope(lambda: float(np.sum(dy * layer.forward(*xs)[0])), x, direction)
        assert np.sum(dx * direction) == pytest.approx(want, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("case", SHOWN, ids=lambda c: c.name)
def test_no_gradient_leaves_by_the_states(case: Case) -> None:
    xs = [locked(x) for x in case.arrays()]
    layer = build(case.text, xs)
    tops = layer.forward(*xs)
    check_backward(layer, xs, [locked(np.ones_like(y)) for y in tops])
    for param in layer.params:
        param.clear_grad()
    count = STATES[layer.type]
    layer.need = [i != 1 for i in range(len(xs))]
    layer.forward(*xs)
    dxs = layer.backward(None, *[np.ones_like(h) for h in tops[1:]])
    assert dxs[1] is None
    assert [dx.shape for dx in dxs[-count:]] == [(1, 2, 3)] * count
    assert not any(dx.any() for i, dx in enumerate(dxs) if i != 1)
    assert not any(p.diff.any() for p in layer.params)


@KINDS
def test_frozen_parameters_get_no_gradient(kind: str) -> None:
    xs = [np.ones((3, 2, 4)), np.ones((3, 2)), np.ones((2, 5))]
    free = build(text(kind), xs)
    count = len(free.params)
    free.forward(*xs)
    free.backward(np.ones((3, 2, 3)))
    for frozen in range(count):
        specs = "".join(f"param {{ lr_mult: {float(i != frozen)} }}" for i in range(count))
        layer = build(text(kind, specs=specs), xs)
        layer.forward(*xs)
        layer.backward(np.ones((3, 2, 3)))
        for i, (param, other) in enumerate(zip(layer.params, free.params, strict=True)):
            assert other.diff.any()
            np.testing.assert_array_equal(param.diff, 0 if i == frozen else other.diff)


# Errors ------------------------------------------------------------------------------------------

X, CONT, H = (3, 2, 4), (3, 2), (1, 2, 3)


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ("", [(3, 2), CONT], r"x must have axes T, N and those of an input, T > 0; given \(3, 2\)"),
        (
            "",
            [(0, 2, 4), (0, 2)],
            r"x must have axes T, N and those of an input, T > 0; given \(0, 2, 4\)",
        ),
        ("", [X, (2, 3)], r"cont must have shape \(3, 2\), the T and N of x; given \(2, 3\)"),
        ("", [X, (3, 2, 1)], r"cont must have shape \(3, 2\), .*; given \(3, 2, 1\)"),
        (
            "",
            [X, CONT, (3, 5)],
            r"the static input must have axes N = 2, that of x, and those of an input; "
            r"given \(3, 5\)",
        ),
        ("", [X, CONT, (2,)], r"the static input must have axes N = 2, .*; given \(2,\)"),
        (
            "expose_hidden: true",
            [X, CONT, H, (2, 3)],
            r"the first c must have shape \(1, 2, 3\); given \(2, 3\)",
        ),
        (
            "expose_hidden: true",
            [X, CONT, (2, 5), (1, 2, 4), H],
            r"the first h must have shape \(1, 2, 3\); given \(1, 2, 4\)",
        ),
    ],
)
def test_shapes(fields: str, shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(ShapeError, match=f"^{message}$"):
        make_layer(text("LSTM", fields), shapes).reshape(*shapes)


@KINDS
def test_shapes_may_change_as_far_as_the_weights_go(kind: str) -> None:
    layer = make_layer(text(kind), [X, CONT, (2, 5)])
    assert layer.reshape((4, 5, 2, 2), (4, 5), (5, 5, 1)) == ((4, 5, 3),)
    message = r"^the weights take 4 values from axis 2 of x on; given 5 in \(3, 2, 5\)$"
    with pytest.raises(ShapeError, match=message):
        layer.reshape((3, 2, 5), CONT, (2, 5))
    message = (
        r"^the weights take 5 values from axis 1 of the static input on; given 6 in \(2, 3, 2\)$"
    )
    with pytest.raises(ShapeError, match=message):
        layer.reshape(X, CONT, (2, 3, 2))


@pytest.mark.parametrize(
    ("kind", "fields", "count", "message"),
    [
        (
            "LSTM",
            "expose_hidden: true",
            3,
            "with expose_hidden: true the 4 or 5 bottoms are x, cont, a static input if any, "
            "the first h, the first c; given 3",
        ),
        (
            "LSTM",
            "",
            4,
            "with expose_hidden: false the 2 or 3 bottoms are x, cont, a static input if any; "
            "given 4",
        ),
        (
            "RNN",
            "expose_hidden: true",
            2,
            "with expose_hidden: true the 3 or 4 bottoms are x, cont, a static input if any, "
            "the first h; given 2",
        ),
    ],
)
def test_number_of_bottoms(kind: str, fields: str, count: int, message: str) -> None:
    with pytest.raises(NetError, match=f"^{message}$"):
        make_layer(text(kind, fields), [X, CONT, H, H, H][:count])


def test_number_of_tops() -> None:
    exposed = text("LSTM", "expose_hidden: true")
    message = (
        r"^with expose_hidden: true the number of tops is 3 \(the outputs, the last h, the last c\)"
        "; given 1$"
    )
    with pytest.raises(NetError, match=message):
        make_layer(exposed.replace('top: "t1" top: "t2"', ""), [X, CONT, H, H])
    message = r"^with expose_hidden: false the number of tops is 1 \(the outputs\); given 2$"
    with pytest.raises(NetError, match=message):
        make_layer(text("RNN") + ' top: "more"', [X, CONT])


def test_num_output_must_be_given() -> None:
    for kind in STATES:
        with pytest.raises(NetError, match=r"^num_output must be at least 1; given 0$"):
            make_layer(f'type: "{kind}"', [X, CONT])

"""One step of an LSTM's cells against a loop over numbers."""

import math

import numpy as np
import pytest

from netcfg.errors import ShapeError
from netcfg.layers.lstm_unit import open_gates
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

TEXT = 'type: "LSTMUnit" top: "c" top: "h"'
CASES = [
    Case("unit", TEXT, [(1, 3, 4), (1, 3, 16), [[1, 0, 1]]]),
    Case("unit, one stream", TEXT, [(1, 1, 2), (1, 1, 8), [[1]]]),
    Case("unit, all begin", TEXT, [(1, 2, 3), (1, 2, 12), [[0, 0]]]),
    Case("unit, part of the past", TEXT, [(1, 2, 3), (1, 2, 12), [[0.5, -2]]]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


def sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_definition(case: Case) -> None:
    before, x, cont = case.arrays()
    c, h = run(case)
    _, N, D = before.shape
    for n, d in np.ndindex(N, D):
        i, f, o, g = (float(x[0, n, k * D + d]) for k in range(4))
        cell = sigmoid(f) * cont[0, n] * before[0, n, d] + sigmoid(i) * math.tanh(g)
        assert c[0, n, d] == pytest.approx(cell)
        assert h[0, n, d] == pytest.approx(sigmoid(o) * math.tanh(cell))


def test_large_arguments_overflow_nothing() -> None:
    z = np.array([[1e4, -1e4, 1e4, -1e4]], np.float32)
    past, c, squashed, h = np.ones((4, 1, 1), np.float32)
    open_gates(np, z, past, c, squashed, h)
    assert z.tolist() == [[1, 0, 1, -1]]
    assert c == -1
    assert h == pytest.approx(math.tanh(-1))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            [(2, 3, 4), (2, 3, 16), (2, 3)],
            r"the first bottom, cells, must have shape \(1, N, D\); given \(2, 3, 4\)",
        ),
        (
            [(3, 4), (1, 3, 16), (1, 3)],
            r"the first bottom, cells, must have shape \(1, N, D\); given \(3, 4\)",
        ),
        (
            [(1, 3, 4), (1, 3, 12), (1, 3)],
            r"the second bottom, gates, must have shape \(1, 3, 16\) for cells \(1, 3, 4\); "
            r"given \(1, 3, 12\)",
        ),
        (
            [(1, 3, 4), (1, 3, 16), (3, 1)],
            r"the third bottom, cont, must have shape \(1, 3\) for cells \(1, 3, 4\); "
            r"given \(3, 1\)",
        ),
    ],
)
def test_shapes(shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(ShapeError, match=f"^{message}$"):
        make_layer(TEXT, shapes).reshape(*shapes)

"""LSTM over whole sequences: a product for all inputs, then a product and a kernel a step."""

import math
from typing import TYPE_CHECKING

from netcfg.engines.cuda.arrays import LARGEST, countable
from netcfg.types import Array, Arrays

if TYPE_CHECKING:
    from netcfg.engines.cuda.engine import Cuda

FLOATS = ("float32", "float64")
"""Types of parameters, cells and outputs; only products may take others."""


class Whole:
    """An LSTM over T steps of N sequences, and its gradients.

    Whether a sequence begins is multiplied in on the card, so that nothing waits and both passes
    can be recorded.

    Args:
        engine: runs the products and kernels.
        x: (T, N, K).
        cont: (T, N).
        first: h and c before the first step, (N, D) each.
        weights: W_x (4D, K), b (4D) and W_h (4D, D), rows in the order i, f, o, g.

    Attributes:
        y: (T, N, D).
        last: h and c after the last step, (N, D) each.
    """

    def __init__(
        self, engine: "Cuda", x: Array, cont: Array, first: Arrays, weights: Arrays
    ) -> None:
        xp, (T, N, K), D = engine.xp, x.shape, weights[2].shape[1]
        self._engine, self._x = engine, x.reshape(T * N, K)
        self._w_x, b, self._w_h = weights
        z = engine._as(engine.linear(self._x, self._w_x, b), self._w_h)
        self._z = z.reshape(T, N, 4 * D)
        self._cont = xp.ascontiguousarray(cont.astype(engine._of(z).acc, copy=False))
        self._carried, self.y = (xp.empty((T, N, D), z.dtype) for _ in range(2))
        self._cells = xp.empty((T + 1, N, D), z.dtype)
        self._cells[0] = first[1]
        self._carried[0] = first[0] * self._cont[0, :, None]
        w_h = engine._stored(self._w_h)  # once, not at each step
        self._pasts = [self._step(t, w_h) for t in range(T)]
        self.last: Arrays = self.y[-1], self._cells[-1]

    def _step(self, t: int, w_h: Array) -> Array:
        """Go through a step; return what the past adds to the arguments of its gates."""
        T, N, D = self.y.shape
        past = self._engine._as(self._engine.linear(self._carried[t], w_h, None), self._z)
        after = (self._carried[t + 1], self._cont[t + 1]) if t + 1 < T else (None, None)
        self._engine._each(
            past, "lstm_unit", N * D,
            self._cells[t], self._z[t], past, self._cont[t],
            self._cells[t + 1], self.y[t], *after, N, D,
        )  # fmt: skip
        return past

    def back(self, dy: Array) -> Arrays:
        """Return dx, dW_x, db and dW_h."""
        engine, (T, N, D) = self._engine, self.y.shape
        dy = engine.xp.ascontiguousarray(engine._as(dy, self._z))
        dz = engine.xp.empty_like(self._z)
        dc, more, after = engine.xp.zeros_like(self.y[0]), None, None
        w_h = engine._graded(self._w_h)
        for t in reversed(range(T)):
            engine._each(
                dz, "lstm_unit_grad", N * D,
                self._cells[t], self._z[t], self._pasts[t], self._cont[t],
                dc, dy[t], more, after, dc, dz[t], N, D,
            )  # fmt: skip
            if t:
                more = engine._as(engine.linear_grad_x(dz[t], w_h), self._z)
                after = self._cont[t]
        rows = dz.reshape(T * N, 4 * D)
        return (
            engine.linear_grad_x(rows, self._w_x),
            engine.linear_grad_w(rows, self._x),
            engine.sum_to_axis(rows, 1),
            engine.linear_grad_w(rows, self._carried.reshape(T * N, D)),
        )


def suits(x: Array, weights: Arrays) -> bool:
    """Return whether kernels can go through sequences (T, N, K)."""
    z = math.prod(x.shape[:2]) * len(weights[0])
    return countable(x) and z <= LARGEST and weights[0].dtype.name in FLOATS

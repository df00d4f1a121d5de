"""Lstm, the layer of caffe_ocr and its kin: the cells of LSTM, with other bottoms and blobs."""

import math
from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.lstm_unit import slopes, through_gates
from netcfg.layers.recurrent import LSTM
from netcfg.types import Array, Arrays, Shape, Shapes


@register("Lstm")
class Lstm(LSTM):
    """Long short-term memory over whole sequences; the equations are those of LSTM.

    x: (T, N, *K) or (T N, *K) with N = ``batch_size``   y: (T, N, D) or (T N, D), D = num_output
    a second bottom: T N indicators, 0 where a sequence begins, else 1
    Parameters: W_x (4D, ΠK), W_h (4D, D), b (4D); their rows in the order i, f, o, g.

    Without indicators each pass begins all sequences anew; with them h[T] and c[T] are kept as the
    next pass's h[0] and c[0]. Where ``clipping_threshold`` is not 0, gradients of the gates'
    arguments are cut off there at every step. x is (T, N, *K) where it has three axes or more, the
    second of N; where ``batch_size`` is not given, of any length.
    """

    dialect = "caffe_ocr's Lstm, not Caffe's LSTM"
    bottoms = (1, 2)
    tops = (1, 1)
    constant_bottoms = (1,)
    reads = ("lstm_param",)

    def setup(self, *bottoms: Shape) -> None:
        config = self.config.lstm_param
        if config.num_output < 1:
            raise NetError("num_output must be at least 1; given 0")
        self.num_output, self.rows = config.num_output, 4 * config.num_output
        self.w_static, self.kept = None, ()
        x = bottoms[0]
        self.inputs = math.prod(x[2:] if self._is_deep(x) else x[1:])
        self.w_x = self.param((self.rows, self.inputs), config.weight_filler)
        self.w_h = self.param((self.rows, self.num_output), config.weight_filler)
        self.b = self.param((self.rows,), config.bias_filler)

    def reshape(self, x: Shape, *others: Shape) -> Shapes:
        if len(x) < 2:
            raise ShapeError(f"x must have axes T, N and those of an input; given {x}")
        N = x[1] if self._is_deep(x) else self.config.lstm_param.batch_size
        total = math.prod(x) // max(self.inputs, 1)
        if N < 1 or total < 1 or total % N or math.prod(x) != total * self.inputs:
            raise ShapeError(
                f"x must hold {self.inputs} values for each step of batch_size {N} sequences; "
                f"given {x}"
            )
        if others and math.prod(others[0]) != total:
            raise ShapeError(f"indicators must be {total}, one for each step; given {others[0]}")
        self.size = total // N, N
        lead = self.size if self._is_deep(x) else (total,)
        return ((*lead, self.num_output),)

    def forward(self, x: Array, *others: Array) -> Arrays:
        T, N = self.size
        rows = x.reshape(T * N, self.inputs)
        z = self.engine.linear(rows, self.w_x.value, self.b.value).reshape(T, N, self.rows)
        if others:
            cont = (others[0].reshape(T, N, 1) != 0).astype(x.dtype)
            first = self._kept_or_zeros(N)
        else:
            cont = self.xp.ones((T, N, 1), x.dtype)
            cont[0] = 0
            first = tuple(self.engine.zeros((N, self.num_output)) for _ in self.states)
        y, last, steps = self._run(z, cont, first)
        if others:
            self.kept = tuple(self.xp.array(h) for h in last)  # copies: views keep all steps alive
        self.saved = x, rows, cont, steps
        return (y if self._is_deep(x.shape) else y.reshape(T * N, self.num_output),)

    def backward(self, dy: Array | None, *_: Array | None) -> tuple[Array | None, ...]:
        x, rows, cont, steps = self.saved
        T, N = self.size
        assert dy is not None  # noqa: S101 - the only top
        dz, carried = self._run_back(dy.reshape(T, N, self.num_output), cont, steps)
        dz = dz.reshape(T * N, self.rows)
        self._learn(dz, rows, self.w_x, self.b)
        self._learn(dz, carried.reshape(T * N, self.num_output), self.w_h)
        dx = self._grad_x(dz, self.w_x, x) if self.need[0] else None
        return (dx, *(None,) * (len(self.need) - 1))

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        return math.prod(self.size) * (math.prod(self.w_x.shape) + math.prod(self.w_h.shape))

    def _run_back(self, dy: Array, cont: Array, steps: Any) -> tuple[Array, Array]:
        limit = self.config.lstm_param.clipping_threshold
        if limit <= 0:
            return super()._run_back(dy, cont, steps)
        xp, (carried, gates, past, squashed) = self.xp, steps
        dz, dc_dh = slopes(xp, gates, past, squashed)
        forget = gates[..., self.num_output : 2 * self.num_output] * cont
        dh, dc = xp.array(dy), xp.zeros_like(dy[0])
        for t in reversed(range(len(dz))):
            if t + 1 < len(dz):
                dh[t] += self.engine.linear_grad_x(dz[t + 1], self.w_h.value) * cont[t + 1]
                dc *= forget[t + 1]
            dc += dh[t] * dc_dh[t]
            through_gates(dz[t], dh[t], dc)
            xp.clip(dz[t], -limit, limit, out=dz[t])
        return dz, carried

    def _is_deep(self, x: Shape) -> bool:
        """Return whether steps and sequences have an axis each."""
        config = self.config.lstm_param
        return len(x) > 2 and (not config.HasField("batch_size") or x[1] == config.batch_size)

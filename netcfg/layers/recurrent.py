"""Recurrent layers: what one step leaves behind, the next one reads."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, Param, register
from netcfg.layers.lstm_unit import open_gates, slopes, through_gates
from netcfg.types import Array, Arrays, Shape, Shapes


class _Recurrent(Layer):
    """What RNN and LSTM share: the state between passes, and products over all steps at once.

    Subclasses name in ``states`` what a step hands to the next, and in ``gates`` how many rows the
    weights have for each output; ``_run`` and ``_run_back`` go through the steps.
    """

    constant_bottoms = (1,)
    reads = ("recurrent_param",)
    states: ClassVar[tuple[str, ...]]
    gates: ClassVar[int]

    def setup(self, *bottoms: Shape) -> None:
        config = self.config.recurrent_param
        if config.num_output < 1:
            raise NetError("num_output must be at least 1; given 0")
        self.exposed = self.states if config.expose_hidden else ()
        self._check_counts(len(bottoms))
        self.num_output = config.num_output
        self.rows = self.gates * self.num_output
        self.inputs = math.prod(bottoms[0][2:])
        self.w_x = self.param((self.rows, self.inputs), config.weight_filler)
        self.b = self.param((self.rows,), config.bias_filler)
        self.w_static: Param | None = None
        if len(bottoms) == 3 + len(self.exposed):
            shape = (self.rows, math.prod(bottoms[2][1:]))
            self.w_static = self.param(shape, config.weight_filler)
        self.w_h = self.param((self.rows, self.num_output), config.weight_filler)
        self.kept: Arrays = ()

    def reshape(self, x: Shape, cont: Shape, *others: Shape) -> Shapes:
        if len(x) < 3 or x[0] < 1:
            raise ShapeError(f"x must have axes T, N and those of an input, T > 0; given {x}")
        T, N = x[:2]
        if math.prod(x[2:]) != self.inputs:
            raise ShapeError(
                f"the weights take {self.inputs} values from axis 2 of x on; given "
                f"{math.prod(x[2:])} in {x}"
            )
        if cont != (T, N):
            raise ShapeError(f"cont must have shape {(T, N)}, the T and N of x; given {cont}")
        if self.w_static:
            self._check_static(others[0], N)
        first = others[1:] if self.w_static else others
        for name, given in zip(self.exposed, first, strict=True):
            if given != (1, N, self.num_output):
                raise ShapeError(
                    f"the first {name} must have shape {(1, N, self.num_output)}; given {given}"
                )
        return ((T, N, self.num_output), *first)

    def forward(self, x: Array, cont: Array, *others: Array) -> Arrays:
        first = self._kept_or_zeros(cont.shape[1])
        if self.exposed:
            first = tuple(h[0] for h in others[-len(self.exposed) :])
        whole = None if self.w_static else self._whole(x, cont, first)
        if whole:
            y, last = whole.y, whole.last
            self.saved = x, others, whole
        else:
            y, last = self._by_steps(x, cont, others, first)
        if self.exposed:
            return (y, *(self.xp.array(h[None]) for h in last))  # views would keep all steps alive
        self._keep(last)
        return (y,)

    def _whole(self, x: Array, cont: Array, first: Arrays) -> Any:
        """Return the passes of a kernel for whole sequences, where the engine has one."""

    def _by_steps(self, x: Array, cont: Array, others: Arrays, first: Arrays) -> tuple[Any, Arrays]:
        """Return y and the last states."""
        T, N = cont.shape
        x_rows = x.reshape(T * N, self.inputs)
        z = self.engine.linear(x_rows, self.w_x.value, self.b.value).reshape(T, N, self.rows)
        static = None
        if self.w_static:
            static = others[0].reshape(N, self.w_static.shape[1])
            z += self.engine.linear(static, self.w_static.value, None)
        cont = cont.reshape(T, N, 1)
        y, last, steps = self._run(z, cont, first)
        self.saved = x, others, None, x_rows, static, cont, steps
        return y, last

    def backward(self, dy: Array | None, *_: Array | None) -> tuple[Array | None, ...]:
        x, others, whole, *steps = self.saved
        if dy is None:
            dy = self.engine.zeros((*x.shape[:2], self.num_output))
        grads = [
            self.xp.zeros_like(given) if need else None
            for given, need in zip(others, self.need[2:], strict=True)
        ]
        if whole:
            dx, *found = whole.back(dy)
            for param, grad in zip((self.w_x, self.b, self.w_h), found, strict=True):
                if param.lr_mult != 0:
                    param.add_grad(grad)
            return (dx.reshape(x.shape) if self.need[0] else None, None, *grads)
        x_rows, static, cont, kept = steps
        dz, carried = self._run_back(dy, cont, kept)  # (T, N, rows), (T, N, num_output)
        rows = dz.reshape(-1, self.rows)
        self._learn(rows, x_rows, self.w_x, self.b)
        self._learn(rows, carried.reshape(-1, self.num_output), self.w_h)
        dx = self._grad_x(rows, self.w_x, x) if self.need[0] else None
        if self.w_static:
            total = dz.sum(axis=0)  # (N, rows)
            self._learn(total, static, self.w_static)
            if self.need[2]:
                grads[0] = self._grad_x(total, self.w_static, others[0])
        return (dx, None, *grads)

    def state(self) -> dict[str, Array]:
        return dict(zip(self.states, self.kept, strict=True)) if self.kept else {}

    def restore(self, step: int, values: Mapping[str, Array]) -> None:
        super().restore(step, values)
        self.kept = tuple(self.xp.array(values[name]) for name in self.states) if values else ()

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        T, N = bottoms[0][:2]
        each_step = math.prod(self.w_x.shape) + math.prod(self.w_h.shape)
        once = math.prod(self.w_static.shape) if self.w_static else 0
        return N * (T * each_step + once)

    # The steps -----------------------------------------------------------------------------------

    def _run(self, z: Array, cont: Array, first: Arrays) -> tuple[Array, Arrays, Any]:
        """Go through the steps.

        Args:
            z: what the inputs give each step, (T, N, rows); it may be written to.
            cont: (T, N, 1).
            first: an (N, num_output) for each of ``states``.

        Returns:
            y, an (N, num_output) for each of ``states``, and what ``_run_back`` needs.
        """
        raise NotImplementedError

    def _run_back(self, dy: Array, cont: Array, steps: Any) -> tuple[Array, Array]:
        """Return dz (T, N, rows) and what the steps carried into w_h, (T, N, num_output)."""
        raise NotImplementedError

    # The rest ------------------------------------------------------------------------------------

    def _check_counts(self, bottoms: int) -> None:
        """Raise where bottoms or tops are more or less than ``expose_hidden`` makes them."""
        count, value = len(self.exposed), str(bool(self.exposed)).lower()
        if bottoms not in (2 + count, 3 + count):
            first = "".join(f", the first {name}" for name in self.exposed)
            raise NetError(
                f"with expose_hidden: {value} the {2 + count} or {3 + count} bottoms are x, cont, "
                f"a static input if any{first}; given {bottoms}"
            )
        if self.ntops != 1 + count:
            last = "".join(f", the last {name}" for name in self.exposed)
            raise NetError(
                f"with expose_hidden: {value} the number of tops is {1 + count} (the outputs"
                f"{last}); given {self.ntops}"
            )

    def _check_static(self, static: Shape, N: int) -> None:
        if len(static) < 2 or static[0] != N:
            raise ShapeError(
                f"the static input must have axes N = {N}, that of x, and those of an input; "
                f"given {static}"
            )
        inputs = self.w_static.shape[1] if self.w_static else 0
        if math.prod(static[1:]) != inputs:
            raise ShapeError(
                f"the weights take {inputs} values from axis 1 of the static input on; given "
                f"{math.prod(static[1:])} in {static}"
            )

    def _kept_or_zeros(self, N: int) -> Arrays:
        """Return the states that the last pass left, zeros where it had another N."""
        shape = (N, self.num_output)
        if self.kept and all(h.shape == shape for h in self.kept):
            return self.kept
        return tuple(self.engine.zeros(shape) for _ in self.states)

    def _keep(self, last: Arrays) -> None:
        """Keep states for the next pass, where it looks for them if its work is recorded."""
        if [h.shape for h in self.kept] != [h.shape for h in last]:
            self.kept = tuple(self.xp.array(h) for h in last)
            return
        for kept, h in zip(self.kept, last, strict=True):
            kept[...] = h

    def _learn(self, dz: Array, x: Array, w: Param, b: Param | None = None) -> None:
        """Add the gradients of z = x wᵀ + b."""
        if w.lr_mult != 0:
            w.add_grad(self.engine.linear_grad_w(dz, x))
        if b and b.lr_mult != 0:
            b.add_grad(self.engine.sum_to_axis(dz, 1))

    def _grad_x(self, dz: Array, w: Param, x: Array) -> Array:
        return self.engine.linear_grad_x(dz, w.value).reshape(x.shape)


@register("RNN")
class RNN(_Recurrent):
    """A network whose hidden units read, besides the input, what they were a step before.

    h[t] = tanh(W_xh x[t] + b_h + W_xh_static x_static + W_hh (cont[t] h[t-1]))
    o[t] = tanh(W_ho h[t] + b_o)

    x: (T, N, *K)   cont: (T, N), 0 where a sequence begins, else 1   x_static: (N, *J), optional
    W_xh: (D, ΠK)   W_xh_static: (D, ΠJ)   W_hh, W_ho: (D, D)   o: (T, N, D)   D = ``num_output``
    Parameters: W_xh, b_h, W_xh_static with x_static only, W_hh, W_ho, b_o.

    dz[t] = (1 - h²) (W_hoᵀ (1 - o²) do[t] + cont[t+1] W_hhᵀ dz[t+1]), the gradient of tanh's
    argument, gives those of inputs and parameters.

    h[T] is kept as the next pass's h[0], zeros at first. With ``expose_hidden`` h[0] is the last
    bottom and h[T] the second top, both (1, N, D), and nothing is kept. Either way gradients stay
    within a pass: as in Caffe h[0] gets zeros, and what comes from h[T]'s top is not used.
    """

    bottoms = (2, 4)
    tops = (1, 2)
    states = ("h",)
    gates = 1

    def setup(self, *bottoms: Shape) -> None:
        super().setup(*bottoms)
        config = self.config.recurrent_param
        self.w_o = self.param((self.num_output, self.num_output), config.weight_filler)
        self.b_o = self.param((self.num_output,), config.bias_filler)

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        return super().multiply_adds(bottoms, tops) + math.prod(tops[0]) * self.num_output

    def _run(self, z: Array, cont: Array, first: Arrays) -> tuple[Array, Arrays, Any]:
        carried = self.xp.empty_like(z)
        h = z  # in place, step by step
        before = first[0]
        for t in range(len(z)):
            self.xp.multiply(before, cont[t], out=carried[t])
            z[t] += self.engine.linear(carried[t], self.w_h.value, None)
            before = self.xp.tanh(z[t], out=h[t])
        rows = h.reshape(-1, self.num_output)
        o = self.engine.linear(rows, self.w_o.value, self.b_o.value)
        o = self.xp.tanh(o, out=o).reshape(h.shape)
        return o, (h[-1],), (carried, h, o)

    def _run_back(self, dy: Array, cont: Array, steps: Any) -> tuple[Array, Array]:
        carried, h, o = steps
        do = ((1 - o * o) * dy).reshape(-1, self.num_output)
        self._learn(do, h.reshape(-1, self.num_output), self.w_o, self.b_o)
        dz = self._grad_x(do, self.w_o, h)
        slope = 1 - h * h
        for t in reversed(range(len(dz))):
            if t + 1 < len(dz):
                dz[t] += self.engine.linear_grad_x(dz[t + 1], self.w_h.value) * cont[t + 1]
            dz[t] *= slope[t]
        return dz, carried


@register("LSTM")
class LSTM(_Recurrent):
    """Long short-term memory: cells that gates open to inputs, to their past and to the output.

    (i', f', o', g') = W_xc x[t] + b_c + W_xc_static x_static + W_hc (cont[t] h[t-1])
    c[t] = σ(f') cont[t] c[t-1] + σ(i') tanh(g'),  h[t] = σ(o') tanh(c[t])

    x: (T, N, *K)   cont: (T, N), 0 where a sequence begins, else 1   x_static: (N, *J), optional
    W_xc: (4D, ΠK)   W_xc_static: (4D, ΠJ)   W_hc: (4D, D)   h: (T, N, D), the top
    D = ``num_output``, σ(a) = 1 / (1 + exp(-a))
    Parameters: W_xc, b_c, W_xc_static with x_static only, W_hc; their rows in the order i, f, o, g.

    dh[t] = dy[t] + cont[t+1] W_hcᵀ dz[t+1]
    dc[t] = dh[t] σ(o') (1 - tanh(c[t])²) + cont[t+1] σ(f'[t+1]) dc[t+1]
    dz[t], the gradient of the gates' arguments, follows as in LSTMUnit and gives all others.

    h[T] and c[T] are kept as the next pass's h[0] and c[0], zeros at first. With ``expose_hidden``
    h[0] and c[0] are the last bottoms, h[T] and c[T] further tops, all (1, N, D), and nothing is
    kept. Either way gradients stay within a pass: as in Caffe h[0] and c[0] get zeros, and what
    comes from the tops of h[T] and c[T] is not used.

    Hochreiter and Schmidhuber, "Long short-term memory", 1997, with the forget gate of Gers et al.,
    "Learning to forget", 2000.
    """

    bottoms = (2, 5)
    tops = (1, 3)
    states = ("h", "c")
    gates = 4

    def _whole(self, x: Array, cont: Array, first: Arrays) -> Any:
        weights = self.w_x.value, self.b.value, self.w_h.value
        return self.engine.lstm(x.reshape(*cont.shape, self.inputs), cont, first, weights)

    def _run(self, z: Array, cont: Array, first: Arrays) -> tuple[Array, Arrays, Any]:
        y = self.xp.empty((*z.shape[:2], self.num_output), z.dtype)
        carried, past, squashed = (self.xp.empty_like(y) for _ in range(3))
        c = self.xp.empty_like(y[0])
        h_before, c_before = first
        for t in range(len(z)):
            self.xp.multiply(h_before, cont[t], out=carried[t])
            self.xp.multiply(c_before, cont[t], out=past[t])
            z[t] += self.engine.linear(carried[t], self.w_h.value, None)
            open_gates(self.xp, z[t], past[t], c, squashed[t], y[t])
            h_before, c_before = y[t], c
        return y, (y[-1], c), (carried, z, past, squashed)

    def _run_back(self, dy: Array, cont: Array, steps: Any) -> tuple[Array, Array]:
        carried, gates, past, squashed = steps
        dz, dc_dh = slopes(self.xp, gates, past, squashed)
        forget = gates[..., self.num_output : 2 * self.num_output] * cont
        dh, dc = self.xp.array(dy), self.xp.zeros_like(dy[0])
        for t in reversed(range(len(dz))):
            if t + 1 < len(dz):
                dh[t] += self.engine.linear_grad_x(dz[t + 1], self.w_h.value) * cont[t + 1]
                dc *= forget[t + 1]
            dc += dh[t] * dc_dh[t]
            through_gates(dz[t], dh[t], dc)
        return dz, carried

"""The cells of an LSTM: one step as a layer, and the arithmetic that LSTM goes by."""

from typing import Any

from netcfg.errors import ShapeError
from netcfg.layer import Layer, register
from netcfg.types import Array, Shape


@register("LSTMUnit")
class LSTMUnit(Layer):
    """One step of an LSTM's cells, without the weights.

    c = σ(f') cont c_prev + σ(i') tanh(g'),  h = σ(o') tanh(c),  σ(a) = 1 / (1 + exp(-a))

    c_prev: (1, N, D)   (i', f', o', g'): (1, N, 4D)   cont: (1, N)   c, h: (1, N, D), the tops
    with e = dc + dh σ(o') (1 - tanh(c)²):  dc_prev = e σ(f') cont
    di' = e tanh(g') σ'(i'),  df' = e cont c_prev σ'(f'),  dg' = e σ(i') (1 - tanh(g')²),
    do' = dh tanh(c) σ'(o')
    """

    bottoms = (3, 3)
    tops = (2, 2)
    constant_bottoms = (2,)

    def reshape(self, c_prev: Shape, x: Shape, cont: Shape) -> tuple[Shape, Shape]:
        if len(c_prev) != 3 or c_prev[0] != 1:
            raise ShapeError(f"the first bottom, cells, must have shape (1, N, D); given {c_prev}")
        _, N, D = c_prev
        if x != (1, N, 4 * D):
            raise ShapeError(
                f"the second bottom, gates, must have shape {(1, N, 4 * D)} for cells {c_prev}; "
                f"given {x}"
            )
        if cont != (1, N):
            raise ShapeError(
                f"the third bottom, cont, must have shape {(1, N)} for cells {c_prev}; given {cont}"
            )
        return c_prev, c_prev

    def forward(self, c_prev: Array, x: Array, cont: Array) -> tuple[Array, Array]:
        cont = cont[..., None]
        gates, past = self.xp.array(x), c_prev * cont
        c, squashed, h = (self.xp.empty_like(past) for _ in range(3))
        open_gates(self.xp, gates, past, c, squashed, h)
        self.saved = (gates, past, squashed, cont)
        return c, h

    def backward(self, dc: Array | None, dh: Array | None) -> tuple[Array | None, ...]:
        gates, past, squashed, cont = self.saved
        dx, dc_dh = slopes(self.xp, gates, past, squashed)
        dh = self.xp.zeros_like(past) if dh is None else dh
        dc = dh * dc_dh + (0 if dc is None else dc)
        through_gates(dx, dh, dc)
        forget = gates[..., past.shape[-1] : 2 * past.shape[-1]]
        return dc * forget * cont if self.need[0] else None, dx if self.need[1] else None, None


def open_gates(xp: Any, z: Array, past: Array, c: Array, squashed: Array, h: Array) -> None:
    """Compute cells and outputs of a step.

    Args:
        xp: the array module.
        z: arguments of the gates i, f, o, g side by side, (..., 4D); the gates are left there.
        past: cont c[t-1], (..., D).
        c: where the cells go, likewise ``squashed`` for tanh(c) and ``h``.
    """
    D = past.shape[-1]
    sigmoids = z[..., : 3 * D]
    sigmoids *= 0.5  # σ(a) = ½ tanh(a/2) + ½: one call of tanh for all gates
    xp.tanh(z, out=z)
    sigmoids *= 0.5
    sigmoids += 0.5
    i, f, o, g = _four(z)
    xp.multiply(i, g, out=h)
    xp.multiply(f, past, out=c)
    c += h
    xp.tanh(c, out=squashed)
    xp.multiply(o, squashed, out=h)


def slopes(xp: Any, gates: Array, past: Array, squashed: Array) -> tuple[Array, Array]:
    """Return the slopes of a step's results.

    Returns:
        By the arguments of the gates (..., 4D): ∂c/∂i', ∂c/∂f', ∂h/∂o', ∂c/∂g'; and ∂h/∂c.
    """
    i, _, o, g = _four(gates)
    by_gate = gates - gates * gates  # σ' = σ (1 - σ)
    *by_sigmoids, by_g = _four(by_gate)
    for slope, factor in zip(by_sigmoids, (g, past, squashed), strict=True):
        slope *= factor
    xp.multiply(i, 1 - g * g, out=by_g)
    return by_gate, o * (1 - squashed * squashed)


def through_gates(by_gate: Array, dh: Array, dc: Array) -> None:
    """Turn the slopes by gate, in place, into the gradients of the gates' arguments."""
    for slope, d in zip(_four(by_gate), (dc, dc, dh, dc), strict=True):
        slope *= d


def _four(gates: Array) -> tuple[Array, Array, Array, Array]:
    """Return views of i, f, o and g."""
    D = gates.shape[-1] // 4
    i, f, o, g = (gates[..., k * D : (k + 1) * D] for k in range(4))
    return i, f, o, g

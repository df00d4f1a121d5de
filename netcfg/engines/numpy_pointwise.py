"""Functions of single values, in blocks that threads share."""

from typing import Any

from netcfg.engines import threads
from netcfg.engines.layout import pieces
from netcfg.types import Array


def relu(xp: Any, x: Array, slope: float) -> Array:
    """Return y; see ``Engine.relu``."""
    # One sample of zeros, not the number: NumPy has no fast loop for an array and a number.
    zero = xp.zeros_like(x[:1] if x.ndim else x)
    y = xp.empty_like(x)

    def bend(piece: Any) -> None:
        xp.maximum(x[piece], zero, out=y[piece])
        if slope != 0:
            y[piece] += xp.minimum(x[piece], zero) * float(slope)

    threads.run(xp, bend, pieces(y))
    return y


def relu_grad(xp: Any, dy: Array, x: Array, slope: float) -> Array:
    """Return dx; see ``Engine.relu_grad``."""
    dx = xp.empty_like(dy)

    def choose(piece: Any) -> None:
        xp.multiply(dy[piece], x[piece] > 0, out=dx[piece])
        if slope != 0:
            dx[piece] += dy[piece] * (x[piece] <= 0) * float(slope)

    threads.run(xp, choose, pieces(dx))
    return dx

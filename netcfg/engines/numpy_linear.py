"""Products of matrices that threads share."""

from typing import Any

from netcfg.engines import threads
from netcfg.types import Array

WORK = 4 << 20
"""Multiplications in a part: less of them is not worth waking a thread."""

PARTS = 16
"""Into how many parts a product is cut at most, and so how many threads can share it."""


def product(xp: Any, a: Array, b: Array) -> Array:
    """Return a b, cut along the longer side of the result.

    a (M, K), b (K, N) → (M, N)
    """
    (M, K), N = a.shape, b.shape[1]
    parts = min(PARTS, M * K * N // WORK)
    if parts < 2:
        return a @ b
    y = xp.empty((M, N), a.dtype)
    step = -(-max(M, N) // parts)
    step += -step % 16  # whole tiles of BLAS's kernels

    def multiply(start: int) -> None:
        part = slice(start, start + step)
        if M > N:
            xp.matmul(a[part], b, out=y[part])
        else:
            xp.matmul(a, b[:, part], out=y[:, part])

    threads.run(xp, multiply, range(0, max(M, N), step))
    return y

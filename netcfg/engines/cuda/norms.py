"""Normalization and scaling by channel."""

from typing import Any

from netcfg.engines.cuda.arrays import alike, countable, dense, pixels
from netcfg.engines.cuda.pointwise import _parts
from netcfg.engines.cuda.pools import Pools
from netcfg.types import Array


class Norms(Pools):
    """Batch normalization in two reads and a write, scale and shift on the way."""

    def batch_norm(self, x: Array, eps: float) -> tuple[Array, Array, Array]:
        if not countable(x):
            return super().batch_norm(x, eps)
        x = dense(self.xp, x)
        mean, var = self._statistics(x)
        return self._normalized(x, mean, var, None, None, eps, bend=False), mean, var

    def batch_norm_grad(self, dy: Array, y: Array, var: Array, eps: float) -> Array:
        if not countable(dy):
            return super().batch_norm_grad(dy, y, var, eps)
        dx, _, _ = self._norm_grad(dy, y, None, var, None, None, eps, bend=False)
        return dx

    def norm_scale(
        self, x: Array, w: Array, b: Array, eps: float, relu: bool
    ) -> tuple[Array, Array, Array, Any]:
        if not countable(x):
            return super().norm_scale(x, w, b, eps, relu)
        x = dense(self.xp, x)
        mean, var = self._statistics(x)
        y = self._normalized(x, mean, var, w, b, eps, bend=relu)
        return y, mean, var, (x, mean, var, self._vector(b, x).copy(), relu)

    def norm_scale_grad(
        self, dy: Array, w: Array, eps: float, kept: Any
    ) -> tuple[Array, Array, Array]:
        if not countable(dy):
            return super().norm_scale_grad(dy, w, eps, kept)
        x, mean, var, b, relu = kept
        return self._norm_grad(dy, x, mean, var, w, b, eps, bend=relu)

    def normalize(self, x: Array, mean: Array, var: Array, eps: float) -> Array:
        if not countable(x):
            return super().normalize(x, mean, var, eps)
        return self._normalized(dense(self.xp, x), mean, var, None, None, eps, bend=False)

    def scale(self, x: Array, w: Array, b: Array | None) -> Array:
        by_channel = (1, x.shape[1], *[1] * (x.ndim - 2)) if x.ndim > 1 else None
        vectors = [v for v in (w, b) if v is not None]
        if not countable(x) or any(
            (*[1] * (x.ndim - v.ndim), *v.shape) != by_channel for v in vectors
        ):
            y = super().scale(x, w, b)
            return self._as(y, x)
        x = dense(self.xp, x)
        y = self.xp.empty_like(x)
        shift = None if b is None else self._vector(b, x)
        _, channels, inner = pixels(x)
        factor = self._vector(w, x)
        self._each(
            x, "scale_channels", x.size, x, factor, shift, y, x.size, channels, inner, 0, 0.0
        )
        return y

    def _statistics(self, x: Array) -> tuple[Array, Array]:
        """Return mean and variance of each channel."""
        rows, channels, inner = pixels(x)
        parts = _parts(rows)
        partial = self._acc((2 * parts, channels), x)
        mean, var = self._acc((channels,), x), self._acc((channels,), x)
        grid = (-(-channels // 32), parts)
        self._run(x, "batch_norm_partial", grid, (32, 8), x, partial, rows, channels, inner)
        sizes = parts, rows, channels, inner
        self._each(x, "fold_batch_norm", 32 * channels, partial, x, mean, var, *sizes)
        return mean, var

    def _normalized(
        self,
        x: Array,
        mean: Array,
        var: Array,
        w: Array | None,
        b: Array | None,
        eps: float,
        *,
        bend: bool,
    ) -> Array:
        y = self.xp.empty_like(x)
        _, channels, inner = pixels(x)
        vectors = [None if v is None else self._vector(v, x) for v in (mean, var, w, b)]
        self._each(x, "normalize", x.size, x, *vectors, y, x.size, channels, inner, eps, bend)
        return y

    def _norm_grad(
        self,
        dy: Array,
        x: Array,
        mean: Array | None,
        var: Array,
        w: Array | None,
        b: Array | None,
        eps: float,
        *,
        bend: bool,
    ) -> tuple[Array, Array, Array]:
        """Return dx, dw and db; x is the normalized array where there is no mean."""
        (dy, x), _ = alike(self.xp, dy, self._as(x, dy))
        rows, channels, inner = pixels(dy)
        parts = _parts(rows)
        partial = self._acc((2 * parts, channels), dy)
        db, dw = self._acc((channels,), dy), self._acc((channels,), dy)
        vectors = [None if v is None else self._vector(v, dy) for v in (mean, var, w, b)]
        grid, sizes = (-(-channels // 32), parts), (rows, channels, inner)
        self._run(
            dy, "batch_norm_grad_partial", grid, (32, 8),
            dy, x, *vectors, partial, *sizes, eps, bend,
        )  # fmt: skip
        self._each(dy, "fold_batch_norm_grad", 32 * channels, partial, db, dw, parts, channels)
        dx = self.xp.empty_like(dy)
        self._each(
            dy, "batch_norm_grad", dy.size,
            dy, x, *vectors, db, dw, dx, dy.size, channels, inner, rows, eps, bend,
        )  # fmt: skip
        return dx, dw, db

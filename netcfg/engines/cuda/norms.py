"""Normalization and scaling by channel."""

from collections.abc import Mapping
from typing import Any

from netcfg.engines.cuda import norm_graph
from netcfg.engines.cuda.arrays import alike, countable, dense, is_last, pixels
from netcfg.engines.cuda.description import TYPES
from netcfg.engines.cuda.launch import address
from netcfg.engines.cuda.norm_graph import NormSpec
from netcfg.engines.cuda.pointwise import _parts
from netcfg.engines.cuda.pools import Pools
from netcfg.types import Array, Shape


class Norms(Pools):
    """Batch normalization with scale and shift by cuDNN, and by own kernels what it does not do.

    Kernels, in two reads and a write, normalize where there is no scale and shift: cuDNN would be
    given ones and zeros to read, and its gradient wants x, where the definition hands over y. They
    also take images in C order as they lie; cuDNN would turn them there and back.
    """

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
        x, b = dense(self.xp, x), self._vector(b, x).copy()  # b may change before the gradients
        made = self._norm_scale_graph(x, w, b, eps, relu)
        if made is not None:
            y, mean, var, inverse = made
        else:
            mean, var = self._statistics(x)
            y, inverse = self._normalized(x, mean, var, w, b, eps, bend=relu), None
        return y, mean, var, (x, mean, var, inverse, b, relu)

    def norm_scale_grad(
        self, dy: Array, w: Array, eps: float, kept: Any
    ) -> tuple[Array, Array, Array]:
        if not countable(dy):
            return super().norm_scale_grad(dy, w, eps, kept)
        x, mean, var, inverse, b, relu = kept
        if inverse is not None:
            made = self._norm_scale_grad_graph(dy, x, w, b, mean, inverse, relu)
            if made is not None:
                return made
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

    def _norm_scale_graph(
        self, x: Array, w: Array, b: Array, eps: float, relu: bool
    ) -> tuple[Array, Array, Array, Array] | None:
        """Return y, mean, variance and 1 / √(var + eps); None where cuDNN cannot."""
        n, w = x.shape[1], self._vector(w, x)
        if not (x.ndim == 2 or is_last(x)) or x.ndim > 5 or not self._has_graphs(x):
            return None
        if n * x.itemsize % 16:  # a pixel is no whole number of cuDNN's reads: it has no plan
            return None
        y, (mean, inverse, var, *new) = self.xp.empty_like(x), self._vectors(5, x)
        spec = NormSpec("batch", _image(x.shape), x.dtype.name, eps, relu=relu)
        arrays = {norm_graph.X: x, norm_graph.W: w, norm_graph.B: b}
        arrays |= {norm_graph.Y: y, norm_graph.MEAN: mean, norm_graph.INVERSE: inverse}
        arrays |= {norm_graph.OLD_MEAN: w, norm_graph.OLD_VAR: w}  # they count for nothing
        arrays |= {norm_graph.NEW_MEAN: new[0], norm_graph.NEW_VAR: new[1]}
        if not self._graph_of(spec, arrays):
            return None
        self._each(x, "variance_of", n, inverse, var, n, eps)
        return y, mean, var, inverse

    def _norm_scale_grad_graph(
        self, dy: Array, x: Array, w: Array, b: Array, mean: Array, inverse: Array, relu: bool
    ) -> tuple[Array, Array, Array] | None:
        """Return dx, dw and db; None where cuDNN cannot."""
        dy, x = self._last(dy), self._as(x, dy)
        if not self._has_graphs(dy):
            return None
        dx, (dw, db) = self.xp.empty_like(dy), self._vectors(2, dy)
        spec = NormSpec("batch", _image(x.shape), dy.dtype.name, 0.0, grad=True, relu=relu)
        arrays = {norm_graph.DY: dy, norm_graph.X: x, norm_graph.W: self._vector(w, x)}
        arrays |= {norm_graph.MEAN: mean, norm_graph.INVERSE: inverse}
        arrays |= {norm_graph.B: b} if relu else {}
        arrays |= {norm_graph.DX: dx, norm_graph.DW: dw, norm_graph.DB: db}
        return (dx, dw, db) if self._graph_of(spec, arrays) else None

    def _vectors(self, count: int, x: Array) -> list[Array]:
        """Return memory for so many vectors by channel."""
        return [self._acc((x.shape[1],), x) for _ in range(count)]

    def _has_graphs(self, x: Array) -> bool:
        """Return whether cuDNN may be asked for an array's type."""
        return self.device.graphs is not None and x.dtype.name in TYPES

    def _graph_of(self, spec: Any, arrays: Mapping[int, Array]) -> bool:
        """Run one of cuDNN's graphs on arrays, which it reads 16 bytes at a time.

        Returns:
            Whether there is a plan and all arrays begin where it can read.
        """
        addresses = {uid: address(array) for uid, array in arrays.items()}
        if any(at % 16 for at in addresses.values()):
            return False
        return bool(self.device.graphs.run(spec, addresses))

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


def _image(shape: Shape) -> Shape:
    """Return a shape with two spatial axes at least, for the same memory."""
    return (*shape[:2], *[1] * (4 - len(shape)), *shape[2:])

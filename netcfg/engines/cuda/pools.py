"""Pooling, local response normalization and columns, by kernels that read channels-last memory."""

import math
from typing import Any

import numpy as np

from netcfg.engines.cuda import arrays, launch
from netcfg.engines.cuda.arrays import countable
from netcfg.engines.cuda.pointwise import Pointwise
from netcfg.engines.geometry import Window
from netcfg.types import Array, Shape

AXES = 3
"""Spatial axes that kernels know, at most."""


class Pools(Pointwise):
    """Windows that slide over images or volumes; other axes are done by CuPy."""

    def max_pool(
        self, x: Array, window: Window, out: Shape, with_mask: bool = True
    ) -> tuple[Array, Array | None]:
        if not _suits(x, window):
            return super().max_pool(x, window, out, with_mask)
        x, y = self._last(x), self._made(x, (*x.shape[:2], *out))
        mask = arrays.empty(self.xp, y.shape, np.int32, channels_last=True) if with_mask else None
        geometry = self._geometry(x.shape, out, window)
        self._each(x, "max_pool", y.size, x, y, mask, geometry)
        return y, mask

    def max_pool_places(self, mask: Array, x_shape: Shape, window: Window) -> Array:
        return mask

    def max_pool_grad(self, dy: Array, mask: Array, x_shape: Shape, window: Window) -> Array:
        if not _suits(dy, window) or mask.dtype != np.int32:
            return super().max_pool_grad(dy, mask, x_shape, window)
        dy, mask = self._last(dy), arrays.to_last(self.xp, mask)
        dx = self._made(dy, x_shape)
        geometry = self._geometry(x_shape, dy.shape[2:], window)
        self._each(dy, "max_pool_grad", dx.size, dy, mask, dx, geometry)
        return dx

    def ave_pool(self, x: Array, window: Window, out: Shape) -> Array:
        if not _suits(x, window):
            return super().ave_pool(x, window, out)
        x, y = self._last(x), self._made(x, (*x.shape[:2], *out))
        self._each(x, "ave_pool", y.size, x, y, self._geometry(x.shape, out, window))
        return y

    def ave_pool_grad(self, dy: Array, x_shape: Shape, window: Window) -> Array:
        if not _suits(dy, window):
            return super().ave_pool_grad(dy, x_shape, window)
        dy, dx = self._last(dy), self._made(dy, x_shape)
        geometry = self._geometry(x_shape, dy.shape[2:], window)
        self._each(dy, "ave_pool_grad", dx.size, dy, dx, geometry)
        return dx

    # Local response normalization --------------------------------------------------------------

    def lrn(self, x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
        if not countable(x):
            return super().lrn(x, size, alpha, beta, k)
        x = self._last(x)
        y = self._made(x, x.shape)
        scale = arrays.empty(self.xp, x.shape, self._of(x).acc, channels_last=True)
        sizes = x.size, x.shape[1], size
        self._each(x, "lrn", x.size, x, y, scale, *sizes, alpha, beta, k)
        return y, scale

    def lrn_grad(
        self,
        dy: Array,
        x: Array,
        y: Array,
        scale: Array,
        size: int,
        alpha: float,
        beta: float,
        k: float,
    ) -> Array:
        if not countable(dy):
            return super().lrn_grad(dy, x, y, scale, size, alpha, beta, k)
        dy, x = self._last(dy), self._last(self._as(x, dy))
        scale = arrays.to_last(self.xp, scale.astype(self._of(dy).acc, copy=False))
        dx = self._made(dy, dy.shape)
        sizes = dy.size, dy.shape[1], size
        self._each(dy, "lrn_grad", dy.size, dy, x, scale, dx, *sizes, alpha, beta)
        return dx

    # Columns -----------------------------------------------------------------------------------

    def im2col(self, x: Array, window: Window) -> Array:
        out = window.out(x.shape[2:])
        columns = x.shape[1] * math.prod(window.kernel)
        if not _suits(x, window) or x.size * math.prod(window.kernel) > arrays.LARGEST:
            return super().im2col(x, window)
        x, y = self._last(x), self._made(x, (x.shape[0], columns, *out))
        self._each(x, "im2col", y.size, x, y, self._geometry(x.shape, out, window))
        return y

    def im2col_grad(self, dy: Array, x_shape: Shape, window: Window) -> Array:
        if not _suits(dy, window):
            return super().im2col_grad(dy, x_shape, window)
        dy, dx = self._last(dy), self._made(dy, x_shape)
        geometry = self._geometry(x_shape, dy.shape[2:], window)
        self._each(dy, "col2im", dx.size, dy, dx, geometry)
        return dx

    def _made(self, like: Array, shape: Shape) -> Array:
        return arrays.empty(self.xp, shape, like.dtype, channels_last=True)

    def _geometry(self, x_shape: Shape, out: Shape, window: Window) -> Any:
        return launch.window(x_shape[0], x_shape[1], x_shape[2:], tuple(out), window)


def _suits(x: Array, window: Window) -> bool:
    return countable(x) and 0 < len(window.kernel) <= AXES

"""Pooling over windows of the spatial axes."""

import math
from typing import Any

from netcfg.engines.geometry import Window
from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import PoolingParameter
from netcfg.types import Array, Phase, Shape


@register("Pooling")
class Pooling(Layer):
    """One value for each window of a channel: its largest, its mean, or one drawn from it.

    x: (N, C, *S)   y: (N, C, *T)   T = ⌈(S + 2p - k) / s⌉ + 1
        ``round_mode: FLOOR`` rounds down, as does ``ceil_mode: false``, its name in forks.
    MAX: y = max x, the first of equals; dx gets dy where the maximum was. A second top holds its
        flat index in *S.
    AVE: y = Σ x / n, dx = Σ dy / n, with n the window's size: padding counts, but a window is cut
        off at S + p, the end of the padding.
    STOCHASTIC, for x ≥ 0: TRAIN draws x with probability x / Σ x and dx gets dy there; TEST takes
        y = Σ x² / Σ x, dx = Σ (2x - y) dy / Σ x  (Zeiler and Fergus, 2013).

    Rounding up makes windows that reach past the padding; one that would start past the end of x
    is dropped. Caffe keeps it where pad is 0, and has only garbage to put there.
    """

    tops = (1, 2)
    reads = ("pooling_param",)
    forks = ("pooling_param.ceil_mode",)

    def setup(self, x: Shape) -> None:
        config = self.config.pooling_param
        self.method = config.pool
        self.up = _rounds_up(config)
        axes = len(x) - 2
        if axes < 1:
            raise ShapeError(f"the bottom must have axes N, C and spatial ones; given {x}")
        self.kernel = _kernel(config, axes)
        self.stride = _per_axis(config, "stride", axes)
        self.pad = _per_axis(config, "pad", axes)
        if any(s < 1 for s in self.stride):
            raise NetError(f"stride must be at least 1; given {self.stride}")
        if self.kernel is None and (any(self.pad) or any(s != 1 for s in self.stride)):
            raise NetError(
                f"global_pooling needs pad 0 and stride 1; given pad {self.pad} and stride "
                f"{self.stride}"
            )
        self._check_pad()
        if self.ntops > 1 and self.method != PoolingParameter.MAX:
            raise NetError("only pool: MAX has a second top, the place of each maximum")

    def _check_pad(self) -> None:
        if self.kernel is None or not any(self.pad):
            return
        if self.method == PoolingParameter.STOCHASTIC:
            raise NetError(f"pool: STOCHASTIC needs pad 0; given {self.pad}")
        if any(p >= k for p, k in zip(self.pad, self.kernel, strict=True)):
            raise ShapeError(f"pad must be less than the kernel {self.kernel}; given {self.pad}")

    def reshape(self, x: Shape) -> Any:
        axes = len(self.stride)
        if len(x) != 2 + axes:
            raise ShapeError(f"the bottom must have {2 + axes} axes as before; given {x}")
        self.x_shape = x
        kernel = self.kernel if self.kernel is not None else x[2:]
        self.window = Window(kernel, self.stride, self.pad, (1,) * axes)
        self.out = out_size(x[2:], self.window, self.up)
        y = (*x[:2], *self.out)
        return (y, y) if self.ntops > 1 else y

    def forward(self, x: Array) -> Any:
        if self.method == PoolingParameter.AVE:
            return self.engine.ave_pool(x, self.window, self.out)
        if self.method == PoolingParameter.STOCHASTIC:
            return self._draw(x) if self.phase == Phase.TRAIN else self._expect(x)
        wanted = self.need[0] or self.ntops > 1
        y, mask = self.engine.max_pool(x, self.window, self.out, with_mask=wanted)
        if self.need[0]:
            self.saved = mask
        if self.ntops == 1 or mask is None:
            return y
        places = self.engine.max_pool_places(mask, self.x_shape, self.window)
        return y, places.astype(y.dtype)

    def backward(self, dy: Array, dmask: Array = None) -> Array | None:
        if not self.need[0] or dy is None:
            return None
        if self.method == PoolingParameter.AVE:
            return self.engine.ave_pool_grad(dy, self.x_shape, self.window)
        if self.method == PoolingParameter.STOCHASTIC and self.phase == Phase.TEST:
            return self._expect_grad(dy)
        return self.engine.max_pool_grad(dy, self.saved, self.x_shape, self.window)

    def _draw(self, x: Array) -> Array:
        """Return one value of each window, drawn with probability x / Σ x."""
        xp = self.xp
        N, C = x.shape[:2]
        index, inside = self._places()
        flat = x.reshape(N, C, -1)  # (N, C, ΠS)
        cumulated = xp.cumsum(flat[..., index] * inside, axis=-1)  # (N, C, ΠT, K)
        uniform = self.random().random((N, C, len(index), 1), dtype="float32")
        reached = cumulated >= xp.asarray(uniform) * cumulated[..., -1:]
        pick = xp.argmax(reached, axis=-1)  # the first
        place = index[xp.arange(len(index)), pick]  # (N, C, ΠT)
        if self.need[0]:
            self.saved = place.reshape(N, C, *self.out)
        y = xp.take_along_axis(flat, place, axis=-1)
        return y.reshape(N, C, *self.out)

    def _places(self) -> tuple[Array, Array]:
        """Return the flat index of every entry of every window, (ΠT, K), and which are inside."""
        xp, axes = self.xp, len(self.out)
        index, inside = xp.zeros((), "int64"), xp.ones((), bool)
        for i, size in enumerate(self.x_shape[2:]):
            start = xp.arange(self.out[i]) * self.stride[i]
            place = start[:, None] + xp.arange(self.window.kernel[i])  # (T[i], K[i])
            shape = [1] * (2 * axes)
            shape[i], shape[axes + i] = place.shape
            place = place.reshape(shape)
            inside = inside & (place < size)
            index = index * size + xp.minimum(place, size - 1)
        entries = math.prod(self.window.kernel)
        return index.reshape(-1, entries), inside.reshape(-1, entries)

    def _expect(self, x: Array) -> Array:
        """Return Σ x² / Σ x of each window, 0 where Σ x is not positive."""
        mean = self.engine.ave_pool(x, self.window, self.out)
        square = self.engine.ave_pool(x * x, self.window, self.out)
        share = (mean > 0) / self.xp.where(mean > 0, mean, 1)
        y = square * share
        if self.need[0]:
            self.saved = (x, y, share)
        return y

    def _expect_grad(self, dy: Array) -> Array:
        x, y, share = self.saved
        dy = dy * share
        dx = self.engine.ave_pool_grad(dy, self.x_shape, self.window)
        dx = 2 * x * dx
        dx -= self.engine.ave_pool_grad(dy * y, self.x_shape, self.window)
        return dx


def _kernel(config: PoolingParameter, axes: int) -> Shape | None:
    """Return the window's size, None for global pooling."""
    given = [f for f in ("kernel_size", "kernel_h", "kernel_w") if config.HasField(f)]
    if config.global_pooling:
        if given:
            raise NetError(f"global_pooling takes the whole input; {given[0]} must not be given")
        return None
    if not given:
        raise NetError("kernel_size, or kernel_h and kernel_w, or global_pooling must be given")
    kernel = _per_axis(config, "kernel_size", axes)
    if any(k < 1 for k in kernel):
        raise NetError(f"kernel_size must be at least 1; given {kernel}")
    return kernel


def _per_axis(config: PoolingParameter, field: str, axes: int) -> Shape:
    """Return a field, given once for all axes or as ``_h`` and ``_w``, for each axis."""
    stem = field.removesuffix("_size")
    sides = [f"{stem}_h", f"{stem}_w"]
    given = [side for side in sides if config.HasField(side)]
    if not given:
        return (getattr(config, field),) * axes
    if config.HasField(field):
        raise NetError(f"{field} or {stem}_h and {stem}_w may be given, not both")
    if len(given) == 1:
        raise NetError(f"{stem}_h and {stem}_w go together; given {given[0]} only")
    if axes != 2:
        raise ShapeError(f"{stem}_h and {stem}_w need 2 spatial axes; given {axes}")
    return tuple(getattr(config, side) for side in sides)


def _rounds_up(config: PoolingParameter) -> bool:
    """Return whether a window that reaches past the padding counts."""
    up = config.round_mode == PoolingParameter.CEIL
    if not config.HasField("ceil_mode") or config.ceil_mode == up:
        return up
    if config.HasField("round_mode"):
        mode = PoolingParameter.RoundMode.Name(config.round_mode)
        raise NetError(f"ceil_mode must not contradict round_mode: {mode}; leave out one of them")
    return config.ceil_mode


def out_size(x: Shape, window: Window, up: bool) -> Shape:
    """Return how many windows there are along each axis, by Caffe's rounding."""
    out = []
    for n, k, s, p in zip(x, window.kernel, window.stride, window.pad, strict=True):
        room = n + 2 * p - k
        count = (-(-room // s) if up else room // s) + 1
        if (count - 1) * s >= n + p:
            count -= 1
        if count < 1:
            raise ShapeError(f"kernel {k} is larger than the input of {n} padded to {n + 2 * p}")
        out.append(count)
    return tuple(out)

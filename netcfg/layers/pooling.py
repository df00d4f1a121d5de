"""Pooling over windows of the spatial axes."""

import math
from typing import Any, ClassVar

from netcfg.engines.geometry import Window
from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.margins import SIDES, Margins, margins
from netcfg.netcfg_pb2 import PoolingParameter
from netcfg.types import Array, Phase, Shape

AVERAGES = (PoolingParameter.AVE, PoolingParameter.AVE_EXC_PAD)


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

    AVE_EXC_PAD: y = Σ x / n with n the values that are no padding, as AVE has it in forks with
        ``avg_include_pad: false``.
    ``pad_l``, ``pad_r``, ``pad_t`` and ``pad_b`` pad an image on one side only; T then has the sum
        of two sides for 2p.

    Rounding up makes windows that reach past the padding; one that would start past the end of x
    is dropped. Caffe keeps it where pad is 0, and has only garbage to put there.
    """

    tops = (1, 2)
    reads: ClassVar[tuple[str, ...]] = ("pooling_param",)
    forks = (
        "pooling_param.ceil_mode",
        "pooling_param.pool: AVE_EXC_PAD",
        "pooling_param.avg_include_pad",
        *(f"pooling_param.{side}" for side in SIDES),
    )

    def setup(self, x: Shape) -> None:
        config = self.parameter()
        self.method = config.pool
        if self.method == PoolingParameter.AVE and not config.avg_include_pad:
            self.method = PoolingParameter.AVE_EXC_PAD
        self.up = _rounds_up(config)
        axes = len(x) - 2
        if axes < 1:
            raise ShapeError(f"the bottom must have axes N, C and spatial ones; given {x}")
        self.kernel, self.stride, self.pad = self.geometry(axes)
        self.margins = margins(config, axes)
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

    def parameter(self) -> PoolingParameter:
        """Return the message that configures the layer."""
        return self.config.pooling_param

    def geometry(self, axes: int) -> tuple[Shape | None, Shape, Shape]:
        """Return kernel, stride and pad for so many spatial axes; no kernel for global pooling."""
        config = self.parameter()
        return (
            _kernel(config, axes),
            _per_axis(config, "stride", axes),
            _per_axis(config, "pad", axes),
        )

    def _check_pad(self) -> None:
        if self.margins is not None and (
            self.kernel is None or self.method == PoolingParameter.STOCHASTIC
        ):
            raise NetError(f"{', '.join(SIDES)} go with neither global_pooling nor STOCHASTIC")
        if self.kernel is not None and any(
            max(both) >= k for both, k in zip(self._sides(), self.kernel, strict=True)
        ):
            raise ShapeError(
                f"{', '.join(SIDES)} must be less than the kernel {self.kernel}; given "
                f"{self.margins}"
            )
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
        kernel = self.kernel if self.kernel is not None else x[2:]
        self.window = Window(kernel, self.stride, self.pad, (1,) * axes)
        self.inside = tuple(slice(b, b + n) for n, (b, _) in zip(x[2:], self._sides(), strict=True))
        padded = tuple(n + sum(both) for n, both in zip(x[2:], self._sides(), strict=True))
        self.x_shape = (*x[:2], *padded)
        self.out = out_size(x[2:], self.window, self.up, self._sides())
        self.share = self._counted(x[2:]) if self.method == PoolingParameter.AVE_EXC_PAD else None
        y = (*x[:2], *self.out)
        return (y, y) if self.ntops > 1 else y

    def forward(self, x: Array) -> Any:
        x = self._padded(x)
        if self.method in AVERAGES:
            y = self.engine.ave_pool(x, self.window, self.out)
            return y if self.share is None else y / self.share.astype(y.dtype)
        if self.method == PoolingParameter.STOCHASTIC:
            return self._draw(x) if self.phase == Phase.TRAIN else self._expect(x)
        wanted = self.need[0] or self.ntops > 1
        y, mask = self.engine.max_pool(x, self.window, self.out, with_mask=wanted)
        if self.need[0]:
            self.saved = mask
        if self.ntops == 1 or mask is None:
            return y
        places = self.engine.max_pool_places(mask, self.x_shape, self.window)
        return y, self._unpadded_places(places).astype(y.dtype)

    def backward(self, dy: Array, dmask: Array = None) -> Array | None:
        if not self.need[0] or dy is None:
            return None
        if self.method in AVERAGES:
            dy = dy if self.share is None else dy / self.share.astype(dy.dtype)
            dx = self.engine.ave_pool_grad(dy, self.x_shape, self.window)
        elif self.method == PoolingParameter.STOCHASTIC and self.phase == Phase.TEST:
            return self._expect_grad(dy)
        else:
            dx = self.engine.max_pool_grad(dy, self.saved, self.x_shape, self.window)
        return dx if self.margins is None else dx[(slice(None), slice(None), *self.inside)]

    def _sides(self) -> Margins:
        """Return the padding that differs from side to side, of each axis."""
        return self.margins or ((0, 0),) * len(self.stride)

    def _padded(self, x: Array) -> Array:
        """Return x with that padding: zeros, or for MAX what never wins."""
        if self.margins is None:
            return x
        fill = self.xp.finfo(x.dtype).min if self.method == PoolingParameter.MAX else 0
        return self.xp.pad(x, ((0, 0), (0, 0), *self.margins), constant_values=fill)

    def _unpadded_places(self, places: Array) -> Array:
        """Return flat indices of maxima in x itself from those in the padded image."""
        if self.margins is None:
            return places
        (top, _), (left, right) = self.margins
        width = self.x_shape[3]
        return (places // width - top) * (width - left - right) + places % width - left

    def _counted(self, x: Shape) -> Array:
        """Return how much of each window that counts is no padding."""
        ones = self._padded(self.engine.zeros((1, 1, *x)) + 1)
        return self.engine.ave_pool(ones, self.window, self.out)

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


def out_size(x: Shape, window: Window, up: bool, sides: Margins | None = None) -> Shape:
    """Return how many windows there are along each axis, by Caffe's rounding.

    Args:
        x: the spatial axes.
        window: with the padding of both sides.
        up: whether a window counts that reaches past the padding.
        sides: padding that comes to that of the window.

    Raises:
        ShapeError: there is no room for a window.
    """
    out = []
    more = sides or ((0, 0),) * len(x)
    axes = zip(x, window.kernel, window.stride, window.pad, more, strict=True)
    for n, k, s, p, (before, after) in axes:
        room = n + 2 * p + before + after - k
        count = (-(-room // s) if up else room // s) + 1
        if (count - 1) * s >= n + p + before:
            count -= 1
        if count < 1:
            raise ShapeError(f"kernel {k} is larger than the input of {n} padded to {room + k}")
        out.append(count)
    return tuple(out)

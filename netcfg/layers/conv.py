"""Convolution, its transpose, and the columns it is made of; over any number of spatial axes."""

import math
from typing import Any, ClassVar

from netcfg.engines.geometry import Conv, Window
from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.margins import SIDES, margins
from netcfg.netcfg_pb2 import ConvolutionParameter
from netcfg.types import Array, Shape, Shapes


class _Convolving(Layer):
    """What Convolution and Deconvolution share: parameters, ``axis``, several bottoms.

    Axes before ``axis`` are the batch, those after it are spatial. Every bottom goes through the
    same weights into the top of the same index.
    """

    bottoms = (1, None)
    tops = (1, None)
    reads: ClassVar[tuple[str, ...]] = ("convolution_param",)
    forks = tuple(f"convolution_param.{hole}" for hole in ("hole", "hole_h", "hole_w"))

    def setup(self, *xs: Shape) -> None:
        config = self.parameter()
        if self.ntops != len(xs):
            raise NetError(f"each of {len(xs)} bottoms needs its top; given {self.ntops} tops")
        self.channel_axis = self.axis(config.axis, len(xs[0]))
        self.channels, self.num_output = xs[0][self.channel_axis], config.num_output
        group = self.group()
        if self.num_output < 1:
            raise NetError("num_output must be at least 1; given 0")
        if group < 1 or self.channels % group or self.num_output % group:
            raise ShapeError(
                f"group {group} must divide {self.channels} input and {self.num_output} output "
                "channels"
            )
        axes = len(xs[0]) - self.channel_axis - 1
        self.conv = Conv(self.window(axes), group)
        self.margins = margins(config, axes)
        self.param(self.weight_shape(), config.weight_filler)
        if config.bias_term:
            self.param((self.num_output,), config.bias_filler)

    def reshape(self, *xs: Shape) -> Any:
        at, rank = self.channel_axis, self.channel_axis + 1 + len(self.conv.window.kernel)
        for x in xs:
            if len(x) != rank or x[at] != self.channels:
                raise ShapeError(
                    f"bottoms must have {rank} axes with {self.channels} channels on axis {at}; "
                    f"given {x}"
                )
        padded = [(*x[: at + 1], *self._with_margins(x[at + 1 :])) for x in xs]
        ys = [(*x[:at], self.num_output, *self.size(x[at + 1 :])) for x in padded]
        self.outer = list(zip(xs, ys, strict=True))
        self.inner = [(_batched(x, at), _batched(y, at)) for x, y in zip(padded, ys, strict=True)]
        return ys[0] if len(ys) == 1 else tuple(ys)

    def forward(self, *xs: Array, slope: float | None = None) -> Any:
        weight, *bias = self.params
        b = bias[0].value if bias else None
        batches = [self._pad(x.reshape(_batched(x.shape, self.channel_axis))) for x in xs]
        ys = [
            self.apply(x, weight.value, b, inner, slope).reshape(outer)
            for x, (_, inner), (_, outer) in zip(batches, self.inner, self.outer, strict=True)
        ]
        self.saved = batches if weight.lr_mult != 0 else None
        return ys[0] if len(ys) == 1 else tuple(ys)

    def backward(self, *dys: Array) -> Any:
        dxs = [self._backward(i, dy) if dy is not None else None for i, dy in enumerate(dys)]
        return dxs[0] if len(dxs) == 1 else tuple(dxs)

    def _backward(self, i: int, dy: Array) -> Array | None:
        x_shape, y_shape = self.inner[i]
        dy = dy.reshape(y_shape)
        weight, *bias = self.params
        learns = bool(bias) and bias[0].lr_mult != 0
        db = None
        if weight.lr_mult != 0:
            dw, db = self.grad_w(dy, self.saved[i], learns)
            weight.add_grad(dw)
        if learns:
            bias[0].add_grad(self.engine.sum_to_axis(dy, 1) if db is None else db)
        if not self.need[i]:
            return None
        dx = self.grad_x(dy, weight.value, x_shape)
        if self.margins is not None:
            inside = (slice(b, n - a) for (b, a), n in zip(self.margins, x_shape[2:], strict=True))
            dx = dx[(slice(None), slice(None), *inside)]
        return dx.reshape(self.outer[i][0])

    def _with_margins(self, x: Shape) -> Shape:
        """Return the spatial axes of x with the padding that differs from side to side."""
        margins = self.margins or ((0, 0),) * len(x)
        return tuple(n + sum(both) for n, both in zip(x, margins, strict=True))

    def _pad(self, x: Array) -> Array:
        """Return x with that padding."""
        return x if self.margins is None else self.xp.pad(x, ((0, 0), (0, 0), *self.margins))

    # What kinds of convolution read elsewhere or know beforehand.

    def parameter(self) -> ConvolutionParameter:
        """Return the message that configures the layer."""
        return self.config.convolution_param

    def window(self, axes: int) -> Window:
        """Return the window for so many spatial axes."""
        return _window(self.parameter(), axes)

    def group(self) -> int:
        """Return the number of groups."""
        return self.parameter().group

    # What the two differ in: the shape of w, the size of y, and three maps over (N, C, *S).

    def weight_shape(self) -> Shape:
        raise NotImplementedError

    def size(self, x: Shape) -> Shape:
        raise NotImplementedError

    def apply(
        self, x: Array, w: Array, b: Array | None, y_shape: Shape, slope: float | None
    ) -> Array:
        raise NotImplementedError

    def grad_w(self, dy: Array, x: Array, bias: bool) -> tuple[Array, Array | None]:
        raise NotImplementedError

    def grad_x(self, dy: Array, w: Array, x_shape: Shape) -> Array:
        raise NotImplementedError


@register("Convolution")
class Convolution(_Convolving):
    """Correlation of x with learned kernels at every ``stride``-th place, in ``group`` blocks.

    y[n, o, t] = b[o] + Σ_{c, k} w[o, c, k] x[n, c, s t + d k - p]
        x: (N, C, *S)   w: (O, C/group, *K)   b: (O,)   y: (N, O, *T)
        T = ⌊(S + 2p - d (K - 1) - 1) / s⌋ + 1
    dx[n, c, i] = Σ w[o, c, k] dy[n, o, t] over all o, k, t with s t + d k - p = i
    dw[o, c, k] = Σ_{n, t} dy[n, o, t] x[n, c, s t + d k - p],   db = sum of dy over N and T

    ``pad_l``, ``pad_r``, ``pad_t`` and ``pad_b`` pad an image on one side only; T then has the sum
    of two sides for 2p. ``engine`` and ``force_nd_im2col`` are ignored: they change no result.
    """

    forks = (*_Convolving.forks, *(f"convolution_param.{side}" for side in SIDES))

    def weight_shape(self) -> Shape:
        return (self.num_output, self.channels // self.conv.group, *self.conv.window.kernel)

    def size(self, x: Shape) -> Shape:
        return _columns_size(x, self.conv.window)

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        return sum(math.prod(y) for y in tops) * math.prod(self.params[0].shape[1:])

    def apply(
        self, x: Array, w: Array, b: Array | None, y_shape: Shape, slope: float | None
    ) -> Array:
        return self.engine.conv(x, w, b, self.conv, slope=slope)

    def grad_w(self, dy: Array, x: Array, bias: bool) -> tuple[Array, Array | None]:
        return self.engine.conv_grad_w(dy, x, self.params[0].shape, self.conv, bias)

    def grad_x(self, dy: Array, w: Array, x_shape: Shape) -> Array:
        return self.engine.conv_grad_x(dy, w, x_shape, self.conv)


class _Depthwise(Convolution):
    """Convolution in as many groups as there are channels, whatever ``group`` says."""

    def group(self) -> int:
        return self.channels


@register("DepthwiseConvolution")
class DepthwiseConvolution(_Depthwise):
    """Convolution of each channel by itself; ``num_output`` is a multiple of the channels.

    y[n, o, t] = b[o] + Σ_k w[o, 0, k] x[n, o // m, s t + d k - p],  m = O / C
        x: (N, C, *S)   w: (O, 1, *K)   b: (O,)   y: (N, O, *T)
    Gradients are those of Convolution with ``group`` C, and so are the fields; of MobileNet's fork.
    """


@register("ConvolutionDepthwise")
class ConvolutionDepthwise(_Depthwise):
    """DepthwiseConvolution, as another fork calls it."""


@register("Deconvolution")
class Deconvolution(_Convolving):
    """Transpose of Convolution: every input value stamps its kernel onto the output.

    y[n, o, s i + d k - p] = b[o] + Σ w[c, o, k] x[n, c, i]
        x: (N, C, *S)   w: (C, O/group, *K)   b: (O,)   y: (N, O, *T)
        T = s (S - 1) + d (K - 1) + 1 - 2p
    dx = convolution of dy with w,  dw = Convolution's with x and dy in each other's place,
    db = sum of dy over N and T

    The weights have the input channels first, in Caffe's files as well.
    """

    def weight_shape(self) -> Shape:
        return (self.channels, self.num_output // self.conv.group, *self.conv.window.kernel)

    def size(self, x: Shape) -> Shape:
        w = self.conv.window
        size = tuple(
            s * (n - 1) + d * (k - 1) + 1 - 2 * p
            for n, k, s, p, d in zip(x, w.kernel, w.stride, w.pad, w.dilation, strict=True)
        )
        if any(n < 1 for n in size):
            raise ShapeError(f"pad {w.pad} must leave something of the output; its size is {size}")
        return size

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        return sum(math.prod(x) for x in bottoms) * math.prod(self.params[0].shape[1:])

    def apply(
        self, x: Array, w: Array, b: Array | None, y_shape: Shape, slope: float | None
    ) -> Array:
        y = self.engine.conv_grad_x(x, w, y_shape, self.conv)
        if b is not None:
            y += b.reshape(-1, *[1] * (y.ndim - 2))  # (O, 1, ...)
        return y

    def grad_w(self, dy: Array, x: Array, bias: bool) -> tuple[Array, Array | None]:
        return self.engine.conv_grad_w(x, dy, self.params[0].shape, self.conv, False)

    def grad_x(self, dy: Array, w: Array, x_shape: Shape) -> Array:
        return self.engine.conv(dy, w, None, self.conv)


@register("Im2col")
class Im2col(Layer):
    """Every window of x as one column, the matrix that a convolution multiplies.

    y[n, c K + k, t] = x[n, c, s t + d k - p]    x: (N, C, *S)   y: (N, C·ΠK, *T)
    dx[n, c, i] = Σ dy[n, c K + k, t] over all k, t with s t + d k - p = i
    """

    reads = ("convolution_param",)
    forks = _Convolving.forks

    def setup(self, x: Shape) -> None:
        config = self.config.convolution_param
        self.channel_axis = self.axis(config.axis, len(x))
        self.window = _window(config, len(x) - self.channel_axis - 1)

    def reshape(self, x: Shape) -> Shape:
        at = self.channel_axis
        rank = at + 1 + len(self.window.kernel)
        if len(x) != rank:
            raise ShapeError(f"the bottom must have {rank} axes as before; given {x}")
        rows = x[at] * math.prod(self.window.kernel)
        self.x_shape = x
        self.y_shape = (*x[:at], rows, *_columns_size(x[at + 1 :], self.window))
        return self.y_shape

    def forward(self, x: Array) -> Array:
        x = x.reshape(_batched(self.x_shape, self.channel_axis))
        return self.engine.im2col(x, self.window).reshape(self.y_shape)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        x_shape, y_shape = (_batched(s, self.channel_axis) for s in (self.x_shape, self.y_shape))
        dx = self.engine.im2col_grad(dy.reshape(y_shape), x_shape, self.window)
        return dx.reshape(self.x_shape)


def _batched(shape: Shape, channel_axis: int) -> Shape:
    """Return the shape with all axes before the channels made one, (N, C, *S)."""
    return (math.prod(shape[:channel_axis]), *shape[channel_axis:])


def _columns_size(x: Shape, window: Window) -> Shape:
    """Return how many windows fit into each spatial axis of x."""
    size = []
    axes = zip(x, window.kernel, window.stride, window.pad, window.dilation, strict=True)
    for n, k, stride, pad, dilation in axes:
        extent = dilation * (k - 1) + 1
        if extent > n + 2 * pad:
            spread = f" with dilation {dilation}" if dilation > 1 else ""
            raise ShapeError(
                f"kernel {k}{spread} spans {extent}, more than the input of {n} padded to "
                f"{n + 2 * pad}"
            )
        size.append((n + 2 * pad - extent) // stride + 1)
    return tuple(size)


def _window(config: ConvolutionParameter, axes: int) -> Window:
    """Return the window that convolution_param describes for so many spatial axes."""
    return Window(
        kernel=_per_axis(config, "kernel_size", axes, ()),
        stride=_per_axis(config, "stride", axes, (1,)),
        pad=_per_axis(config, "pad", axes, (0,), least=0),
        dilation=_dilation(config, axes),
    )


def _dilation(config: ConvolutionParameter, axes: int) -> Shape:
    """Return the dilation for each axis, also where it has DeepLab's name ``hole``."""
    sides = config.HasField("hole_h") or config.HasField("hole_w")
    if not (sides or config.HasField("hole")):
        return _per_axis(config, "dilation", axes, (1,))
    if config.dilation or (sides and config.HasField("hole")):
        raise NetError("dilation, or hole, or hole_h and hole_w may be given, one of them only")
    if sides and axes != 2:
        raise ShapeError(f"hole_h and hole_w need 2 spatial axes; given {axes}")
    holes = (config.hole_h, config.hole_w) if sides else (config.hole,) * axes
    if min(holes, default=1) < 1:
        raise NetError(f"hole must be at least 1; given {holes}")
    return holes


def _per_axis(
    config: ConvolutionParameter, field: str, axes: int, default: Shape, least: int = 1
) -> Shape:
    """Return a field, given once, once per axis, or as ``_h`` and ``_w``, for each axis."""
    values = tuple(getattr(config, field))
    stem = field.removesuffix("_size")
    if stem != "dilation" and (config.HasField(f"{stem}_h") or config.HasField(f"{stem}_w")):
        if values:
            raise NetError(f"{field} or {stem}_h and {stem}_w may be given, not both")
        if axes != 2:
            raise ShapeError(f"{stem}_h and {stem}_w need 2 spatial axes; given {axes}")
        values = (getattr(config, f"{stem}_h"), getattr(config, f"{stem}_w"))
    values = values or default
    if len(values) == 1:
        values *= axes
    if len(values) != axes:
        raise ShapeError(
            f"{field} must be given once or once for each of {axes} spatial axes; given "
            f"{len(values)} times"
        )
    if any(v < least for v in values):
        raise NetError(f"{field} must be at least {least}; given {values}")
    return values

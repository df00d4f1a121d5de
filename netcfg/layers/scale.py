"""Multiplication with and addition of a learned or given array along some axes."""

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import FillerParameter
from netcfg.types import Array, Shape


class _Broadcasting(Layer):
    """What Scale and Bias share: an operand that spans a block of x's axes."""

    bottoms = (1, 2)

    def _operand(self, x: Shape, others: tuple[Shape, ...], axis: int, num_axes: int) -> Shape:
        """Return the shape of the operand, the second bottom or a parameter."""
        if others:
            return others[0]
        if num_axes < -1:
            raise NetError(f"num_axes must be at least -1; given {num_axes}")
        start = self.axis(axis, len(x))
        if start + num_axes > len(x):
            raise ShapeError(f"{num_axes} axes from axis {start} on do not fit into {x}")
        return x[start:] if num_axes == -1 else x[start : start + num_axes]

    def _align(self, x: Shape, operand: Shape, axis: int) -> None:
        """Store how the operand lies along x: the shape that broadcasts, the axes to sum over."""
        start = self.axis(axis, len(x)) if operand else 0
        block = range(start, start + len(operand))
        if x[start : start + len(operand)] != operand:
            raise ShapeError(f"an operand of shape {operand} does not fit {x} from axis {start} on")
        self.operand = operand
        self.broadcast = (*operand, *[1] * (len(x) - start - len(operand)))
        self.summed = tuple(i for i in range(len(x)) if i not in block)
        self.single = start if len(operand) == 1 else None

    def _sum(self, dy: Array) -> Array:
        """Sum dy over all axes that the operand lacks."""
        if self.single is not None:
            return self.engine.sum_to_axis(dy, self.single)
        total = dy.sum(axis=self.summed) if self.summed else dy
        return self.xp.asarray(total).reshape(self.operand)


@register("Scale")
class Scale(_Broadcasting):
    """Product of x with a learned array or the second bottom w, aligned at ``axis``.

    y = x w + b        w: ``num_axes`` axes of x from ``axis`` on (-1: all); b, with ``bias_term``
                       only, likewise
    dx = dy w,  dw = sum of dy x, db = sum of dy over the axes that w lacks

    w starts at 1. Ioffe and Szegedy, "Batch normalization", 2015, has it after the normalization.
    """

    reads = ("scale_param",)

    def setup(self, x: Shape, *others: Shape) -> None:
        config = self.config.scale_param
        self.given = bool(others)
        shape = self._operand(x, others, config.axis, config.num_axes)
        if not self.given:
            default = FillerParameter(value=1)
            self.param(shape, config.filler if config.HasField("filler") else default)
        if config.bias_term:
            self.param(shape, config.bias_filler)

    def reshape(self, x: Shape, *others: Shape) -> Shape:
        operand = others[0] if self.given else self.params[0].shape
        if any(p.shape != operand for p in self.params):
            raise ShapeError(f"the bias has shape {self.params[-1].shape}; given {operand}")
        self._align(x, operand, self.config.scale_param.axis)
        return x

    def forward(self, x: Array, *others: Array) -> Array:
        w = others[0] if self.given else self.params[0].value
        b = self.params[-1].value if self.config.scale_param.bias_term else None
        wanted = self.need[1] if self.given else self.params[0].lr_mult != 0
        self.saved = (x if wanted else None, w if self.given and self.need[0] else None)
        if b is not None:
            b = b.reshape(self.broadcast)
        return self.engine.scale(x, w.reshape(self.broadcast), b)

    def backward(self, dy: Array) -> Array | tuple[Array | None, Array | None] | None:
        x, w = self.saved
        if self.config.scale_param.bias_term and self.params[-1].lr_mult != 0:
            self.params[-1].add_grad(self._sum(dy))
        dw = self._sum(dy * x) if x is not None else None
        if not self.given:
            w = self.params[0].value
            if dw is not None:
                self.params[0].add_grad(dw)
        dx = self.engine.scale(dy, w.reshape(self.broadcast), None) if self.need[0] else None
        return (dx, dw) if self.given else dx


@register("Bias")
class Bias(_Broadcasting):
    """Sum of x and a learned array or the second bottom b, aligned at ``axis``.

    y = x + b        b: ``num_axes`` axes of x from ``axis`` on (-1: all)
    dx = dy,  db = sum of dy over the axes that b lacks
    """

    reads = ("bias_param",)

    def setup(self, x: Shape, *others: Shape) -> None:
        config = self.config.bias_param
        self.given = bool(others)
        shape = self._operand(x, others, config.axis, config.num_axes)
        if not self.given:
            self.param(shape, config.filler)

    def reshape(self, x: Shape, *others: Shape) -> Shape:
        operand = others[0] if self.given else self.params[0].shape
        self._align(x, operand, self.config.bias_param.axis)
        return x

    def forward(self, x: Array, *others: Array) -> Array:
        b = others[0] if self.given else self.params[0].value
        return x + b.reshape(self.broadcast)

    def backward(self, dy: Array) -> Array | tuple[Array | None, Array | None] | None:
        dx = dy if self.need[0] else None
        if self.given:
            return dx, self._sum(dy) if self.need[1] else None
        if self.params[0].lr_mult != 0:
            self.params[0].add_grad(self._sum(dy))
        return dx


@register("Axpy")
class Axpy(Layer):
    """Channels of x scaled, plus y: the end of a block of SENet in one layer.

    z[n, c, s] = a[n, c] x[n, c, s] + y[n, c, s]        a: N·C values   x, y: (N, C, *S)
    da = Σ dz x over S,  dx = a dz,  dy = dz

    Hu et al., "Squeeze-and-excitation networks", 2018.
    """

    bottoms = (3, 3)

    def reshape(self, a: Shape, x: Shape, y: Shape) -> Shape:
        if x != y or len(x) < 2:
            raise ShapeError(
                f"bottoms 1 and 2 must have the same axes N, C, ...; given {x} and {y}"
            )
        if a[:2] != x[:2] or any(n != 1 for n in a[2:]):
            raise ShapeError(
                f"the first bottom must hold a value for each channel of {x}; given {a}"
            )
        self.a_shape, self.factor = a, (*x[:2], *[1] * (len(x) - 2))
        self.spatial = tuple(range(2, len(x)))
        return x

    def forward(self, a: Array, x: Array, y: Array) -> Array:
        self.saved = a.reshape(self.factor), x if self.need[0] else None
        z = a.reshape(self.factor) * x
        z += y
        return z

    def backward(self, dz: Array) -> tuple[Array | None, Array | None, Array | None]:
        a, x = self.saved
        da = None
        if x is not None:
            da = (dz * x).sum(axis=self.spatial).reshape(self.a_shape)
        return da, a * dz if self.need[1] else None, dz if self.need[2] else None


@register("ChannelScale")
class ChannelScale(Layer):
    """All channels of x times one map s, as in caffe-windows.

    y[n, c, p] = s[n, p] x[n, c, p]        x: (N, C, *S)   s: N·ΠS values
    dx = s dy,  ds = Σ dy x over C

    ``do_forward: false`` makes y = x and leaves the gradients; ``do_backward_feature: false`` makes
    dx = dy, ``do_backward_scale: false`` ds = 0. The learned ``global_scale`` is refused.
    """

    bottoms = (2, 2)
    reads = ("channel_scale_param",)

    def setup(self, x: Shape, s: Shape) -> None:
        if self.config.channel_scale_param.global_scale:
            raise NetError("global_scale is not implemented; use Scale with num_axes: 0")

    def reshape(self, x: Shape, s: Shape) -> Shape:
        one = (x[0], 1, *x[2:]) if x else ()
        if len(x) < 2 or s not in (one, (x[0], *x[2:])):
            raise ShapeError(f"bottom 1 must hold one value for all channels of {x}; given {s}")
        self.s_shape, self.map = s, one
        return x

    def forward(self, x: Array, s: Array) -> Array:
        s = s.reshape(self.map)
        self.saved = x if self.need[1] else None, s
        return x * s if self.config.channel_scale_param.do_forward else x

    def backward(self, dy: Array) -> tuple[Array | None, Array | None]:
        param = self.config.channel_scale_param
        x, s = self.saved
        dx = ds = None
        if self.need[0]:
            dx = dy * s if param.do_backward_feature else dy
        if x is not None:
            total = (dy * x).sum(axis=1) if param.do_backward_scale else self.xp.zeros_like(s)
            ds = total.reshape(self.s_shape)
        return dx, ds

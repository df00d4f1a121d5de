"""Layers that put values elsewhere: no arithmetic, and backward is the way back."""

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.types import Array, Shape


class Rearranging(Layer):
    """Base of the layers whose top holds the bottom's values in another order."""

    def there(self, x: Array) -> Array:
        """Return x rearranged."""
        raise NotImplementedError

    def back(self, y: Array) -> Array:
        """Undo ``there``."""
        raise NotImplementedError

    def forward(self, x: Array) -> Array:
        return self.xp.ascontiguousarray(self.there(x))

    def backward(self, dy: Array) -> Array | None:
        return self.xp.ascontiguousarray(self.back(dy)) if self.need[0] else None


@register("Permute")
class Permute(Rearranging):
    """Axes in another order: axis i of y is axis ``order[i]`` of x.

    y[i(order[0]), i(order[1]), ...] = x[i(0), i(1), ...],  dx likewise from dy

    From SSD; axes that ``order`` does not name follow in their own order.
    """

    reads = ("permute_param",)

    def reshape(self, x: Shape) -> Shape:
        named = list(self.config.permute_param.order)
        if len(set(named)) < len(named) or max(named, default=0) >= len(x):
            raise ShapeError(
                f"order must name axes of {x}, from 0 to {len(x) - 1}, at most once each; given "
                f"{named}"
            )
        self.order = (*named, *(i for i in range(len(x)) if i not in named))
        return tuple(x[i] for i in self.order)

    def there(self, x: Array) -> Array:
        return x.transpose(self.order)

    def back(self, y: Array) -> Array:
        return y.transpose([self.order.index(i) for i in range(y.ndim)])


@register("Transpose")
class Transpose(Permute):
    """Axes in another order, all of them named: axis i of y is axis ``dim[i]`` of x.

    y[i(dim[0]), i(dim[1]), ...] = x[i(0), i(1), ...],  dx likewise from dy

    From caffe_ocr.
    """

    reads = ("transpose_param",)

    def reshape(self, x: Shape) -> Shape:
        self.order = tuple(self.config.transpose_param.dim)
        if sorted(self.order) != list(range(len(x))):
            raise ShapeError(
                f"dim must name each of the {len(x)} axes of {x} once; given {list(self.order)}"
            )
        return tuple(x[i] for i in self.order)


class _Mirroring(Rearranging):
    """What Reverse and Flip share: the same way there and back."""

    axes: tuple[int, ...]

    def there(self, x: Array) -> Array:
        return self.xp.flip(x, self.axes) if self.axes else x

    def back(self, y: Array) -> Array:
        return self.there(y)


@register("Reverse")
class Reverse(_Mirroring):
    """One axis from back to front; in sequences axis 0 is time.

    y[..., i, ...] = x[..., n - 1 - i, ...],  dx likewise from dy

    From caffe_ocr.
    """

    reads = ("reverse_param",)

    def reshape(self, x: Shape) -> Shape:
        self.axes = (self.axis(self.config.reverse_param.axis, len(x)),)
        return x


@register("Flip")
class Flip(_Mirroring):
    """Images mirrored left and right (``flip_width``), up and down (``flip_height``), or both.

    y[n, c, h, w] = x[n, c, h, W - 1 - w] by default,  dx likewise from dy

    From caffe-windows.
    """

    reads = ("flip_param",)

    def reshape(self, x: Shape) -> Shape:
        if len(x) != 4:
            raise ShapeError(f"the bottom must have axes N, C, H and W; given {x}")
        config = self.config.flip_param
        self.axes = (2,) * config.flip_height + (3,) * config.flip_width
        return x


@register("ShuffleChannel")
class ShuffleChannel(Rearranging):
    """Channels dealt out in turns, so that each group of the next layer sees all groups.

    y[n, i G + g] = x[n, g C/G + i]        x: (N, C, ...)   G: ``group``, g < G, i < C/G
    dx likewise from dy

    Zhang et al., "ShuffleNet", 2018.
    """

    reads = ("shuffle_channel_param",)

    def reshape(self, x: Shape) -> Shape:
        self.group = self.config.shuffle_channel_param.group
        if len(x) < 2 or self.group < 1 or x[1] % self.group:
            raise ShapeError(f"group {self.group} must divide the channels of {x}")
        return x

    def there(self, x: Array) -> Array:
        return self._deal(x, self.group)

    def back(self, y: Array) -> Array:
        return self._deal(y, y.shape[1] // self.group)

    @staticmethod
    def _deal(x: Array, rows: int) -> Array:
        """Read the channels as a matrix of so many rows and transpose it."""
        rest = x.shape[2:]
        table = x.reshape(len(x), rows, x.shape[1] // rows, *rest)
        return table.swapaxes(1, 2).reshape(x.shape)


@register("Reorg")
class Reorg(Rearranging):
    """Pixels into channels: x, read as an image s times as large, becomes s² pictures.

    With s = ``stride`` and x (N, C, H, W), y is (N, C s², H/s, W/s). The memory of an image of x is
    read as (C/s², H s, W s), whatever x means, and for offset o = (i, j) < (s, s)
        y memory (C, H, W) [o C/s² + c, h, w] = read [c, h s + i, w s + j]
    ``reverse`` goes the other way, from (N, C, H, W) to (N, C/s², H s, W s), with the same map read
    backwards. dx likewise from dy.

    YOLO v2's layer, kept as Darknet has it: it mixes pixels of different rows, and weights trained
    with it expect that.
    """

    reads = ("reorg_param",)

    def setup(self, x: Shape) -> None:
        self.stride, self.reverse = self.config.reorg_param.stride, self.config.reorg_param.reverse
        if self.stride < 1:
            raise NetError(f"stride must be at least 1; given {self.stride}")

    def reshape(self, x: Shape) -> Shape:
        s = self.stride
        if len(x) != 4:
            raise ShapeError(f"the bottom must have axes N, C, H and W; given {x}")
        N, C, H, W = x
        if C % s**2:
            raise ShapeError(f"stride {s} squared must divide the channels of {x}")
        if not self.reverse and (H % s or W % s):
            raise ShapeError(f"stride {s} must divide height and width of {x}")
        self.x_shape = x
        self.y_shape = (
            (N, C // s**2, H * s, W * s) if self.reverse else (N, C * s**2, H // s, W // s)
        )
        return self.y_shape

    def there(self, x: Array) -> Array:
        moved = self._scatter(x) if self.reverse else self._gather(x)
        return moved.reshape(self.y_shape)

    def back(self, y: Array) -> Array:
        y = y.reshape(self.x_shape)
        return (self._gather(y) if self.reverse else self._scatter(y)).reshape(self.x_shape)

    def _gather(self, x: Array) -> Array:
        N, C, H, W = self.x_shape
        s = self.stride
        read = x.reshape(N, C // s**2, H, s, W, s)  # c, h, i, w, j
        return read.transpose(0, 3, 5, 1, 2, 4)  # i, j, c, h, w

    def _scatter(self, x: Array) -> Array:
        N, C, H, W = self.x_shape
        s = self.stride
        read = x.reshape(N, s, s, C // s**2, H, W)  # i, j, c, h, w
        return read.transpose(0, 3, 4, 1, 5, 2)  # c, h, i, w, j

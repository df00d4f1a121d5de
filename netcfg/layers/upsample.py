"""Larger and smaller images: repeated pixels, undone poolings, interpolation."""

from typing import Any

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.types import Array, Shape

_SEGNET = ("scale_h", "scale_w", "pad_out_h", "pad_out_w", "upsample_h", "upsample_w")


@register("Upsample")
class Upsample(Layer):
    """Every pixel ``scale`` s times in both directions (nearest neighbour), as in MobileNet-YOLO.

    y[n, c, h, w] = x[n, c, h // s, w // s]        x: (N, C, H, W)   y: (N, C, H s, W s)
    dx[n, c, h, w] = sum of dy over the s × s pixels that came from there

    With two bottoms, or a size in other fields than ``scale``, this is SegNet's layer:
    ``Unpooling``. A prototxt without ``scale`` is taken to mean 1, this fork's default.
    """

    dialect = "MobileNet-YOLO's Upsample, nearest neighbour"
    reads = ("upsample_param",)

    @classmethod
    def resolve(cls, config: LayerParameter) -> type[Layer]:
        """Return SegNet's layer where the bottoms or the fields are its."""
        param = config.upsample_param
        theirs = len(config.bottom) > 1 or any(param.HasField(name) for name in _SEGNET)
        return Unpooling if theirs else cls

    def setup(self, x: Shape) -> None:
        param = self.config.upsample_param
        self.scale = param.scale if param.HasField("scale") else 1
        if self.scale < 1:
            raise NetError(f"scale must be at least 1; given {self.scale}")

    def reshape(self, x: Shape) -> Shape:
        if len(x) != 4:
            raise ShapeError(f"the bottom must have axes N, C, H and W; given {x}")
        self.x_shape = x
        return (*x[:2], x[2] * self.scale, x[3] * self.scale)

    def forward(self, x: Array) -> Array:
        return x.repeat(self.scale, axis=2).repeat(self.scale, axis=3)

    def backward(self, dy: Array) -> Array | None:
        if not self.need[0]:
            return None
        N, C, H, W = self.x_shape
        return dy.reshape(N, C, H, self.scale, W, self.scale).sum(axis=(3, 5))


class Unpooling(Layer):
    """Every value back to where a max pooling found it, 0 elsewhere, as in SegNet.

    y[n, c, mask[n, c, h, w]] = x[n, c, h, w]        x, mask: (N, C, H, W)   y: (N, C, *T)
    dx[n, c, h, w] = dy[n, c, mask[n, c, h, w]]

    The mask is the second top of a Pooling layer: flat indices in a plane of y. T is H s × W s with
    s = ``scale`` or ``scale_h`` and ``scale_w``, one less where ``pad_out_h`` or ``pad_out_w`` say
    so, or ``upsample_h`` × ``upsample_w``. Where two windows found the same pixel, the last wins,
    and both get its gradient.

    Raises:
        DataError: an index of the mask lies outside.
    """

    type = "Upsample"
    dialect = "SegNet's Upsample, which undoes a max pooling"
    bottoms = (2, 2)
    constant_bottoms = (1,)
    reads = ("upsample_param",)

    def reshape(self, x: Shape, mask: Shape) -> Shape:
        if len(x) != 4 or mask != x:
            raise ShapeError(
                f"bottoms must have the same axes N, C, H and W, values and the mask of their "
                f"pooling; given {x} and {mask}"
            )
        self.size = (self._length("h", x[2]), self._length("w", x[3]))
        return (*x[:2], *self.size)

    def forward(self, x: Array, mask: Array) -> Array:
        xp = self.xp
        N, C = x.shape[:2]
        plane = self.size[0] * self.size[1]
        places = xp.trunc(mask).astype("int64").reshape(N, C, -1)
        if places.size and not 0 <= int(places.min()) <= int(places.max()) < plane:
            raise DataError(
                f"indices of the mask must lie in [0, {plane}), a plane of {self.size[0]} × "
                f"{self.size[1]}; given {int(places.min())} to {int(places.max())}"
            )
        y = xp.zeros((N, C, plane), x.dtype)
        xp.put_along_axis(y, places, x.reshape(places.shape), axis=-1)
        self.saved = places, x.shape
        return y.reshape(N, C, *self.size)

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        places, shape = self.saved
        flat = dy.reshape(*places.shape[:2], -1)
        return self.xp.take_along_axis(flat, places, axis=-1).reshape(shape), None

    def _length(self, side: str, length: int) -> int:
        """Return height or width of the top."""
        param = self.config.upsample_param
        given = getattr(param, f"upsample_{side}")
        if not given:
            own = f"scale_{side}"
            scale = getattr(param, own) if param.HasField(own) else param.scale
            given = length * scale - getattr(param, f"pad_out_{side}")
        if given < 1:
            raise ShapeError(f"the top must have a size; its axis {side} comes to {given}")
        return int(given)


@register("Interp")
class Interp(Layer):
    """Image resized by linear interpolation along both axes, corner on corner.

    y[n, c, i, j] = Σ a[i, h] b[j, w] x[n, c, h, w]        x: (N, C, H, W)   y: (N, C, H', W')
        a[i, h] = max(0, 1 - |i (H - 1) / (H' - 1) - h|), b likewise
    dx[n, c, h, w] = Σ a[i, h] b[j, w] dy[n, c, i, j]

    ``pad_beg`` and ``pad_end``, not positive, cut rows and columns off first. H' comes from
    ``height``, or from (H - 1) / ``shrink_factor`` + 1, or h + (h - 1) (``zoom_factor`` - 1) of
    what that leaves, or from a second bottom; W' likewise. From DeepLab.
    """

    bottoms = (1, 2)
    constant_bottoms = (1,)
    reads = ("interp_param",)

    def setup(self, *bottoms: Shape) -> None:
        param = self.config.interp_param
        if param.pad_beg > 0 or param.pad_end > 0:
            raise NetError(
                f"pad_beg and pad_end cut off and must not be positive; given {param.pad_beg} and "
                f"{param.pad_end}"
            )
        if param.zoom_factor < 1 or param.shrink_factor < 1:
            raise NetError(
                f"zoom_factor and shrink_factor must be at least 1; given {param.zoom_factor} and "
                f"{param.shrink_factor}"
            )
        if (param.height > 0) != (param.width > 0):
            raise NetError(f"height and width go together; given {param.height} and {param.width}")

    def reshape(self, x: Shape, *other: Shape) -> Shape:
        if any(len(shape) != 4 for shape in (x, *other)):
            raise ShapeError(f"the bottoms must have axes N, C, H and W; given {(x, *other)}")
        param = self.config.interp_param
        cut = [slice(-param.pad_beg, n + param.pad_end) for n in x[2:]]
        inner = tuple(c.stop - c.start for c in cut)
        if min(inner) < 1:
            raise ShapeError(f"pad_beg and pad_end leave nothing of {x}")
        self.cut = (slice(None), slice(None), *cut)
        size = other[0][2:] if other else self._size(inner)
        self.x_shape = x
        self.rows, self.columns = (self._weights(*pair) for pair in zip(inner, size, strict=True))
        return (*x[:2], *size)

    def forward(self, x: Array, *other: Array) -> Array:
        rows, columns = self.rows.astype(x.dtype), self.columns.astype(x.dtype)
        return self.xp.matmul(rows, self.xp.matmul(x[self.cut], columns.T))

    def backward(self, dy: Array) -> Any:
        dx = None
        if self.need[0]:
            rows, columns = self.rows.astype(dy.dtype), self.columns.astype(dy.dtype)
            dx = self.xp.zeros(self.x_shape, dy.dtype)
            dx[self.cut] = self.xp.matmul(rows.T, self.xp.matmul(dy, columns))
        return dx if len(self.need) == 1 else (dx, None)

    def _size(self, inner: Shape) -> Shape:
        """Return height and width of the top as the fields give them."""
        param = self.config.interp_param
        if param.height > 0:
            return (param.height, param.width)
        small = [(n - 1) // param.shrink_factor + 1 for n in inner]
        return tuple(n + (n - 1) * (param.zoom_factor - 1) for n in small)

    def _weights(self, length: int, size: int) -> Array:
        """Return how much of each of ``length`` values each of ``size`` results takes."""
        xp = self.xp
        step = (length - 1) / (size - 1) if size > 1 else 0.0
        place = xp.arange(size)[:, None] * step
        low = xp.minimum(xp.floor(place), length - 1)
        near = xp.arange(length)
        share = place - low
        # (size, length): what is not 0 are the two neighbours
        return (near == low) * (1 - share) + (near == low + 1) * share

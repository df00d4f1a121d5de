"""Other shapes, other order, fewer entries: layers that move values and sum them up."""

import math
from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.labels import class_indices
from netcfg.netcfg_pb2 import ReductionParameter
from netcfg.types import Array, Arrays, Shape


class Reshaping(Layer):
    """Base of the layers whose top holds the bottom's values in the same order."""

    def forward(self, x: Array) -> Array:
        self.saved = x.shape
        return x.reshape(self.reshape(x.shape))

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.saved) if self.need[0] else None


@register("Flatten")
class Flatten(Reshaping):
    """One axis in place of those from ``axis`` to ``end_axis``, both included.

    y = x, dx = dy        x: (N, C, H, W)   y: (N, C·H·W) by default
    """

    reads = ("flatten_param",)

    def reshape(self, x: Shape) -> Shape:
        param = self.config.flatten_param
        start = self.axis(param.axis, len(x))
        end = self.axis(param.end_axis, len(x), "end_axis") + 1
        if end < start:
            raise ShapeError(f"end_axis {end - 1} must not lie before axis {start}")
        return (*x[:start], math.prod(x[start:end]), *x[end:])


@register("Reshape")
class Reshape(Reshaping):
    """``num_axes`` axes from ``axis`` on give way to those of ``shape``.

    y = x, dx = dy

    In ``shape``, 0 copies the length of the bottom's axis in that place and one -1 takes what the
    others leave. A negative ``axis`` counts places between axes: -1 is behind the last.
    """

    reads = ("reshape_param",)

    def reshape(self, x: Shape) -> Shape:
        param = self.config.reshape_param
        dims = list(param.shape.dim)
        start = self.axis(param.axis, len(x) + 1)
        end = len(x) if param.num_axes == -1 else start + param.num_axes
        if not start <= end <= len(x):
            raise ShapeError(
                f"num_axes must lie in [-1, {len(x) - start}] for axis {start} of {x}; "
                f"given {param.num_axes}"
            )
        if dims.count(-1) > 1 or min(dims, default=0) < -1:
            raise ShapeError(f"shape may hold one -1 and nothing less; given {dims}")
        return (*x[:start], *self._replaced(dims, x, start, end), *x[end:])

    @staticmethod
    def _replaced(dims: list[int], x: Shape, start: int, end: int) -> list[int]:
        """Return ``dims`` without 0 and -1, which hold as many values as x[start:end]."""
        copied = {i: start + i for i, dim in enumerate(dims) if dim == 0}
        for i, axis in copied.items():
            if axis >= len(x):
                raise ShapeError(f"dim {i} of shape is 0, but {x} has no axis {axis}")
        dims = [x[copied[i]] if i in copied else dim for i, dim in enumerate(dims)]
        # axes that stay are left out of both counts, so that -1 is known for an empty batch too
        stay = [i for i, axis in copied.items() if axis < end]
        known = math.prod(dim for i, dim in enumerate(dims) if dim != -1 and i not in stay)
        count = math.prod(x[k] for k in range(start, end) if k - start not in stay)
        if -1 in dims and known and count % known == 0:
            return [count // known if dim == -1 else dim for dim in dims]
        if -1 in dims or known != count:
            total = math.prod(x[start:end])
            raise ShapeError(f"{total} values of {x} do not fit into {dims}")
        return dims


@register("Squeeze")
class Squeeze(Reshaping):
    """Axes of length 1 left out: those that ``axis`` names, or all.

    y = x, dx = dy        x: (N, C, 1, 1)   y: (N, C) by default

    From synopsys-caffe, whose nets come from TensorFlow.
    """

    own_fields = {"squeeze_param": {"axis": []}}  # noqa: RUF012 - Layer says it is a ClassVar

    def reshape(self, x: Shape) -> Shape:
        named = self.own["squeeze_param"]["axis"]
        if not all(isinstance(axis, int) for axis in named):
            raise NetError(f"axis must be whole numbers; given {named}")
        axes = {self.axis(axis, len(x)) for axis in named}
        for axis in sorted(axes):
            if x[axis] != 1:
                raise ShapeError(f"axis {axis} of {x} must have length 1; given {x[axis]}")
        return tuple(n for i, n in enumerate(x) if (i not in axes if named else n != 1))


@register("Tile")
class Tile(Layer):
    """``tiles`` copies of x one after another along ``axis``.

    y = [x x ...],  dx = Σ of the parts of dy
    """

    reads = ("tile_param",)

    def reshape(self, x: Shape) -> Shape:
        param = self.config.tile_param
        axis = self.along = self.axis(param.axis, len(x))
        if param.tiles < 1:
            raise ShapeError(f"tiles must be at least 1; given {param.tiles}")
        return (*x[:axis], x[axis] * param.tiles, *x[axis + 1 :])

    def forward(self, x: Array) -> Array:
        self.saved = x.shape
        return self.engine.concat([x] * self.config.tile_param.tiles, self.along)

    def backward(self, dy: Array) -> Array:
        if not self.need[0]:
            return None
        front, back = self.saved[: self.along], self.saved[self.along :]
        # (..., tiles, length, ...)
        return dy.reshape((*front, self.config.tile_param.tiles, *back)).sum(axis=self.along)


@register("Reduction")
class Reduction(Layer):
    """One value for each leading index, from everything from ``axis`` on.

    SUM:    y = coeff Σ x,       dx = coeff dy
    ASUM:   y = coeff Σ |x|,     dx = coeff sign(x) dy
    SUMSQ:  y = coeff Σ x²,      dx = 2 coeff x dy
    MEAN:   y = coeff Σ x / D,   dx = coeff dy / D        x: (M..., D...)   y: (M...)
    """

    reads = ("reduction_param",)

    def reshape(self, x: Shape) -> Shape:
        param = self.config.reduction_param
        self.along = self.axis(param.axis, len(x))
        self.coeff = param.coeff
        if param.operation == ReductionParameter.MEAN:
            self.coeff /= max(math.prod(x[self.along :]), 1)
        return x[: self.along]

    def forward(self, x: Array) -> Array:
        xp, operation = self.xp, self.config.reduction_param.operation
        # (M..., D)
        rows = x.reshape((*x.shape[: self.along], math.prod(x.shape[self.along :])))
        if operation == ReductionParameter.ASUM:
            rows = xp.abs(rows)
        elif operation == ReductionParameter.SUMSQ:
            rows = xp.square(rows)
        if self.need[0]:
            curved = operation in (ReductionParameter.ASUM, ReductionParameter.SUMSQ)
            self.saved = x.shape, x if curved else None
        return xp.asarray(rows.sum(axis=-1) * self.coeff).astype(x.dtype)

    def backward(self, dy: Array) -> Array:
        if not self.need[0]:
            return None
        shape, x = self.saved
        # (M...) -> (M..., 1, ...)
        dy = (dy * self.coeff).reshape((*shape[: self.along], *(1,) * (len(shape) - self.along)))
        if x is None:
            return self.xp.broadcast_to(dy, shape).copy()
        absolute = self.config.reduction_param.operation == ReductionParameter.ASUM
        return dy * (self.xp.sign(x) if absolute else 2 * x)


@register("Crop")
class Crop(Layer):
    """The part of x that has the size of a reference from ``axis`` on, at ``offset``.

    y = x[..., offset : offset + size, ...],  dx = dy there, else 0

    One offset holds for all cropped axes, else there is one for each. Only the shape of the second
    bottom matters.
    """

    bottoms = (2, 2)
    constant_bottoms = (1,)
    reads = ("crop_param",)

    def reshape(self, x: Shape, size: Shape) -> Shape:
        param = self.config.crop_param
        start = self.axis(param.axis, len(x))
        if len(size) != len(x):
            raise ShapeError(f"bottoms must have equally many axes; given {x} and {size}")
        offsets = list(param.offset) or [0]
        if len(offsets) not in (1, len(x) - start):
            raise ShapeError(
                f"{len(x) - start} axes from axis {start} on need one offset or as many; "
                f"given {offsets}"
            )
        offsets = [0] * start + offsets * ((len(x) - start) // len(offsets))
        y = (*x[:start], *size[start:])
        for i, (length, offset) in enumerate(zip(y, offsets, strict=True)):
            if offset + length > x[i]:
                raise ShapeError(
                    f"offset {offset} and size {length} exceed axis {i} of {x}, which has {x[i]}"
                )
        self.window = tuple(slice(o, o + length) for o, length in zip(offsets, y, strict=True))
        return y

    def forward(self, x: Array, size: Array) -> Array:
        self.saved = x.shape
        return x[self.window]

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        dx = self.xp.zeros(self.saved, dy.dtype)
        dx[self.window] = dy
        return dx, None


@register("BatchReindex")
class BatchReindex(Layer):
    """Items of a batch picked by index, in any order and number.

    y[i] = x[index[i]],  dx[j] = Σ dy[i] over index[i] = j        x: (N, ...)   index: (M,)
    """

    bottoms = (2, 2)
    constant_bottoms = (1,)

    def reshape(self, x: Shape, index: Shape) -> Shape:
        if len(index) != 1:
            raise ShapeError(f"indices must have one axis; given shape {index}")
        return (index[0], *x[1:])

    def forward(self, x: Array, index: Array) -> Array:
        rows, weight = class_indices(self.xp, index, len(x), what="index", unit="items")
        self.saved = x.shape, rows
        # (M,) -> (M, 1, ...)
        return x[rows] * weight.reshape((-1,) + (1,) * (x.ndim - 1))

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        shape, rows = self.saved
        dx = self.xp.zeros(shape, dy.dtype)
        self.xp.add.at(dx, rows, dy)
        return dx, None


@register("Filter")
class Filter(Layer):
    """Items of each bottom where the selector, the last bottom, is not 0.

    yᵢ = xᵢ[selector ≠ 0]        xᵢ: (N, ...)   selector: (N,) or (N, 1, ...)
    dxᵢ[selector ≠ 0] = dyᵢ, else 0

    How many items there are is known only in ``forward``: ``reshape`` promises all of them. There
    may be none.
    """

    bottoms = (2, None)
    tops = (1, None)
    constant_bottoms = (-1,)

    def setup(self, *bottoms: Shape) -> None:
        if self.ntops != len(bottoms) - 1:
            raise ShapeError(
                f"{len(bottoms)} bottoms need {len(bottoms) - 1} tops, one for each but the "
                f"selector; given {self.ntops}"
            )

    def reshape(self, *bottoms: Shape) -> Any:
        *xs, selector = bottoms
        if math.prod(selector) != selector[0]:
            raise ShapeError(f"selector must hold one value per item; given shape {selector}")
        if any(x[0] != selector[0] for x in xs):
            given = ", ".join(map(str, bottoms))
            raise ShapeError(f"bottoms must have the same first axis; given {given}")
        return tuple(xs) if len(xs) > 1 else xs[0]

    def forward(self, *bottoms: Array) -> Any:
        *xs, selector = bottoms
        (kept,) = self.xp.nonzero(selector.reshape(-1))
        self.saved = kept, tuple(x.shape for x in xs)
        ys = tuple(x[kept] for x in xs)
        return ys if len(ys) > 1 else ys[0]

    def backward(self, *tops: Array) -> Arrays:
        kept, shapes = self.saved
        dxs: list[Array] = []
        for dy, shape, need in zip(tops, shapes, self.need[:-1], strict=True):
            dx = None
            if need and dy is not None:
                dx = self.xp.zeros(shape, dy.dtype)
                dx[kept] = dy
            dxs.append(dx)
        return (*dxs, None)

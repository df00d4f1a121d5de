"""Several arrays into one, one into several, and an end for what nobody reads."""

from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import EltwiseParameter
from netcfg.types import Array, Arrays, Shape, Shapes


@register("Concat")
class Concat(Layer):
    """Bottoms one after another along ``axis``.

    y = [x₀ x₁ ...]        all axes but one must agree
    dxᵢ = the part of dy that xᵢ became
    """

    bottoms = (1, None)
    reads = ("concat_param",)

    def reshape(self, *bottoms: Shape) -> Shape:
        first = bottoms[0]
        axis = self.along = _axis(self, self.config.concat_param, "concat_dim", len(first))
        for other in bottoms[1:]:
            if len(other) != len(first) or _without(other, axis) != _without(first, axis):
                raise ShapeError(
                    f"shapes of bottoms must agree but on axis {axis}; given "
                    + ", ".join(map(str, bottoms))
                )
        self.ends = [sum(s[axis] for s in bottoms[: i + 1]) for i in range(len(bottoms))]
        return (*first[:axis], self.ends[-1], *first[axis + 1 :])

    def forward(self, *bottoms: Array) -> Array:
        return self.engine.concat(bottoms, self.along)

    def backward(self, dy: Array) -> Any:
        parts = _parts(dy, self.ends, self.along)
        dxs = tuple(dx if need else None for dx, need in zip(parts, self.need, strict=True))
        return dxs if len(dxs) > 1 else dxs[0]


@register("Slice")
class Slice(Layer):
    """Parts of x along ``axis``, cut at each ``slice_point`` or else into equal lengths.

    yᵢ = x[pointᵢ : pointᵢ₊₁]
    dx = [dy₀ dy₁ ...]
    """

    tops = (1, None)
    reads = ("slice_param",)

    def reshape(self, x: Shape) -> Any:
        axis = self.along = _axis(self, self.config.slice_param, "slice_dim", len(x))
        self.ends = self._ends(x[axis])
        starts = [0, *self.ends[:-1]]
        self.shapes = tuple(
            (*x[:axis], end - start, *x[axis + 1 :])
            for start, end in zip(starts, self.ends, strict=True)
        )
        return self.shapes if self.ntops > 1 else self.shapes[0]

    def forward(self, x: Array) -> Any:
        parts = _parts(x, self.ends, self.along)
        return parts if self.ntops > 1 else parts[0]

    def backward(self, *tops: Array) -> Array:
        if not self.need[0]:
            return None
        known = next(dy for dy in tops if dy is not None)
        dys = [
            self.xp.zeros(shape, known.dtype) if dy is None else dy
            for dy, shape in zip(tops, self.shapes, strict=True)
        ]
        return self.engine.concat(dys, self.along)

    def _ends(self, length: int) -> list[int]:
        points = list(self.config.slice_param.slice_point)
        if not points:
            if length % self.ntops:
                raise ShapeError(f"{self.ntops} tops must divide {length} entries evenly")
            step = length // self.ntops
            return [step * (i + 1) for i in range(self.ntops)]
        if len(points) != self.ntops - 1:
            raise ShapeError(
                f"{self.ntops} tops need {self.ntops - 1} slice points; given {len(points)}"
            )
        ends = [*points, length]
        if any(a >= b for a, b in zip([0, *points], ends, strict=True)):
            raise ShapeError(f"slice points must rise within (0, {length}); given {points}")
        return ends


@register("Split")
class Split(Layer):
    """x as often as there are tops; not needed, any blob may have several readers.

    yᵢ = x
    dx = Σ dyᵢ
    """

    tops = (1, None)

    def reshape(self, x: Shape) -> Any:
        return (x,) * self.ntops if self.ntops > 1 else x

    def forward(self, x: Array) -> Any:
        return (x,) * self.ntops if self.ntops > 1 else x

    def backward(self, *tops: Array) -> Array:
        dys = [dy for dy in tops if dy is not None]
        if not self.need[0] or not dys:
            return None
        return dys[0] if len(dys) == 1 else self.engine.weighted_sum(dys, [1.0] * len(dys))


@register("Eltwise")
class Eltwise(Layer):
    """Product, weighted sum or maximum of bottoms of one shape, entry by entry.

    PROD:  y = Π xᵢ,         dxᵢ = dy Π of the others
    SUM:   y = Σ coeffᵢ xᵢ,  dxᵢ = coeffᵢ dy
    MAX:   y = max xᵢ,       dxᵢ = dy where xᵢ is the maximum, else 0

    Where the first two bottoms share the maximum its gradient goes to the second, and a later
    bottom has it only by being greater, as in Caffe. PROD never divides, so that zeros are safe
    whatever ``stable_prod_grad`` says. MAX takes no notice of ``coeff``.
    """

    bottoms = (2, None)
    reads = ("eltwise_param",)

    def setup(self, *bottoms: Shape) -> None:
        param = self.config.eltwise_param
        self.operation = param.operation
        self.coeffs = list(param.coeff) or [1.0] * len(bottoms)
        if param.coeff and self.operation == EltwiseParameter.PROD:
            raise NetError("coeff is for operation SUM, not PROD")
        if len(self.coeffs) != len(bottoms):
            raise NetError(f"{len(bottoms)} bottoms need as many coeff; given {len(self.coeffs)}")

    def reshape(self, *bottoms: Shape) -> Shape:
        if any(shape != bottoms[0] for shape in bottoms):
            given = ", ".join(map(str, bottoms))
            raise ShapeError(f"shapes of bottoms must be equal; given {given}")
        return bottoms[0]

    def forward(self, *bottoms: Array, slope: float | None = None) -> Array:
        if self.operation == EltwiseParameter.SUM:
            return self.engine.weighted_sum(bottoms, self.coeffs, slope)
        if self.operation == EltwiseParameter.PROD:
            if any(self.need):
                self.saved = bottoms
            return _product(bottoms)
        return self._maximum(bottoms)

    def backward(self, dy: Array) -> Arrays:
        grads = {
            EltwiseParameter.SUM: self._sum_grad,
            EltwiseParameter.PROD: self._prod_grad,
            EltwiseParameter.MAX: self._max_grad,
        }
        grad = grads[self.operation]
        return tuple(grad(dy, i) if need else None for i, need in enumerate(self.need))

    def _maximum(self, xs: Arrays) -> Array:
        xp = self.xp
        first, second, *later = xs
        which = (~(first > second)).astype("int32")
        y = xp.where(which, second, first)
        for i, x in enumerate(later, 2):
            greater = x > y
            which = xp.where(greater, i, which)
            y = xp.where(greater, x, y)
        if any(self.need):
            self.saved = which
        return y

    def _sum_grad(self, dy: Array, i: int) -> Array:
        return dy if self.coeffs[i] == 1 else dy * self.coeffs[i]

    def _prod_grad(self, dy: Array, i: int) -> Array:
        return dy * _product(self.saved[:i] + self.saved[i + 1 :])

    def _max_grad(self, dy: Array, i: int) -> Array:
        return self.xp.where(self.saved == i, dy, 0).astype(dy.dtype)


@register("Silence")
class Silence(Layer):
    """Reads blobs that nothing else reads, so that they are no outputs of the net."""

    bottoms = (1, None)
    tops = (0, 0)

    def reshape(self, *bottoms: Shape) -> Shapes:
        return ()

    def forward(self, *bottoms: Array) -> Arrays:
        return ()

    def backward(self, *tops: Array) -> Any:
        return (None,) * len(self.need) if len(self.need) > 1 else None


def _axis(layer: Layer, param: Any, old: str, rank: int) -> int:
    """Return ``axis`` of ``param``, or the field ``old`` that preceded it."""
    if not param.HasField(old):
        return layer.axis(param.axis, rank)
    if param.HasField("axis"):
        raise NetError(f"axis and {old} mean the same; give only axis")
    return layer.axis(getattr(param, old), rank, old)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _parts(x: Array, ends: list[int], axis: int) -> Arrays:
    """Return views of ``x`` between consecutive ``ends`` along ``axis``."""
    front = (slice(None),) * axis
    return tuple(
        x[(*front, slice(start, end))] for start, end in zip([0, *ends[:-1]], ends, strict=True)
    )


def _product(xs: Arrays) -> Array:
    y = xs[0]
    for x in xs[1:]:
        y = y * x
    return y

"""How good predictions are, and which they are: layers without gradients."""

import math
from typing import Any

from netcfg.errors import ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.labels import class_indices
from netcfg.types import Array, Shape


@register("Accuracy")
class Accuracy(Layer):
    """Share of predictions whose label is among the ``top_k`` highest scores.

    y = Σ [fewer than top_k other scores >= score of the label] / number of labels not ignored
    x: (N, K, ...)   label: (N, 1, ...)   y: ()

    A second top has the share of each class, shape (K,), 0 for a class without labels. A score
    equal to the label's counts against it, so that constant scores are never right; so does NaN.
    """

    bottoms = (2, 2)
    tops = (1, 2)
    constant_bottoms = (0, 1)
    differentiable = False
    reads = ("accuracy_param",)

    def reshape(self, x: Shape, label: Shape) -> Any:
        param = self.config.accuracy_param
        axis = self.along = self.axis(param.axis, len(x))
        self.label_shape = (*x[:axis], 1, *x[axis + 1 :])
        if math.prod(label) != math.prod(self.label_shape):
            raise ShapeError(
                f"label shape {label} must hold {math.prod(self.label_shape)} values, one for each "
                f"prediction along axis {axis} of {x}"
            )
        if not 1 <= param.top_k <= x[axis]:
            raise ShapeError(
                f"top_k must lie in [1, {x[axis]}] for {x[axis]} classes; given {param.top_k}"
            )
        return ((), (x[axis],)) if self.ntops > 1 else ()

    def forward(self, x: Array, label: Array) -> Any:
        xp, param = self.xp, self.config.accuracy_param
        classes = x.shape[self.along]
        ignore = param.ignore_label if param.HasField("ignore_label") else None
        index, weight = class_indices(xp, label, classes, ignore=ignore)
        index = index.reshape(self.label_shape)
        score = xp.take_along_axis(x, index, axis=self.along)
        rivals = (~(x < score)).sum(axis=self.along) - 1
        right = (rivals < param.top_k).reshape(weight.shape) * weight
        share = right.sum(dtype=float) / xp.maximum(weight.sum(dtype=float), 1)
        accuracy = xp.asarray(share).astype(x.dtype)
        if self.ntops == 1:
            return accuracy
        flat = index.reshape(-1)
        counts = xp.bincount(flat, weight.reshape(-1), minlength=classes)
        hits = xp.bincount(flat, right.reshape(-1), minlength=classes)
        return accuracy, (hits / xp.maximum(counts, 1)).astype(x.dtype)


@register("ArgMax")
class ArgMax(Layer):
    """Indices of the ``top_k`` largest values, largest first.

    With ``axis``: y has ``top_k`` entries there, the indices, or the values if ``out_max_val``.
    Without: over all but the first axis, y: (N, 1, top_k), or with ``out_max_val`` (N, 2, top_k),
    indices then values; axes of length 1 follow to as many as x has.

    Of equal values the one with the highest index comes first, as in Caffe.
    """

    constant_bottoms = (0,)
    differentiable = False
    reads = ("argmax_param",)

    def reshape(self, x: Shape) -> Shape:
        param = self.config.argmax_param
        self.along = self.axis(param.axis, len(x)) if param.HasField("axis") else None
        length = math.prod(x[1:]) if self.along is None else x[self.along]
        if not 1 <= param.top_k <= length:
            raise ShapeError(
                f"top_k must lie in [1, {length}] for {length} values; given {param.top_k}"
            )
        if self.along is not None:
            return (*x[: self.along], param.top_k, *x[self.along + 1 :])
        return (x[0], 2 if param.out_max_val else 1, param.top_k, *(1,) * (len(x) - 3))

    def forward(self, x: Array) -> Array:
        xp, param = self.xp, self.config.argmax_param
        axis = 1 if self.along is None else self.along
        # (N, C·H·W)
        values = x.reshape(len(x), math.prod(x.shape[1:])) if self.along is None else x
        backwards = xp.flip(values, axis)
        if param.top_k == 1:
            order = xp.expand_dims(xp.argmax(backwards, axis), axis)
        else:
            order = xp.argsort(-backwards, axis, kind="stable")
            order = xp.take(order, xp.arange(param.top_k), axis)
        order = values.shape[axis] - 1 - order
        largest = xp.take_along_axis(values, order, axis) if param.out_max_val else None
        if self.along is not None:
            return order.astype(x.dtype) if largest is None else largest
        found = [order.astype(x.dtype)] if largest is None else [order.astype(x.dtype), largest]
        # (N, 1 or 2, top_k, 1, ...)
        return xp.stack(found, axis=1).reshape(self.reshape(x.shape))

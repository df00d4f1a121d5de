"""Losses of class probabilities against labels."""

import math
from typing import Any, ClassVar

import numpy as np
from google.protobuf.message import DecodeError

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.layers.labels import class_indices
from netcfg.layers.loss import PRE_FIXED, Loss
from netcfg.netcfg_pb2 import BlobProto, LayerParameter, LossParameter
from netcfg.types import Array, Shape

TINY = float(np.finfo(np.float32).tiny)
"""Least probability under the logarithm of SoftmaxWithLoss: no label costs more than 87.3365."""

THRESHOLD = 1e-20
"""Least probability under the logarithm of the other losses."""

MINING = ("hard_ratio", "hard_mining_label", "cutting_point", "normalize_type")
"""Fields of ``softmax_param`` that only caffe-windows' SoftmaxWithLoss has."""


class SoftmaxLoss(Loss):
    """Base of the losses with a softmax inside: a label for each position beside the class axis.

    ``saved`` is p, the weights of the labels, the normaliser, and what ``slope`` needs besides.
    """

    tops = (1, 2)
    forks: ClassVar[tuple[str, ...]] = PRE_FIXED

    def class_axis(self) -> int:
        """Return the axis of the classes as the prototxt gives it."""
        raise NotImplementedError

    def slope(self, p: Array, weight: Array, chosen: Array) -> Array:
        """Return ∂L/∂x for ``weight``, the label weights times ∂loss/∂L over the normaliser."""
        raise NotImplementedError

    def reshape(self, *bottoms: Shape) -> Any:
        x, label = bottoms[:2]
        super().reshape(x, label)
        axis = self.along = self.axis(self.class_axis(), len(x))
        self.label_shape = (*x[:axis], 1, *x[axis + 1 :])
        self.outer = math.prod(x[:axis])
        if math.prod(label) != math.prod(self.label_shape):
            raise ShapeError(
                f"label shape {label} must hold {math.prod(self.label_shape)} values, one for each "
                f"softmax over axis {axis} of {x}"
            )
        return ((), x) if self.ntops > 1 else ()

    def labels(self, label: Array, classes: int) -> tuple[Array, Array, Any]:
        """Return index and weight of each label, shaped to go with x, and the normaliser."""
        index, weight = class_indices(self.xp, label, classes, ignore=self.ignore_label())
        n = self.normalizer(self.normalization(LossParameter.VALID), weight, self.outer)
        # outer × inner values -> x's shape with 1 on the class axis
        return index.reshape(self.label_shape), weight.reshape(self.label_shape), n

    def loss_and_prob(self, loss: Any, p: Array) -> Any:
        """Return the tops: the loss, and p where a second top is named."""
        scalar = self.scalar(loss, p)
        return (scalar, p) if self.ntops > 1 else scalar

    def backward(self, dloss: Array, dprob: Array = None) -> Any:
        dx = None
        if self.need[0]:
            p, weight, n, chosen = self.saved
            if dloss is not None:
                dx = self.slope(p, weight * self.scalar(dloss / n, p), chosen)
            if dprob is not None:
                through = self.engine.softmax_grad(dprob, p, self.along)
                dx = through if dx is None else dx + through
        return (dx, *(None,) * (len(self.need) - 1))


@register("SoftmaxWithLoss")
class SoftmaxWithLoss(SoftmaxLoss):
    """Cross-entropy of a softmax against labels.

    p = softmax of x over axis,  L = -Σ log p[label] / n        x: (N, K, ...)   label: (N, 1, ...)
    dx = (p - [class = label]) dL / n,  0 where the label is ``ignore_label``

    n counts the labels not ignored, or as ``normalization`` says. The label may have any shape with
    one value for each softmax. A second top is p; gradients pass through it too, which Caffe drops.

    Of forks: with ``label_smoothing`` e the target is 1 - e at the label and e / K more everywhere,
    with ``label_smooth_factor`` it is 1 - e there and e / (K - 1) elsewhere; L = -Σ target log p.
    ``class_weight`` weighs each label by its class, and in n too; ``class_weighting``, with
    ``weight_by_label_freqs``, leaves n as it is. With a third bottom, or fields that pick hard
    examples, it is caffe-windows' layer: ``MinedSoftmaxWithLoss``.
    """

    reads = ("softmax_param", "loss_param")
    forks: ClassVar[tuple[str, ...]] = (
        *PRE_FIXED,
        "loss_param.label_smoothing",
        "loss_param.weight_by_label_freqs",
        "loss_param.class_weighting",
        "softmax_param.class_weight",
        "softmax_param.label_smooth_factor",
    )

    @classmethod
    def resolve(cls, config: LayerParameter) -> type[Layer]:
        """Return caffe-windows' layer where the bottoms or the fields are its."""
        param = config.softmax_param
        mines = param.HasField("cutting_point") or param.HasField("hard_mining_label")
        theirs = mines or param.hard_ratio != 1 or param.normalize_type != "Softmax"
        theirs |= len(config.bottom) > 2
        return MinedSoftmaxWithLoss if theirs and cls is SoftmaxWithLoss else cls

    def setup(self, *bottoms: Shape) -> None:
        loss, softmax = self.config.loss_param, self.config.softmax_param
        self.spread = loss.label_smoothing or softmax.label_smooth_factor
        self.everywhere = loss.label_smoothing > 0
        if not 0 <= self.spread < 1 or (loss.label_smoothing and softmax.label_smooth_factor):
            raise NetError(
                "label_smoothing or label_smooth_factor, not both, must lie in [0, 1); given "
                f"{loss.label_smoothing:g} and {softmax.label_smooth_factor:g}"
            )
        self.counted = bool(softmax.class_weight)
        given = list(loss.class_weighting) if loss.weight_by_label_freqs else []
        given = list(softmax.class_weight) or given
        self.class_weights = self.engine.asarray(given) if given else None

    def class_axis(self) -> int:
        return self.config.softmax_param.axis

    def reshape(self, *bottoms: Shape) -> Any:
        tops = super().reshape(*bottoms)
        classes = bottoms[0][self.along]
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise ShapeError(
                f"{classes} classes need as many weights; given {len(self.class_weights)}"
            )
        return tops

    def labels(self, label: Array, classes: int) -> tuple[Array, Array, Any]:
        index, weight, n = super().labels(label, classes)
        if self.class_weights is not None:
            weight = weight * self.class_weights[index]
            if self.counted:
                n = self.normalizer(self.normalization(LossParameter.VALID), weight, self.outer)
        return index, weight, n

    def forward(self, x: Array, label: Array) -> Any:
        p = self.engine.softmax(x, self.along)
        index, weight, n = self.labels(label, x.shape[self.along])
        if self.need[0]:
            self.saved = p, weight, n, index
        return self.loss_and_prob((weight * self.costs(p, index)).sum() / n, p)

    def costs(self, p: Array, index: Array) -> Array:
        """Return the cross-entropy of each label, with 1 on the class axis, in float64."""
        xp = self.xp
        if not self.spread:
            picked = xp.take_along_axis(p, index, axis=self.along).astype(float)
            return -xp.log(xp.maximum(picked, TINY))
        logs = xp.log(xp.maximum(p.astype(float), TINY))
        target = self._target(index, p.shape[self.along])
        return -(target * logs).sum(axis=self.along, keepdims=True)

    def slope(self, p: Array, weight: Array, chosen: Array) -> Array:
        return (p - self._target(chosen, p.shape[self.along]).astype(p.dtype)) * weight

    def hits(self, index: Array, classes: int) -> Array:
        """Return which class is the label, shaped like p."""
        column = [1] * index.ndim
        column[self.along] = -1
        # (1, K, 1, ...) = (N, 1, ...) -> (N, K, ...)
        return self.xp.arange(classes).reshape(column) == index

    def _target(self, index: Array, classes: int) -> Array:
        """Return what p should be, shaped like it."""
        hit = self.hits(index, classes)
        if not self.spread:
            return hit
        least = self.spread / (classes if self.everywhere else max(classes - 1, 1))
        return hit * (1 - self.spread - (0 if self.everywhere else least)) + least


class MinedSoftmaxWithLoss(SoftmaxWithLoss):
    """SoftmaxWithLoss of caffe-windows: weights of labels, and gradients for hard ones alone.

    L = -Σ w log p[label] / n        x: (N, K, ...)   label: (N, 1, ...)
    dx = w (p - [class = label]) dL / n

    w is the third bottom, a value for each label, or 1; n is Σ w or as ``normalization`` says.
    Where p[label] exceeds ``cutting_point``, p becomes 1 there: no loss, no gradient. Of M labels
    those that cost less than ⌊M (1 - ``hard_ratio``)⌋ others get w = 0 in dx and its n, not in L.
    ``hard_mining_label`` restricts both to labels of one class. ``normalize_type`` L1 and L2 take
    x / (Σ |x| + 1e-6) and x / √(Σ x² + 1e-6) for p, and then dx is not the gradient of L. A second
    top is p, whose gradient is dropped, as there.
    """

    type = "SoftmaxWithLoss"
    dialect = "caffe-windows' SoftmaxWithLoss, with weights of labels and hard examples"
    place = "device"  # it sorts
    bottoms = (2, 3)
    constant_bottoms = (1, 2)
    forks = (*SoftmaxWithLoss.forks, *(f"softmax_param.{field}" for field in MINING))

    def setup(self, *bottoms: Shape) -> None:
        super().setup(*bottoms)
        param = self.fields = self.config.softmax_param
        if param.normalize_type not in ("Softmax", "L1", "L2"):
            raise NetError(
                f"normalize_type must be Softmax, L1 or L2; given '{param.normalize_type}'"
            )
        if not 0 < param.hard_ratio <= 1:
            raise NetError(f"hard_ratio must lie in (0, 1]; given {param.hard_ratio:g}")

    def reshape(self, *bottoms: Shape) -> Any:
        tops = super().reshape(*bottoms)
        for weights in bottoms[2:]:
            if math.prod(weights) != math.prod(self.label_shape):
                raise ShapeError(f"weights {weights} must be one for each label {bottoms[1]}")
        return tops

    def forward(self, x: Array, label: Array, weights: Array = None) -> Any:
        xp, classes, p = self.xp, x.shape[self.along], self._shares(x)
        index, weight, n = self.labels(label, classes)
        if weights is not None:
            weight = weight * weights.reshape(weight.shape)
            n = self._count(weight)
        eligible = xp.ones(index.shape, bool)
        if self.fields.HasField("hard_mining_label"):
            eligible = index == self.fields.hard_mining_label
        if self.fields.HasField("cutting_point"):
            own = xp.take_along_axis(p, index, axis=self.along)
            easy = eligible & (own > self.fields.cutting_point)
            p = xp.where(easy, self.hits(index, classes), p).astype(x.dtype)
        each = weight * self.costs(p, index)
        loss = each.sum() / n
        if self.fields.hard_ratio < 1:
            weight = xp.where(eligible & (each < self._limit(each)), 0, weight)
            n = self._count(weight)
        if self.need[0]:
            self.saved = p, weight, n, index
        return self.loss_and_prob(loss, p)

    def backward(self, dloss: Array, dprob: Array = None) -> Any:
        return super().backward(dloss)

    def _shares(self, x: Array) -> Array:
        kind, xp = self.fields.normalize_type, self.xp
        if kind == "Softmax":
            return self.engine.softmax(x, self.along)
        size = xp.abs(x) if kind == "L1" else x * x
        length = size.sum(axis=self.along, keepdims=True) + 1e-6
        return (x / (length if kind == "L1" else xp.sqrt(length))).astype(x.dtype)

    def _count(self, weight: Array) -> Any:
        return self.normalizer(self.normalization(LossParameter.VALID), weight, self.outer)

    def _limit(self, each: Array) -> Any:
        """Return the least cost that is hard."""
        easy = np.float32(each.size) * (np.float32(1) - np.float32(self.fields.hard_ratio))
        return self.xp.sort(each.reshape(-1))[min(int(easy), each.size - 1)]


@register("InfogainLoss")
class InfogainLoss(SoftmaxLoss):
    """Cross-entropy of a softmax in which H says how much each class is worth for each label.

    p = softmax of x over axis,  L = -Σ H[label, k] log p[k] / n
    dx[k] = (p[k] Σ H[label, :] - H[label, k]) dL / n        x: (N, K, ...)   H: K × K

    H is the third bottom or the BlobProto file ``source``; the identity makes it SoftmaxWithLoss.
    Normalisation, labels and a second top are as there.
    """

    bottoms = (2, 3)
    constant_bottoms = (1, 2)
    reads = ("infogain_loss_param", "loss_param")

    def setup(self, *bottoms: Shape) -> None:
        if self.config.loss_param.HasField("normalize"):
            raise NetError("loss_param: normalize is not for InfogainLoss; use normalization")
        self.matrix: Array = None
        if len(bottoms) == 2:
            self.matrix = self._read(self.config.infogain_loss_param.source)

    def class_axis(self) -> int:
        return self.config.infogain_loss_param.axis

    def reshape(self, *bottoms: Shape) -> Any:
        tops = super().reshape(*bottoms)
        classes = bottoms[0][self.along]
        matrix = bottoms[2] if self.matrix is None else self.matrix.shape
        if math.prod(matrix) != classes**2:
            raise ShapeError(
                f"infogain matrix of shape {matrix} must hold {classes} × {classes} values, "
                f"one for each pair of classes"
            )
        return tops

    def forward(self, x: Array, label: Array, matrix: Array = None) -> Any:
        xp = self.xp
        classes = x.shape[self.along]
        p = self.engine.softmax(x, self.along)
        index, weight, n = self.labels(label, classes)
        matrix = (self.matrix if matrix is None else matrix).reshape(classes, classes)
        # (N, ..., K) -> (N, K, ...)
        rows = xp.moveaxis(matrix[index.squeeze(self.along)], -1, self.along)
        logs = xp.log(xp.maximum(p, THRESHOLD))
        if self.need[0]:
            self.saved = p, weight, n, rows
        return self.loss_and_prob(-(weight * rows * logs).sum(dtype=float) / n, p)

    def slope(self, p: Array, weight: Array, chosen: Array) -> Array:
        return (p * chosen.sum(axis=self.along, keepdims=True) - chosen) * weight

    def _read(self, source: str) -> Array:
        if not source:
            raise NetError("infogain_loss_param: source is needed where there is no third bottom")
        blob = BlobProto()
        try:
            blob.ParseFromString(self.find(source).read_bytes())
        except (DecodeError, OSError) as error:
            raise DataError(f"infogain matrix '{source}' cannot be read: {error}") from error
        return self.engine.asarray(np.array(blob.data or blob.double_data))


@register("MultinomialLogisticLoss")
class MultinomialLogisticLoss(Loss):
    """Cross-entropy of probabilities that another layer computed.

    L = -Σ log max(p[label], 1e-20) / N        p: (N, K)   label: N values
    dp[label] = -dL / (N max(p[label], 1e-20)),  else 0
    """

    def reshape(self, *bottoms: Shape) -> Shape:
        p, label = bottoms
        super().reshape(p, label)
        self.one_per_item(p, label)
        return ()

    def forward(self, p: Array, label: Array) -> Array:
        xp = self.xp
        rows = p.reshape(len(p), math.prod(p.shape[1:]))  # (N, K)
        index, weight = class_indices(xp, label.reshape(-1, 1), rows.shape[1])
        picked = xp.maximum(xp.take_along_axis(rows, index, axis=1), THRESHOLD)  # (N, 1)
        if self.need[0]:
            self.saved = index, weight / picked, p.shape
        return self.scalar(-(weight * xp.log(picked)).sum(dtype=float) / self.batch(p), p)

    def backward(self, dy: Array) -> Any:
        if not self.need[0]:
            return None, None
        index, inverse, shape = self.saved
        classes = math.prod(shape[1:])
        hit = self.xp.arange(classes) == index  # (N, K)
        return (hit * (-inverse * (dy / self.batch(index)))).reshape(shape), None

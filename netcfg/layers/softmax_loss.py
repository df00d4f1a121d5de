"""Losses of class probabilities against labels."""

import math
from typing import Any, ClassVar

import numpy as np
from google.protobuf.message import DecodeError

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.labels import class_indices
from netcfg.layers.loss import PRE_FIXED, Loss
from netcfg.netcfg_pb2 import BlobProto, LossParameter
from netcfg.types import Array, Shape

TINY = float(np.finfo(np.float32).tiny)
"""Least probability under the logarithm of SoftmaxWithLoss: no label costs more than 87.3365."""

THRESHOLD = 1e-20
"""Least probability under the logarithm of the other losses."""


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
    ``weight_by_label_freqs``, leaves n as it is.
    """

    reads = ("softmax_param", "loss_param")
    forks = (
        *PRE_FIXED,
        "loss_param.label_smoothing",
        "loss_param.weight_by_label_freqs",
        "loss_param.class_weighting",
        "softmax_param.class_weight",
        "softmax_param.label_smooth_factor",
    )

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
        xp = self.xp
        p = self.engine.softmax(x, self.along)
        index, weight, n = self.labels(label, x.shape[self.along])
        if self.spread:
            logs = xp.log(xp.maximum(p.astype(float), TINY))
            each = (self._target(index, x.shape[self.along]) * logs).sum(
                axis=self.along, keepdims=True
            )
        else:
            picked = xp.take_along_axis(p, index, axis=self.along).astype(float)
            each = xp.log(xp.maximum(picked, TINY))
        if self.need[0]:
            self.saved = p, weight, n, index
        return self.loss_and_prob(-(weight * each).sum() / n, p)

    def slope(self, p: Array, weight: Array, chosen: Array) -> Array:
        return (p - self._target(chosen, p.shape[self.along]).astype(p.dtype)) * weight

    def _target(self, index: Array, classes: int) -> Array:
        """Return what p should be, shaped like it."""
        column = [1] * index.ndim
        column[self.along] = -1
        # (1, K, 1, ...) = (N, 1, ...) -> (N, K, ...)
        hit = self.xp.arange(classes).reshape(column) == index
        if not self.spread:
            return hit
        least = self.spread / (classes if self.everywhere else max(classes - 1, 1))
        return hit * (1 - self.spread - (0 if self.everywhere else least)) + least


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

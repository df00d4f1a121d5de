"""Cross-entropy that cares less for what is classified well already."""

from typing import Any

from netcfg.errors import NetError
from netcfg.layer import register
from netcfg.layers.loss import PRE_FIXED
from netcfg.layers.softmax_loss import TINY, SoftmaxLoss
from netcfg.netcfg_pb2 import FocalLossParameter
from netcfg.types import Array, Shape


@register("FocalLoss")
class FocalLoss(SoftmaxLoss):
    """Cross-entropy of a softmax, weighted by how far the label is from certain.

    p = softmax of x over axis 1        x: (N, K, ...)   label: (N, 1, ...)
    ORIGIN: L = -α Σ (1 - q)^γ log q / n, q = p[label]
        dx = α ((1 - q)^γ - γ q (1 - q)^(γ-1) log q) (p - [class = label]) dL / n
    LINEAR: L = Σ log(1 + e^-u) / (γ n), u = γ log(q / (1 - q)) + β, the label's score against the
        others
        dx = σ(-u) (p - [class = label]) / (1 - q) dL / n

    Labels, ``ignore_label``, n and a second top are as in SoftmaxWithLoss. Lin et al., "Focal loss
    for dense object detection", 2017, has LINEAR as its variant FL*.
    """

    reads = ("focal_loss_param", "loss_param")
    forks = PRE_FIXED

    def setup(self, *bottoms: Shape) -> None:
        config = self.config.focal_loss_param
        self.linear = config.type == FocalLossParameter.LINEAR
        self.alpha, self.beta, self.gamma = config.alpha, config.beta, config.gamma
        if self.gamma < 0 or (self.linear and self.gamma == 0):
            raise NetError(f"gamma must be at least 0, above 0 for LINEAR; given {self.gamma:g}")

    def class_axis(self) -> int:
        return 1

    def forward(self, x: Array, label: Array) -> Any:
        xp = self.xp
        p = self.engine.softmax(x, self.along)
        index, weight, n = self.labels(label, x.shape[self.along])
        q = xp.maximum(xp.take_along_axis(p, index, axis=self.along).astype(float), TINY)
        # 1 - q: the difference itself would be 0 long before the others have nothing
        rest = xp.maximum(
            xp.where(self._hit(p, index), 0, p).sum(self.along, float, keepdims=True), TINY
        )
        if self.linear:
            u = self.gamma * xp.log(q / rest) + self.beta
            each = xp.logaddexp(0, -u) / self.gamma
            slope = xp.exp(-xp.logaddexp(0, u)) / rest
        else:
            logs = xp.log(q)
            each = -self.alpha * rest**self.gamma * logs
            slope = self.alpha * (
                rest**self.gamma - self.gamma * q * rest ** (self.gamma - 1) * logs
            )
        if self.need[0]:
            self.saved = p, weight * slope.astype(p.dtype), n, index
        return self.loss_and_prob((weight * each).sum() / n, p)

    def slope(self, p: Array, weight: Array, chosen: Array) -> Array:
        return (p - self._hit(p, chosen)) * weight

    def _hit(self, p: Array, index: Array) -> Array:
        """Return where the label is among the classes."""
        column = [1] * p.ndim
        column[self.along] = -1
        return self.xp.arange(p.shape[self.along]).reshape(column) == index

"""Layers that run as one: what a unit of several layers computes in a single pass over memory.

A unit has the results, gradients and parameters of its layers. It reads and writes no blob between
them, so one that somebody else reads, or that is to be kept, keeps layers apart; ``netcfg.fuse``
decides.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netcfg.layer import Layer
from netcfg.layers.activation import ReLU
from netcfg.layers.conv import Convolution
from netcfg.layers.inner_product import InnerProduct
from netcfg.layers.normalization import BatchNorm
from netcfg.layers.scale import Scale
from netcfg.types import Array


class Fused:
    """Layers in a chain: the first bottom of each is the top of the one before.

    Attributes:
        members: the layers, first to last.
        saved: what ``backward`` needs.
    """

    def __init__(self, members: Sequence[Layer]) -> None:
        self.members = tuple(members)
        self.engine = members[0].engine
        self.saved: Any = None

    def forward(self, *bottoms: Array) -> Array:
        """Compute the top of the last member."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Any:
        """Return the gradients of the bottoms, and add those of parameters."""
        raise NotImplementedError


class NormScale(Fused):
    """BatchNorm by the batch, Scale, and ReLU or not.

    Attributes:
        repeats: whether ``again`` will be called between the passes.
    """

    def __init__(self, members: Sequence[Layer]) -> None:
        super().__init__(members)
        self.norm, self.scale = members[0], members[1]
        assert isinstance(self.norm, BatchNorm)  # noqa: S101 - chosen by netcfg.fuse
        self.relu = len(members) > 2
        self.repeats = False
        self._x: Array = None

    def forward(self, *bottoms: Array) -> Array:
        (x,) = bottoms
        self._x = x if self.repeats else None
        norm: Any = self.norm
        w, b = (p.data for p in self.scale.params)
        y, mean, var, self.saved = self.engine.norm_scale(x, w, b, norm.eps, self.relu)
        norm.accumulate(mean, var, x.size // norm.channels)
        return y

    def again(self) -> Array:
        """Return the top of the last forward pass, computed again."""
        norm: Any = self.norm
        w, b = (p.data for p in self.scale.params)
        return self.engine.norm_scale(self._x, w, b, norm.eps, self.relu)[0]

    def backward(self, dy: Array) -> Array:
        norm: Any = self.norm
        self._x = None
        w, b = self.scale.params
        dx, dw, db = self.engine.norm_scale_grad(dy, w.data, norm.eps, self.saved)
        if w.lr_mult != 0:
            w.add_grad(dw)
        if b.lr_mult != 0:
            b.add_grad(db)
        return dx if norm.need[0] else None


class ThenReLU(Fused):
    """Convolution, InnerProduct or sum whose result is bent on its way to memory.

    The gradient needs only the sign of y, which is that of the bent value where slope ≥ 0.
    """

    def __init__(self, members: Sequence[Layer]) -> None:
        super().__init__(members)
        self.first, self.relu = members
        assert isinstance(self.relu, ReLU)  # noqa: S101 - chosen by netcfg.fuse
        self.slope = self.relu.slope

    def forward(self, *bottoms: Array) -> Array:
        first: Any = self.first
        y = first.forward(*bottoms, slope=self.slope)
        if self.relu.need[0]:
            self.saved = y
        return y

    def backward(self, dy: Array) -> Any:
        if not self.relu.need[0]:
            return None
        return self.first.backward(self.engine.relu_grad(dy, self.saved, self.slope))


class Folded(Fused):
    """Convolution or InnerProduct at TEST with BatchNorm, Scale, a sum and ReLU after it.

    w' = w s, b' = (b - mean) s' γ + β: statistics and scale go into the weights, once; again when a
    parameter of a member has changed.
    """

    def __init__(self, members: Sequence[Layer]) -> None:
        super().__init__(members)
        relus = [m for m in members if isinstance(m, ReLU)]
        self.slope = relus[0].slope if relus else None
        self._versions: Any = None
        self._weights: Any = None

    @property
    def constants(self) -> list[Array]:
        """What stays where it is as long as no parameter changes."""
        exposed = any(p.exposed for m in self.members for p in m.params)
        return [a for a in self._weights or () if isinstance(a, np.ndarray) and not exposed]

    def forward(self, *bottoms: Array) -> Array:
        first: Any = self.members[0]
        w, b = self._fold()
        x, *add = bottoms
        if isinstance(first, Convolution):
            more = {"add": add[0]} if add else {}
            return self.engine.conv(x, w, b, first.conv, slope=self.slope, **more)
        assert isinstance(first, InnerProduct)  # noqa: S101 - chosen by netcfg.fuse
        return self.engine.linear(x.reshape(len(x), -1), w, b, self.slope)

    def _fold(self) -> tuple[Array, Array | None]:
        """Return weights and bias of the whole chain."""
        params = [p for m in self.members for p in m.params]
        versions = [p.version for p in params]
        if self._weights is None or versions != self._versions or any(p.exposed for p in params):
            self._weights, self._versions = self._folded(), versions
        return self._weights

    def _folded(self) -> tuple[Array, Array | None]:
        first, *others = self.members
        w, *rest = (p.value for p in first.params)
        b = rest[0] if rest else None
        for member in others:
            if isinstance(member, BatchNorm):
                mean, var = member.running()
                factor = 1 / np.sqrt(var + np.float32(member.eps))
                shift = -mean * factor
            elif isinstance(member, Scale):
                factor, *more = (p.value for p in member.params)
                shift = more[0] if more else 0 * factor
            else:
                continue
            w = w * factor.reshape(-1, *[1] * (w.ndim - 1))
            b = shift if b is None else b * factor + shift
        return (self.engine.freeze(w) if isinstance(first, Convolution) else w), b

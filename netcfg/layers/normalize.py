"""Normalize: features of length 1, SSD's times a learned scale, caffe-windows' as they are."""

import math
from typing import Any

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import FillerParameter, LayerParameter
from netcfg.types import Array, Shape, Shapes

EPS = 1e-6
"""What caffe-windows adds to a length, or under the root of one."""


@register("Normalize")
class Normalize(Layer):
    """Divide x by its length and multiply it by learned scales.

    y = s u,  u = x / l,  l = √(Σ x² + eps)
    dx = (s dy - u Σ s dy u) / l,  ds = Σ dy u

    x, y: (N, C, *S)   s: () with ``channel_shared``, else (C,)

    Sums are over each item with ``across_spatial``, else over the channels of each pixel. From SSD,
    after Liu et al., "ParseNet: looking wider to see better", 2015.

    With ``normalize_param`` or a second top it is caffe-windows' layer: ``UnitLength``.
    """

    reads = ("norm_param",)
    dialect = "SSD's Normalize, with a learned scale"

    @classmethod
    def resolve(cls, config: LayerParameter) -> type[Layer]:
        """Return caffe-windows' layer where the fields or the tops are its."""
        theirs = config.HasField("normalize_param") or config.HasField("softmax_param")
        return UnitLength if theirs or len(config.top) > 1 else cls

    def setup(self, x: Shape) -> None:
        if len(x) < 2:
            raise ShapeError(f"the bottom must have axes N and C; given {x}")
        param = self.config.norm_param
        filler = param.scale_filler
        if not param.HasField("scale_filler"):
            filler = FillerParameter(type="constant", value=1)
        self.channels = x[1]
        self.scale = self.param(() if param.channel_shared else (self.channels,), filler)

    def reshape(self, x: Shape) -> Shape:
        if len(x) < 2 or x[1] != self.channels:
            raise ShapeError(f"the bottom must have {self.channels} channels; given {x}")
        self.axes = tuple(range(1, len(x))) if self.config.norm_param.across_spatial else (1,)
        self.shape = (1, -1, *[1] * (len(x) - 2)) if self.scale.shape else ()
        return x

    def forward(self, x: Array) -> Array:
        squares = (x * x).sum(axis=self.axes, keepdims=True)
        length = self.xp.sqrt(squares + self.config.norm_param.eps).astype(x.dtype)
        unit = x / length
        self.saved = unit, length
        return unit * self.scale.value.reshape(self.shape)

    def backward(self, dy: Array) -> Array | None:
        unit, length = self.saved
        if self.scale.lr_mult != 0:
            each = dy * unit
            axes = (0, *range(2, dy.ndim)) if self.scale.shape else None
            self.scale.add_grad(self.xp.asarray(each.sum(axis=axes)))
        if not self.need[0]:
            return None
        scaled = dy * self.scale.value.reshape(self.shape)
        return (scaled - unit * (scaled * unit).sum(axis=self.axes, keepdims=True)) / length

    def multiply_adds(self, bottoms: Shapes, tops: Shapes) -> int:
        return 2 * math.prod(bottoms[0])


class UnitLength(Layer):
    """Divide each pixel by the length of its channels, as in caffe-windows.

    y = x / l,  L2: l = √(Σ x² + 1e-6),  L1: l = Σ |x| + 1e-6        x, y: (N, C, *S)
    dx = (dy - l' Σ dy y) / l + l' dl,  l' = ∂l/∂x = y, with L1 the sign of x;  sums over channels

    A second top is l, (N, 1, *S); its gradient dl counts with ``bp_norm`` only. With
    ``fix_gradient`` l is a constant: dx = dy / l. Of old the kind stood in ``softmax_param``.
    """

    type = "Normalize"
    dialect = "caffe-windows' Normalize, channels of length 1"
    tops = (1, 2)
    reads = ("normalize_param", "softmax_param")
    forks = ("softmax_param.normalize_type",)

    def setup(self, x: Shape) -> None:
        if self.config.HasField("norm_param"):
            raise NetError(
                "norm_param is of SSD's Normalize, but normalize_param, softmax_param and a second "
                "top are of caffe-windows'; give one or the other"
            )
        self.fields = self.config.normalize_param
        self.kind = self.fields.normalize_type
        if self.config.HasField("softmax_param"):
            self.kind = self.config.softmax_param.normalize_type
        if self.kind not in ("L1", "L2"):
            raise NetError(f"normalize_type must be L1 or L2; given '{self.kind}'")

    def reshape(self, x: Shape) -> Any:
        if len(x) < 2:
            raise ShapeError(f"the bottom must have axes N and C; given {x}")
        return (x, (x[0], 1, *x[2:])) if self.ntops > 1 else x

    def forward(self, x: Array) -> Any:
        xp = self.xp
        if self.kind == "L1":
            length = xp.abs(x).sum(axis=1, keepdims=True) + EPS
        else:
            length = xp.sqrt((x * x).sum(axis=1, keepdims=True) + EPS)
        length = length.astype(x.dtype)
        y = x / length
        self.saved = y, length
        return (y, length) if self.ntops > 1 else y

    def backward(self, dy: Array, dlength: Array = None) -> Array | None:
        if not self.need[0]:
            return None
        y, length = self.saved
        slope = self.xp.sign(y) if self.kind == "L1" else y
        dx = self.xp.zeros_like(y)
        if dy is not None:
            fixed = self.fields.fix_gradient
            through = 0 if fixed else slope * (dy * y).sum(axis=1, keepdims=True)
            dx = (dy - through) / length
        if dlength is not None and self.fields.bp_norm:
            dx = dx + slope * dlength
        return dx

"""Normalize, the layer of SSD: features of length 1, times a learned scale."""

import math

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import FillerParameter
from netcfg.types import Array, Shape, Shapes


@register("Normalize")
class Normalize(Layer):
    """Divide x by its length and multiply it by learned scales.

    y = s u,  u = x / l,  l = √(Σ x² + eps)
    dx = (s dy - u Σ s dy u) / l,  ds = Σ dy u

    x, y: (N, C, *S)   s: () with ``channel_shared``, else (C,)

    Sums are over each item with ``across_spatial``, else over the channels of each pixel. From SSD,
    after Liu et al., "ParseNet: looking wider to see better", 2015.
    """

    reads = ("norm_param",)
    dialect = "SSD's Normalize, with a learned scale"

    def setup(self, x: Shape) -> None:
        if len(x) < 2:
            raise ShapeError(f"the bottom must have axes N and C; given {x}")
        if self.config.HasField("normalize_param"):
            raise NetError(
                "normalize_param is of caffe-windows' Normalize, which is not implemented; "
                "norm_param { across_spatial: false } and a scale of 1 with lr_mult: 0 do as much"
            )
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

"""Batch normalization with scale and shift inside: kinds that forks have, under two names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Layer, register
from netcfg.netcfg_pb2 import BatchNormParameter, BNParameter, FillerParameter, LayerParameter
from netcfg.param import Param
from netcfg.types import Array, Phase, Shape

_SEGNET = ("scale_filler", "shift_filler", "bn_mode")
_PSPNET = ("slope_filler", "bias_filler", "momentum", "frozen", "eps")


class ScaledNorm(Layer):
    """Base: each channel normalized, by the batch or by stored statistics, then scaled and shifted.

    y = w (x - mean) / √(var + eps) + b        x: (N, C, *S)   w, b, mean, var: C values
    by the batch: dx = w (dy - mean(dy) - z mean(dy z)) / √(var + eps), z the normalized x
    by stored statistics: dx = w dy / √(var + eps)
    dw = Σ dy z,  db = Σ dy, sums and means over N and *S
    """

    channels: int
    eps: float
    fixed: bool
    """Whether stored statistics are used."""
    scale: Param
    shift: Param

    def running(self) -> tuple[Array, Array]:
        """Return the stored mean and variance, C values each."""
        raise NotImplementedError

    def accumulate(self, mean: Array, var: Array, m: int) -> None:
        """Take note of the statistics of a batch with m values a channel."""
        raise NotImplementedError

    def reshape(self, x: Shape) -> Shape:
        if channels(x) != self.channels:
            raise ShapeError(f"the statistics are of {self.channels} channels; given {x}")
        self.x_shape = (*x, 1) if len(x) == 1 else x  # a vector is one channel
        return x

    def forward(self, x: Array) -> Array:
        outer, x = x.shape, x.reshape(self.x_shape)
        w, b = self.scale.value.reshape(-1), self.shift.value.reshape(-1)
        if self.fixed:
            mean, var = self.running()
            z = self.engine.normalize(x, mean, var, self.eps)
            y = self.engine.scale(z, self._column(w), self._column(b))
            self.saved = (z if self.scale.lr_mult != 0 else None, var)
        else:
            y, mean, var, self.saved = self.engine.norm_scale(x, w, b, self.eps, relu=False)
            self.accumulate(mean, var, x.size // self.channels)
        return y.reshape(outer)

    def backward(self, dy: Array) -> Array | None:
        outer, dy = dy.shape, dy.reshape(self.x_shape)
        w = self.scale.value.reshape(-1)
        if self.fixed:
            z, var = self.saved
            dw = self.engine.sum_to_axis(dy * z, 1) if z is not None else None
            db = self.engine.sum_to_axis(dy, 1) if self.shift.lr_mult != 0 else None
            dx = None
            if self.need[0]:
                dx = self.engine.scale(dy, self._column(w / self.xp.sqrt(var + self.eps)), None)
        else:
            dx, dw, db = self.engine.norm_scale_grad(dy, w, self.eps, self.saved)
        for param, grad in ((self.scale, dw), (self.shift, db)):
            if param.lr_mult != 0:
                param.add_grad(grad)
        return dx.reshape(outer) if self.need[0] and dx is not None else None

    def _column(self, w: Array) -> Array:
        """Return C values shaped to broadcast."""
        return w.reshape(-1, *[1] * (len(self.x_shape) - 2))

    def _constant(self, param: Param) -> Param:
        """Return a parameter that no gradient changes."""
        param.lr_mult = param.decay_mult = 0
        return param


class ScaledBatchNorm(ScaledNorm):
    """BatchNorm of NVCaffe and Intel Caffe with Scale inside (``scale_bias``, ``use_weight_bias``).

    y = w (x - mean) / √(var + eps) + b        x: (N, C, *S)   w, b: (C,)
    Gradients are those of ``ScaledNorm``; statistics are those of BatchNorm, sums over a factor.

    The blobs are mean, variance, factor, scale and bias. A stored factor of 0 counts as 1, as in
    NVCaffe, and files of its version 0.15 with scale, bias, mean and variance are read as well.
    """

    type = "BatchNorm"
    dialect = "NVCaffe's and Intel Caffe's BatchNorm, with scale and bias inside"
    reads = ("batch_norm_param",)
    forks = tuple(
        f"batch_norm_param.{field}"
        for field in ("scale_bias", "use_weight_bias", "filler", "scale_filler", "bias_filler")
    )

    @classmethod
    def asked_for(cls, config: LayerParameter) -> bool:
        """Return whether a BatchNorm layer has scale and bias inside."""
        param = config.batch_norm_param
        if param.HasField("use_weight_bias"):
            return param.use_weight_bias
        fillers = ("filler", "scale_filler", "bias_filler")
        return param.scale_bias or any(map(param.HasField, fillers)) or len(config.blobs) in (4, 5)

    def setup(self, x: Shape) -> None:
        config = self.config.batch_norm_param
        self.eps, self.fraction = config.eps, config.moving_average_fraction
        self.fixed = self.phase == Phase.TEST
        if config.HasField("use_global_stats"):
            self.fixed = config.use_global_stats
        self.channels = channels(x)
        for shape in ((self.channels,), (self.channels,), (1,)):
            self._constant(self.param(shape, FillerParameter()))
        self.scale = self.param((self.channels,), _scale_filler(config))
        self.shift = self.param((self.channels,), config.bias_filler)

    def running(self) -> tuple[Array, Array]:
        mean, var, factor = (p.value for p in self.params[:3])
        share = 1 / self.xp.where(factor != 0, factor, 1)  # (1,)
        return mean * share, var * share

    def accumulate(self, mean: Array, var: Array, m: int) -> None:
        _, total, factor = sums = [p.value for p in self.params[:3]]
        stored = (factor == 0) & (total != 0).any()  # by NVCaffe, which leaves the factor out
        factor[...] = self.xp.where(stored, 1, factor)
        batch = (mean, var * (m / max(m - 1, 1)), 1)
        for param, array, value in zip(self.params, sums, batch, strict=False):
            array *= self.fraction
            array += value
            param.changed()

    def adapt(self, blobs: Sequence[Array | None]) -> Sequence[Array | None]:
        if len(blobs) != 4:
            return blobs
        scale, bias, mean, var = blobs
        return [mean, var, np.ones(1, np.float32), scale, bias]


@register("BN")
class BN(ScaledNorm):
    """Batch normalization with a slope w and a bias b, as in PSPNet, TSN and DeepLab's forks.

    y = w (x - mean) / √(var + eps) + b        x: (N, C, *S)
    Gradients are those of ``ScaledNorm``. TRAIN normalizes by the batch and makes, with m =
    ``momentum``, mean ← m mean + (1 - m) batch's, var likewise; TEST uses these, and so does TRAIN
    where ``frozen``, which learns nothing.

    The blobs are slope, bias, mean and variance, (1, C, 1, 1) each. This is SegNet's layer,
    ``SegNetBN``, where ``scale_filler``, ``shift_filler`` or ``bn_mode`` is set, or where there are
    two ``param`` or two blobs.
    """

    dialect = "PSPNet's BN: slope, bias, mean and variance"
    reads = ("bn_param",)

    @classmethod
    def resolve(cls, config: LayerParameter) -> type[Layer]:
        """Return the layer of that name that the fields, or else the blobs, belong to.

        Raises:
            NetError: fields of both are set.
        """
        param = config.bn_param
        segnet = [name for name in _SEGNET if param.HasField(name)]
        pspnet = [name for name in _PSPNET if param.HasField(name)]
        if segnet and pspnet:
            raise NetError(
                f"{segnet[0]} is of SegNet's BN, {pspnet[0]} of PSPNet's; they do not go together"
            )
        two = not pspnet and 2 in (len(config.blobs), len(config.param))
        return SegNetBN if segnet or two else cls

    def setup(self, x: Shape) -> None:
        config = self.config.bn_param
        self.eps, self.momentum = config.eps, config.momentum
        self.fixed = self.phase == Phase.TEST or config.frozen
        self.channels = channels(x)
        shape = (1, self.channels, 1, 1)
        self.scale = self.param(shape, config.slope_filler)
        self.shift = self.param(shape, config.bias_filler)
        self.mean = self._constant(self.param(shape, FillerParameter()))
        self.var = self._constant(self.param(shape, FillerParameter(value=1)))
        if config.frozen:
            self._constant(self.scale)
            self._constant(self.shift)

    def running(self) -> tuple[Array, Array]:
        return self.mean.value.reshape(-1), self.var.value.reshape(-1)

    def accumulate(self, mean: Array, var: Array, m: int) -> None:
        for param, value in ((self.mean, mean), (self.var, var)):
            array = param.value
            array *= self.momentum
            array += (1 - self.momentum) * value.reshape(array.shape)
            param.changed()


class SegNetBN(ScaledNorm):
    """Batch normalization with a scale w and a shift b, as in SegNet.

    LEARN: y = w (x - mean) / √(var + 1e-9) + b by the batch, in TEST too
    INFERENCE: y = w x + b; a script has put the statistics into w and b
        dx = w dy,  dw = Σ dy x,  db = Σ dy over N and *S        x: (N, C, *S)

    The blobs are scale and shift, (1, C, 1, 1) each. Gradients of LEARN are those of
    ``ScaledNorm``.
    """

    type = "BN"
    dialect = "SegNet's BN: scale and shift"
    reads = ("bn_param",)
    eps = 1e-9

    def setup(self, x: Shape) -> None:
        config = self.config.bn_param
        self.fixed = config.bn_mode == BNParameter.INFERENCE
        self.channels = channels(x)
        shape = (1, self.channels, 1, 1)
        self.scale = self.param(shape, config.scale_filler)
        self.shift = self.param(shape, config.shift_filler)

    def running(self) -> tuple[Array, Array]:
        zeros = self.engine.zeros((self.channels,))
        return zeros, zeros + 1 - self.eps

    def accumulate(self, mean: Array, var: Array, m: int) -> None:
        """Nothing is kept."""


def channels(x: Shape) -> int:
    """Return the number of channels; a vector is one channel."""
    return x[1] if len(x) > 1 else 1


def _scale_filler(config: BatchNormParameter) -> Any:
    """Return the filler of the scale, under either name; 1 where there is none."""
    for name in ("scale_filler", "filler"):
        if config.HasField(name):
            return getattr(config, name)
    return FillerParameter(value=1)

"""Convolution and pooling over time, height and width, in the fields of C3D."""

from collections.abc import Sequence
from typing import Any, ClassVar

from netcfg.engines.geometry import Window
from netcfg.errors import NetError, ShapeError
from netcfg.layer import register
from netcfg.layers.conv import Convolution, Deconvolution
from netcfg.layers.pooling import Pooling
from netcfg.netcfg_pb2 import ConvolutionParameter, PoolingParameter
from netcfg.types import Shape


class _Volumes:
    """The window of a layer with C3D's fields, and where these stand.

    ``convolution3d_param`` has them, or as in C3D itself ``convolution_param``.
    """

    config: Any
    reads: ClassVar[tuple[str, ...]] = ("convolution3d_param", "convolution_param")
    forks: ClassVar[tuple[str, ...]] = tuple(
        f"{block}.{field}"
        for block in ("convolution3d_param", "convolution_param")
        for field in ("kernel_depth", "temporal_pad", "temporal_stride")
    )

    def parameter(self) -> ConvolutionParameter:
        """Return the message that configures the layer."""
        named = self.config.HasField("convolution3d_param")
        return self.config.convolution3d_param if named else self.config.convolution_param

    def window(self, axes: int) -> Window:
        """Return kernel, stride, pad and dilation for three spatial axes."""
        config = self.parameter()
        if axes != 3:
            raise ShapeError(f"the bottom must have axes N, C, T, H and W; given {axes} after C")
        window = Window(
            (config.kernel_depth, *_twice(config.kernel_size, "kernel_size", ())),
            (config.temporal_stride, *_twice(config.stride, "stride", (1,))),
            (config.temporal_pad, *_twice(config.pad, "pad", (0,))),
            (1, 1, 1),
        )
        if min(*window.kernel, *window.stride) < 1:
            raise NetError(
                f"kernel and stride must be at least 1; given {window.kernel} and {window.stride}"
            )
        return window


@register("Convolution3D")
class Convolution3D(_Volumes, Convolution):
    """Convolution of videos x: (N, C, T, H, W) with kernels of ``kernel_depth`` × k × k.

    y[n, o, t] = b[o] + Σ_{c, k} w[o, c, k] x[n, c, s t + k - p]    t, k: places in T, H and W
        in time s and p are ``temporal_stride`` and ``temporal_pad``

    Gradients are those of Convolution. Tran et al., "Learning spatiotemporal features with 3D
    convolutional networks", 2015. Convolution does the same with three numbers in ``kernel_size``.
    """


@register("Deconvolution3D")
class Deconvolution3D(_Volumes, Deconvolution):
    """Deconvolution of videos x: (N, C, T, H, W), the transpose of Convolution3D.

    y[n, o, s t + k - p] += Σ_c w[c, o, k] x[n, c, t]    t, k: places in T, H and W; y begins as b
        in time s and p are ``temporal_stride`` and ``temporal_pad``

    Gradients are those of Deconvolution. Of C3D's forks.
    """


@register("Pooling3D")
class Pooling3D(Pooling):
    """Pooling of videos x: (N, C, T, H, W) over windows of ``kernel_depth`` × k × k.

    Values and gradients are those of Pooling; ``temporal_stride`` is the stride in time, where
    nothing is padded. Pooling does the same where all three axes have one ``kernel_size``. Without
    ``pooling3d_param`` the fields are those of ``pooling_param``, as in C3D itself.
    """

    reads = ("pooling3d_param", "pooling_param")
    forks = tuple(
        f"{block}.{field}"
        for block in ("pooling3d_param", "pooling_param")
        for field in ("kernel_depth", "temporal_stride")
    )

    def parameter(self) -> PoolingParameter:
        named = self.config.HasField("pooling3d_param")
        return self.config.pooling3d_param if named else self.config.pooling_param

    def geometry(self, axes: int) -> tuple[Shape | None, Shape, Shape]:
        config = self.parameter()
        if axes != 3:
            raise ShapeError(f"the bottom must have axes N, C, T, H and W; given {axes} after C")
        if config.kernel_depth < 1 or config.kernel_size < 1:
            raise NetError(
                f"kernel_depth and kernel_size must be at least 1; given {config.kernel_depth} and "
                f"{config.kernel_size}"
            )
        sides = (config.kernel_size, config.stride, config.pad)
        kernel, stride, pad = ((side, side) for side in sides)
        return (config.kernel_depth, *kernel), (config.temporal_stride, *stride), (0, *pad)


def _twice(values: Sequence[int], field: str, default: Shape) -> Shape:
    """Return a number for height and width."""
    given = tuple(values) or default
    if len(given) != 1:
        raise NetError(f"{field} must be given once; given {len(given)} times")
    return given * 2

"""Padding that differs from side to side, as forks have it for convolution and pooling."""

from typing import TypeAlias

from netcfg.errors import NetError, ShapeError
from netcfg.netcfg_pb2 import ConvolutionParameter, PoolingParameter

Margins: TypeAlias = tuple[tuple[int, int], ...]
"""Padding before and after each spatial axis."""

SIDES = ("pad_t", "pad_b", "pad_l", "pad_r")
"""Fields that pad one side of an image only."""


def margins(config: ConvolutionParameter | PoolingParameter, axes: int) -> Margins | None:
    """Return the padding of single sides, None where none is padded.

    Raises:
        NetError: all sides are padded as well.
        ShapeError: there are not two spatial axes.
    """
    top, bottom, left, right = (getattr(config, side) for side in SIDES)
    if not any((top, bottom, left, right)):
        return None
    if axes != 2:
        raise ShapeError(f"{', '.join(SIDES)} need 2 spatial axes; given {axes}")
    common = config.pad if isinstance(config.pad, int) else any(config.pad)
    if common or config.pad_h or config.pad_w:
        raise NetError(f"pad may be given for all sides or by {', '.join(SIDES)}, not both")
    return ((top, bottom), (left, right))

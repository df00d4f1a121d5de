"""Names for what flows between layers."""

import enum
from typing import Any, TypeAlias

Array: TypeAlias = Any
"""A NumPy or CuPy array; which one, only the engine knows."""

Shape: TypeAlias = tuple[int, ...]
"""Sizes of the axes of an array, for images (N, C, H, W)."""

Arrays: TypeAlias = tuple[Array, ...]
Shapes: TypeAlias = tuple[Shape, ...]


class Phase(enum.IntEnum):
    """What a net is built for; the numbers are those of the schema's enum."""

    TRAIN = 0
    TEST = 1

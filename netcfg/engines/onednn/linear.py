"""Products of matrices in oneDNN."""

from ctypes import c_void_p
from typing import Any

from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import Arg, Library
from netcfg.engines.onednn.memory import dense, strided
from netcfg.engines.onednn.operation import Operation, Slot
from netcfg.types import Shape


def product(
    library: Library,
    dtypes: tuple[Any, Any],
    a: Shape,
    b: Shape,
    steps: tuple[Shape, Shape],
    bias: bool,
    attributes: Attributes,
) -> Operation:
    """Return y = a b + bias of matrices; plain layouts are as fast as the primitive's own here.

    Args:
        library: oneDNN.
        dtypes: of a and b, and of y.
        a, b: shapes, (..., M, K) and (..., K, N).
        steps: strides of the two, in elements; one of the last two of each is 1.
        bias: whether a row (1, N) is added.
        attributes: with what follows in the same pass.
    """
    y = (*a[:-1], b[-1])
    row = (1, b[-1])
    descs = strided(a, steps[0], dtypes[0]), strided(b, steps[1], dtypes[0])
    desc = library.primitive_desc(
        "matmul",
        *descs,
        dense(row) if bias else c_void_p(None),
        dense(y, last=False, dtype=dtypes[1]),
        attributes.handle,
    )
    slots = [
        Slot(Arg.SRC, a, strides=steps[0], dtype=dtypes[0]),
        Slot(Arg.WEIGHTS, b, strides=steps[1], dtype=dtypes[0]),
    ]
    if bias:
        slots.append(Slot(Arg.BIAS, row))
    return Operation(
        library, desc, [*slots, *attributes.slots], [Slot(Arg.DST, y, last=False, dtype=dtypes[1])]
    )

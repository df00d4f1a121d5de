"""Element-wise functions, sums and joins in oneDNN."""

from collections.abc import Sequence
from ctypes import c_float, c_int, c_void_p
from typing import Any

from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import Algorithm, Arg, Kind, Library
from netcfg.engines.onednn.memory import dense, pointers
from netcfg.engines.onednn.operation import Operation, Slot
from netcfg.types import Shape


def forward(
    library: Library, dtype: Any, x: Shape, last: bool, algorithm: int, alpha: float, beta: float
) -> Operation:
    """Return y from x by an element-wise function."""
    desc = _desc(library, dtype, x, last, algorithm, alpha, beta)
    return Operation(
        library, desc, [Slot(Arg.SRC, x, last, dtype=dtype)], [Slot(Arg.DST, x, last, dtype=dtype)]
    )


def backward(
    library: Library, dtype: Any, x: Shape, last: bool, algorithm: int, alpha: float, beta: float
) -> Operation:
    """Return dx from dy and x."""
    hint = _desc(library, dtype, x, last, algorithm, alpha, beta)
    desc = library.primitive_desc(
        "eltwise_backward",
        c_int(algorithm),
        dense(x, last, dtype),
        dense(x, last, dtype),
        dense(x, last, dtype),
        c_float(alpha),
        c_float(beta),
        hint,
        Attributes(library).handle,
    )
    inputs = [Slot(Arg.DIFF_DST, x, last, dtype=dtype), Slot(Arg.SRC, x, last, dtype=dtype)]
    return Operation(library, desc, inputs, [Slot(Arg.DIFF_SRC, x, last, dtype=dtype)])


def _desc(
    library: Library, dtype: Any, x: Shape, last: bool, algorithm: int, alpha: float, beta: float
) -> c_void_p:
    return library.primitive_desc(
        "eltwise_forward",
        c_int(Kind.TRAINING),
        c_int(algorithm),
        dense(x, last, dtype),
        dense(x, last, dtype),
        c_float(alpha),
        c_float(beta),
        Attributes(library).handle,
    )


def weighted_sum(
    library: Library, dtype: Any, x: Shape, last: bool, coeffs: Sequence[float]
) -> Operation:
    """Return Σ coeffs[i] xs[i]."""
    count = len(coeffs)
    desc = library.primitive_desc(
        "sum",
        dense(x, last, dtype),
        c_int(count),
        (c_float * count)(*coeffs),
        pointers(*[dense(x, last, dtype)] * count),
        Attributes(library).handle,
    )
    inputs = [Slot(Arg.MULTIPLE_SRC + i, x, last, dtype=dtype) for i in range(count)]
    return Operation(library, desc, inputs, [Slot(Arg.DST, x, last, dtype=dtype)])


def add(library: Library, dtype: Any, x: Shape, last: bool, slope: float) -> Operation:
    """Return relu(x₀ + x₁)."""
    desc = library.primitive_desc(
        "binary",
        c_int(Algorithm.ADD),
        dense(x, last, dtype),
        dense(x, last, dtype),
        dense(x, last, dtype),
        Attributes(library, relu=slope).handle,
    )
    inputs = [Slot(Arg.SRC, x, last, dtype=dtype), Slot(Arg.SRC_1, x, last, dtype=dtype)]
    return Operation(library, desc, inputs, [Slot(Arg.DST, x, last, dtype=dtype)])


def concat(library: Library, dtype: Any, xs: Sequence[Shape], axis: int, last: bool) -> Operation:
    """Return arrays joined along an axis."""
    y = list(xs[0])
    y[axis] = sum(x[axis] for x in xs)
    desc = library.primitive_desc(
        "concat",
        dense(tuple(y), last, dtype),
        c_int(len(xs)),
        c_int(axis),
        pointers(*(dense(x, last, dtype) for x in xs)),
        Attributes(library).handle,
    )
    inputs = [Slot(Arg.MULTIPLE_SRC + i, x, last, dtype=dtype) for i, x in enumerate(xs)]
    return Operation(library, desc, inputs, [Slot(Arg.DST, tuple(y), last, dtype=dtype)])

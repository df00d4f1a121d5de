"""Normalization and softmax in oneDNN."""

from ctypes import c_float, c_int, c_int64, c_uint, c_void_p
from typing import Any

import numpy as np

from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import Algorithm, Arg, Kind, Library, Query
from netcfg.engines.onednn.memory import dense
from netcfg.engines.onednn.operation import Operation, Slot
from netcfg.types import Shape

GIVEN, SCALE, SHIFT, RELU = 1, 2, 4, 8
"""Flags of batch normalization: by given statistics; what follows."""


def batch_norm(library: Library, dtype: Any, x: Shape, eps: float, flags: int) -> Operation:
    """Return y, mean and variance from x; with GIVEN y from x, mean and variance.

    With SCALE and SHIFT their vectors come next. With RELU, which keeps where y > 0, a mask is
    returned last.
    """
    desc = _batch_norm(library, dtype, x, eps, flags)
    vector = (x[1],)
    statistics = [Slot(Arg.MEAN, vector), Slot(Arg.VARIANCE, vector)]
    inputs, outputs = [Slot(Arg.SRC, x, dtype=dtype)], [Slot(Arg.DST, x, dtype=dtype)]
    (inputs if flags & GIVEN else outputs).extend(statistics)
    inputs += _affine(vector, flags)
    if flags & RELU:
        outputs.append(_mask(library, desc))
    return Operation(library, desc, inputs, outputs)


def batch_norm_grad(library: Library, dtype: Any, x: Shape, eps: float, flags: int) -> Operation:
    """Return dx and the gradients of scale and shift.

    Takes dy, x, mean, variance and scale, with RELU also the mask.
    """
    hint = _batch_norm(library, dtype, x, eps, flags | SCALE | SHIFT)
    desc = library.primitive_desc(
        "batch_normalization_backward",
        c_int(Kind.BACKWARD),
        dense(x, dtype=dtype),
        dense(x, dtype=dtype),
        dense(x, dtype=dtype),
        c_float(eps),
        c_uint(flags | SCALE | SHIFT),
        hint,
        Attributes(library).handle,
    )
    vector = (x[1],)
    inputs = [
        Slot(Arg.DIFF_DST, x, dtype=dtype),
        Slot(Arg.SRC, x, dtype=dtype),
        Slot(Arg.MEAN, vector),
        Slot(Arg.VARIANCE, vector),
        Slot(Arg.SCALE, vector),
    ]
    if flags & RELU:
        inputs.append(_mask(library, hint))
    outputs = [
        Slot(Arg.DIFF_SRC, x, dtype=dtype),
        Slot(Arg.DIFF_SCALE, vector),
        Slot(Arg.DIFF_SHIFT, vector),
    ]
    return Operation(library, desc, inputs, outputs)


def _batch_norm(library: Library, dtype: Any, x: Shape, eps: float, flags: int) -> c_void_p:
    return library.primitive_desc(
        "batch_normalization_forward",
        c_int(Kind.TRAINING),
        dense(x, dtype=dtype),
        dense(x, dtype=dtype),
        c_float(eps),
        c_uint(flags),
        Attributes(library).handle,
    )


def _affine(vector: Shape, flags: int) -> list[Slot]:
    return [
        Slot(arg, vector) for flag, arg in ((SCALE, Arg.SCALE), (SHIFT, Arg.SHIFT)) if flags & flag
    ]


def _mask(library: Library, desc: c_void_p) -> Slot:
    """Return the slot of the bits that say where y > 0."""
    size = library.size(library.query(desc, Query.WORKSPACE))
    return Slot(Arg.WORKSPACE, (size,), dtype=np.uint8)


def lrn(
    library: Library, dtype: Any, x: Shape, size: int, alpha: float, beta: float, k: float
) -> Operation:
    """Return y from x, and what the gradient needs."""
    desc = _lrn(library, dtype, x, size, alpha, beta, k)
    return Operation(
        library,
        desc,
        [Slot(Arg.SRC, x, dtype=dtype)],
        [Slot(Arg.DST, x, dtype=dtype), _kept(library, desc)],
    )


def lrn_grad(
    library: Library, dtype: Any, x: Shape, size: int, alpha: float, beta: float, k: float
) -> Operation:
    """Return dx from dy, x and what ``lrn`` kept."""
    hint = _lrn(library, dtype, x, size, alpha, beta, k)
    desc = library.primitive_desc(
        "lrn_backward",
        c_int(Algorithm.LRN),
        dense(x, dtype=dtype),
        dense(x, dtype=dtype),
        dense(x, dtype=dtype),
        c_int64(size),
        c_float(alpha),
        c_float(beta),
        c_float(k),
        hint,
        Attributes(library).handle,
    )
    inputs = [
        Slot(Arg.DIFF_DST, x, dtype=dtype),
        Slot(Arg.SRC, x, dtype=dtype),
        _kept(library, hint),
    ]
    return Operation(library, desc, inputs, [Slot(Arg.DIFF_SRC, x, dtype=dtype)])


def _lrn(
    library: Library, dtype: Any, x: Shape, size: int, alpha: float, beta: float, k: float
) -> c_void_p:
    return library.primitive_desc(
        "lrn_forward",
        c_int(Kind.TRAINING),
        c_int(Algorithm.LRN),
        dense(x, dtype=dtype),
        dense(x, dtype=dtype),
        c_int64(size),
        c_float(alpha),
        c_float(beta),
        c_float(k),
        Attributes(library).handle,
    )


def _kept(library: Library, desc: c_void_p) -> Slot:
    size = library.size(library.query(desc, Query.WORKSPACE))
    return Slot(Arg.WORKSPACE, (max(size, 1),), dtype=np.uint8)


def softmax(library: Library, dtype: Any, x: Shape, axis: int, last: bool) -> Operation:
    """Return y from x along an axis."""
    desc = library.primitive_desc(
        "softmax_forward",
        c_int(Kind.TRAINING),
        c_int(Algorithm.SOFTMAX),
        dense(x, last, dtype),
        dense(x, last, dtype),
        c_int(axis),
        Attributes(library).handle,
    )
    return Operation(
        library, desc, [Slot(Arg.SRC, x, last, dtype=dtype)], [Slot(Arg.DST, x, last, dtype=dtype)]
    )

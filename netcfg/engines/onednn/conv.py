"""Convolutions of oneDNN: forward, towards the bottom, towards the weights."""

import contextlib
from ctypes import c_int, c_void_p
from typing import Any

import numpy as np

from netcfg.engines.geometry import Conv
from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import (
    Algorithm,
    Arg,
    Dims,
    Kind,
    Library,
    Query,
    RefusedError,
)
from netcfg.engines.onednn.memory import dense, free
from netcfg.engines.onednn.operation import Operation, Slot
from netcfg.types import Shape

_NONE = c_void_p(None)
VECTOR = 16
"""Floats of a vector. Towards bottoms whose channels do not fill vectors evenly, oneDNN's first
choice, products of small matrices, takes 1.16 to 1.28 times as long as its second."""


def forward(
    library: Library, dtype: Any, x: Shape, w: Shape, conv: Conv, bias: bool, attributes: Attributes
) -> Operation:
    """Return y = conv(x, w) + b: takes x, w and, with ``bias``, b.

    Args:
        library: oneDNN.
        dtype: of x and y.
        x: shape of the bottom, (N, C, *S).
        w: shape of the weights, (O, C/group, *K).
        conv: geometry.
        bias: whether there is one.
        attributes: with what follows in the same pass.
    """
    y = _out(x, w, conv)
    w = grouped(w, conv.group)
    desc = _forward_desc(library, dtype, x, w, y, conv, bias, attributes)
    slots = [Slot(Arg.SRC, x, dtype=dtype), _weights(library, desc, w, Arg.WEIGHTS, dtype)]
    if bias:
        slots.append(Slot(Arg.BIAS, (y[1],)))
    return Operation(library, desc, [*slots, *attributes.slots], [Slot(Arg.DST, y, dtype=dtype)])


def backward_x(library: Library, dtype: Any, x: Shape, w: Shape, conv: Conv) -> Operation:
    """Return dx from dy and w."""
    y = _out(x, w, conv)
    w = grouped(w, conv.group)
    attributes = Attributes(library)
    hint = _forward_desc(library, dtype, x, w, y, conv, False, attributes)
    desc = library.primitive_desc(
        "convolution_backward_data",
        c_int(Algorithm.CONVOLUTION),
        dense(x, dtype=dtype),
        free(w, dtype),
        dense(y, dtype=dtype),
        *_geometry(x, y, conv),
        hint,
        attributes.handle,
    )
    if w[-len(x) + 1] % VECTOR and library.implementation(desc).startswith("brg"):
        with contextlib.suppress(RefusedError):
            library.next_implementation(desc)
    library.destroy("primitive_desc", hint)
    slots = [Slot(Arg.DIFF_DST, y, dtype=dtype), _weights(library, desc, w, Arg.WEIGHTS, dtype)]
    return Operation(library, desc, slots, [Slot(Arg.DIFF_SRC, x, dtype=dtype)])


def backward_w(
    library: Library, dtype: Any, x: Shape, w: Shape, conv: Conv, bias: bool
) -> Operation:
    """Return dw, and with ``bias`` db, from x and dy."""
    y = _out(x, w, conv)
    w = grouped(w, conv.group)
    attributes = Attributes(library)
    hint = _forward_desc(library, dtype, x, w, y, conv, bias, attributes)
    desc = library.primitive_desc(
        "convolution_backward_weights",
        c_int(Algorithm.CONVOLUTION),
        dense(x, dtype=dtype),
        free(w),
        dense((y[1],)) if bias else _NONE,
        dense(y, dtype=dtype),
        *_geometry(x, y, conv),
        hint,
        attributes.handle,
    )
    library.destroy("primitive_desc", hint)
    slots = [Slot(Arg.SRC, x, dtype=dtype), Slot(Arg.DIFF_DST, y, dtype=dtype)]
    outputs = [_weights(library, desc, w, Arg.DIFF_WEIGHTS, np.float32)]
    if bias:
        outputs.append(Slot(Arg.DIFF_BIAS, (y[1],)))
    return Operation(library, desc, slots, outputs)


def grouped(w: Shape, group: int) -> Shape:
    """Return the shape of weights with an axis for groups in front, where there are several."""
    return w if group == 1 else (group, w[0] // group, *w[1:])


def _out(x: Shape, w: Shape, conv: Conv) -> Shape:
    return (x[0], w[0], *conv.window.out(x[2:]))


def _forward_desc(
    library: Library,
    dtype: Any,
    x: Shape,
    w: Shape,
    y: Shape,
    conv: Conv,
    bias: bool,
    attributes: Attributes,
) -> c_void_p:
    return library.primitive_desc(
        "convolution_forward",
        c_int(Kind.TRAINING),
        c_int(Algorithm.CONVOLUTION),
        dense(x, dtype=dtype),
        free(w, dtype),
        dense((y[1],)) if bias else _NONE,
        dense(y, dtype=dtype),
        *_geometry(x, y, conv),
        attributes.handle,
    )


def _geometry(x: Shape, y: Shape, conv: Conv) -> tuple[Any, ...]:
    """Return stride, dilation, and padding before and after.

    oneDNN counts the gaps between the values under a kernel, and wants padding at the end to be
    what the last window reaches.
    """
    window = conv.window
    after = [
        (t - 1) * s + d * (k - 1) + 1 - n - p
        for t, s, d, k, n, p in zip(
            y[2:], window.stride, window.dilation, window.kernel, x[2:], window.pad, strict=True
        )
    ]
    gaps = [d - 1 for d in window.dilation]
    return Dims(*window.stride), Dims(*gaps), Dims(*window.pad), Dims(*after)


def _weights(library: Library, desc: c_void_p, w: Shape, arg: Arg, dtype: Any) -> Slot:
    """Return the slot of weights in the layout that the primitive chose."""
    query = Query.WEIGHTS if arg == Arg.WEIGHTS else Query.DIFF_WEIGHTS
    own = library.query(desc, query)
    plain = library.equal(own, dense(w, last=False, dtype=dtype))
    return Slot(arg, w, last=False, own=None if plain else own, dtype=dtype)

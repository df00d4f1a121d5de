"""Pooling in oneDNN."""

from ctypes import c_int
from typing import Any

import numpy as np

from netcfg.engines.geometry import Window
from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import Algorithm, Arg, Dims, Kind, Library, Query, RefusedError
from netcfg.engines.onednn.memory import dense
from netcfg.engines.onednn.operation import Operation, Slot
from netcfg.types import Shape


def forward(
    library: Library, dtype: Any, x: Shape, y: Shape, window: Window, maximum: bool
) -> Operation:
    """Return y from x; of the maximum also where it is, as its index within the window.

    Raises:
        RefusedError: the mean would not be over the area that Caffe takes.
    """
    desc = _desc(library, dtype, x, y, window, _algorithm(x, y, window, maximum))
    outputs = [Slot(Arg.DST, y, dtype=dtype)]
    if maximum:
        outputs.append(_workspace(library, desc, y))
    return Operation(library, desc, [Slot(Arg.SRC, x, dtype=dtype)], outputs)


def backward(
    library: Library, dtype: Any, x: Shape, y: Shape, window: Window, maximum: bool
) -> Operation:
    """Return dx from dy, and of the maximum from where it was."""
    algorithm = _algorithm(x, y, window, maximum)
    hint = _desc(library, dtype, x, y, window, algorithm)
    desc = library.primitive_desc(
        "pooling_backward",
        c_int(algorithm),
        dense(x, dtype=dtype),
        dense(y, dtype=dtype),
        *_geometry(x, y, window),
        hint,
        Attributes(library).handle,
    )
    inputs = [Slot(Arg.DIFF_DST, y, dtype=dtype)]
    if maximum:
        inputs.append(_workspace(library, hint, y))
    return Operation(library, desc, inputs, [Slot(Arg.DIFF_SRC, x, dtype=dtype)])


def places(inner: np.ndarray, x: Shape, window: Window) -> np.ndarray:
    """Return flat indices in the planes of x from those within each window, (N, C, *T)."""
    result: Any = 0
    rest = inner.astype(np.int64)
    within = []
    for k in reversed(window.kernel):
        rest, index = np.divmod(rest, k)
        within.append(index)
    for axis, index in enumerate(reversed(within)):
        start = np.arange(inner.shape[2 + axis]) * window.stride[axis] - window.pad[axis]
        shape = [-1 if i == axis else 1 for i in range(len(window.kernel))]
        # Where nothing was greater than the least float, index 0 may be in the padding.
        place = np.clip(start.reshape(shape) + index, 0, x[2 + axis] - 1)
        result = result * x[2 + axis] + place
    return np.asarray(result)


def _algorithm(x: Shape, y: Shape, window: Window, maximum: bool) -> int:
    """Return oneDNN's algorithm: a mean divides by the whole window or by what is inside.

    Caffe's area counts padding, but not what hangs over its end.
    """
    if maximum:
        return Algorithm.MAX_POOL
    hangs = any(
        (t - 1) * s + k > n + 2 * p
        for t, s, k, n, p in zip(
            y[2:], window.stride, window.kernel, x[2:], window.pad, strict=True
        )
    )
    if not hangs:
        return Algorithm.AVE_POOL
    if any(window.pad):
        raise RefusedError("a mean over windows that hang over the end of the padding")
    return Algorithm.AVE_POOL_INSIDE


def _desc(library: Library, dtype: Any, x: Shape, y: Shape, window: Window, algorithm: int) -> Any:
    return library.primitive_desc(
        "pooling_forward",
        c_int(Kind.TRAINING),
        c_int(algorithm),
        dense(x, dtype=dtype),
        dense(y, dtype=dtype),
        *_geometry(x, y, window),
        Attributes(library).handle,
    )


def _geometry(x: Shape, y: Shape, window: Window) -> tuple[Any, ...]:
    """Return stride, kernel, gaps, and padding before and after; negative where x is not read."""
    after = [
        (t - 1) * s + k - n - p
        for t, s, k, n, p in zip(
            y[2:], window.stride, window.kernel, x[2:], window.pad, strict=True
        )
    ]
    gaps = [0] * len(after)
    return tuple(Dims(*n) for n in (window.stride, window.kernel, gaps, window.pad, after))


def _workspace(library: Library, desc: Any, y: Shape) -> Slot:
    """Return the slot of the indices within the windows, bytes or 32-bit integers."""
    own = library.query(desc, Query.WORKSPACE)
    for dtype in (np.uint8, np.int32):
        if library.equal(own, dense(y, True, dtype)):
            return Slot(Arg.WORKSPACE, y, dtype=dtype)
    raise RefusedError("a workspace of another layout")

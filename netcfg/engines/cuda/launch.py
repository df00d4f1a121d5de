"""Calls of kernels: Python values to what a kernel's signature says, and sizes to grids."""

import functools
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from netcfg.engines.cuda.compile import compiled, source
from netcfg.engines.geometry import Window
from netcfg.types import Array, Shape

__all__ = ["Kernels", "chunks", "signatures", "strided", "terms", "update", "window"]

BLOCK = 256
"""Threads of a block where each element has a thread."""

BLOCKS = 16
"""Blocks for each multiprocessor at most: what it holds at a time, twice."""

CHUNK = 2048
"""Elements of a parameter that a block updates."""

AXES = 8
"""Axes of arrays that are copied from strides to strides, at most."""

_TERMS, _WINDOW = 8, 3

_NUMBERS = {
    "int": np.int32,
    "long long": np.int64,
    "unsigned long long": np.uint64,
    "float": np.float32,
    "double": np.float64,
}

_WINDOW_TYPE = np.dtype(
    [("n", "i4"), ("channels", "i4")]
    + [(field, "i4", _WINDOW) for field in ("size", "out", "kernel", "stride", "pad", "dilation")]
)
_TERMS_TYPE = np.dtype([("x", "u8", _TERMS), ("c", "f8", _TERMS), ("count", "i4")], align=True)
_STRIDED_TYPE = np.dtype(
    [("axes", "i4"), ("shape", "i4", AXES), ("x", "i8", AXES), ("y", "i8", AXES)], align=True
)
_UPDATE_POINTERS = (  # in the order of the structure
    *("w", "g", "h0", "h1", "copy", "start", "length", "lr_mult", "decay_mult"),
    *("rate", "t", "factor", "skip"),
)
_UPDATE_TYPE = np.dtype(
    [(name, "u8") for name in _UPDATE_POINTERS]
    + [("weight_decay", "f8"), ("l1", "i4"), ("leave", "i4")]
)


class Argument(NamedTuple):
    """An argument of a kernel as its source declares it."""

    type: str
    name: str


@functools.cache
def signatures() -> dict[str, tuple[Argument, ...]]:
    """Return the arguments of each kernel, from the source."""
    found = re.findall(r'extern "C" __global__ void (\w+)\(([^)]*)\)', source())
    return {name: tuple(map(_argument, arguments.split(","))) for name, arguments in found}


def _argument(text: str) -> Argument:
    kind, name = re.fullmatch(r"(.*?)(\w+)", " ".join(text.split())).groups()  # type: ignore[union-attr]
    return Argument(kind.removeprefix("const ").strip(), name)


def address(array: Any) -> int:
    """Return where an array begins; 0 for None, and an address as it is."""
    if array is None or isinstance(array, int):
        return array or 0
    return array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr


@functools.cache
def converters(name: str, acc: type) -> tuple[Callable[[Any], Any], ...]:
    """Return for each argument of a kernel what makes it of a Python value.

    Args:
        name: of the kernel.
        acc: NumPy's type of the kernels' ``Acc``.
    """
    numbers = {**_NUMBERS, "Acc": acc}
    return tuple(
        (lambda array: np.uint64(address(array)))
        if kind.endswith("*")
        else numbers.get(kind, _structure)
        for kind, _ in signatures()[name]
    )


def _structure(value: Any) -> Any:
    return value


class Kernels:
    """The kernels for one storage type, on the current device.

    Args:
        storage: ``float32``, ``float64``, ``float16`` or ``bfloat16``.

    Raises:
        CompilerError: NVRTC is not there, or does not know the device.
    """

    def __init__(self, storage: str) -> None:
        import cupy

        device = cupy.cuda.Device()
        self.acc = np.float64 if storage == "float64" else np.float32
        self._most = BLOCKS * device.attributes["MultiProcessorCount"]
        path = compiled(storage, f"sm_{device.compute_capability}")
        self._module = cupy.RawModule(path=str(path))
        self._functions: dict[str, Any] = {}

    def run(self, name: str, grid: Shape, block: Shape, *args: Any) -> None:
        """Launch a kernel on the current stream."""
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._module.get_function(name)
        convert = converters(name, self.acc)
        function(grid, block, tuple(c(a) for c, a in zip(convert, args, strict=True)))

    def each(self, name: str, n: int, *args: Any) -> None:
        """Launch a kernel that goes through n things in a grid of any size; none for n = 0."""
        if n:
            self.run(name, (min(-(-n // BLOCK), self._most),), (BLOCK,), *args)


def window(n: int, channels: int, size: Shape, out: Shape, geometry: Window) -> Any:
    """Return the structure ``Window``, for up to three spatial axes."""
    made = np.ones(1, _WINDOW_TYPE)
    made["pad"] = 0
    made["n"], made["channels"] = n, channels
    first = _WINDOW - len(size)
    values = (size, out, geometry.kernel, geometry.stride, geometry.pad, geometry.dilation)
    for field, value in zip(_WINDOW_TYPE.names[2:], values, strict=True):  # type: ignore[index]
        made[field][0, first:] = value
    return made


def terms(xs: Sequence[Array], coeffs: Sequence[float] | None = None) -> Any:
    """Return the structure ``Terms``, for up to eight arrays; coefficients are 1 if not given."""
    made = np.zeros(1, _TERMS_TYPE)
    made["count"] = len(xs)
    made["x"][0, : len(xs)] = [address(x) for x in xs]
    made["c"][0, : len(xs)] = 1 if coeffs is None else coeffs
    return made


def strided(shape: Shape, x: Shape, y: Shape) -> Any:
    """Return the structure ``Strided``: axes that are one in both arrays joined, y's fastest last.

    Args:
        shape: of both arrays.
        x: strides of the source in elements.
        y: strides of the target.
    """
    axes = [axis for axis in zip(shape, x, y, strict=True) if axis[0] != 1]
    axes.sort(key=lambda axis: -abs(axis[2]))
    joined: list[tuple[int, int, int]] = []
    for n, a, b in axes:
        if joined and joined[-1][1] == n * a and joined[-1][2] == n * b:
            joined[-1] = (joined[-1][0] * n, a, b)
        else:
            joined.append((n, a, b))
    made = np.zeros(1, _STRIDED_TYPE)
    made["axes"] = len(joined)
    for i, (n, a, b) in enumerate(joined):
        made["shape"][0, i], made["x"][0, i], made["y"][0, i] = n, a, b
    return made


def update(weight_decay: float = 0, l1: bool = False, leave: int = 0, **arrays: Any) -> Any:
    """Return the structure ``Update``.

    Args:
        weight_decay: on top of the parameters' own multipliers.
        l1: whether the decay is that of the sum of magnitudes.
        leave: in the gradients: 0 what is there, 1 what the weights lost, 2 zeros.
        arrays: by the names in the structure; what is not given is null.
    """
    made = np.zeros(1, _UPDATE_TYPE)
    made["weight_decay"], made["l1"], made["leave"] = weight_decay, l1, leave
    for name, array in arrays.items():
        made[name] = address(array)
    return made


def chunks(
    sizes: Sequence[int], lr_mults: Sequence[float], decay_mults: Sequence[float], acc: type
) -> tuple[Any, Any, Any, Any]:
    """Return the tables of chunks of parameters that lie one after another: a row for each chunk.

    Args:
        sizes: of the parameters in elements.
        lr_mults: of the parameters, likewise ``decay_mults``.
        decay_mults: see above.
        acc: NumPy's type of the kernels' ``Acc``.

    Returns:
        NumPy arrays start, length, lr_mult and decay_mult.
    """
    starts = [0, *itertools.accumulate(sizes)]
    rows = [
        (start + at, min(CHUNK, size - at), rate, decay)
        for start, size, rate, decay in zip(starts, sizes, lr_mults, decay_mults, strict=False)
        for at in range(0, size, CHUNK)
    ]
    types = (np.int64, np.int32, acc, acc)
    columns = zip(*rows, strict=True) if rows else ((),) * len(types)
    return tuple(np.array(c, t) for c, t in zip(columns, types, strict=True))  # type: ignore[return-value]

"""A card: its arrays, kernels, stream and libraries, and what to say where there is none."""

import functools
import logging
import threading
import weakref
from typing import Any

import numpy as np

from netcfg.engines.cuda.launch import Kernels
from netcfg.errors import NetError

__all__ = ["Device", "MissingError", "find"]

INSTALL = "pip install 'netcfg[cuda13]' (netcfg[cuda12] for drivers before 580)"
"""How to get what the engine calls."""


class MissingError(NetError):
    """The card, its driver, CuPy or another library is not there."""


_current = threading.local()
"""The device that this thread uses: CuPy knows card and stream for each thread."""


class Device:
    """A card as the engine uses it: all work goes to one stream of it.

    Args:
        index: of the card, as ``CUDA_VISIBLE_DEVICES`` leaves them.

    Attributes:
        xp: CuPy.
        stream: all work is queued there.
        products: matrix products, None where cuBLASLt's binding is missing.
        graphs: cuDNN's operations, None where cuDNN or its frontend is missing.
        reasons: what is missing, and what is used in its place.

    Raises:
        MissingError: there is no such card, or no CuPy.
    """

    def __init__(self, index: int = 0) -> None:
        self.xp = cupy = _cupy()
        count = _count(cupy)
        if not 0 <= index < count:
            raise MissingError(f"there is no GPU {index}; the last one is {count - 1}")
        self.index = index
        cupy.cuda.Device(index).use()
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.use()
        self.reasons: list[str] = []
        self.workspace = Workspace(cupy)
        self.counters = Counters(cupy)
        self.products = self._library(_products, "cuBLASLt", "CuPy's matrix products")
        self.graphs = self._library(_graphs, "cuDNN", "convolutions by im2col")
        for reason in self.reasons:
            logging.getLogger(__name__).warning("%s", reason)

    def use(self) -> None:
        """Let this thread work on the card and queue its work on the stream."""
        if getattr(_current, "device", None) is self:
            return
        self.xp.cuda.Device(self.index).use()
        self.stream.use()
        _current.device = self

    def kernels(self, dtype: Any) -> Kernels:
        """Return the kernels for arrays of a type."""
        self.use()
        return _kernels(np.dtype(dtype).name, self.index)

    def capability(self) -> int:
        """Return the compute capability as one number: 90 for 9.0."""
        return int(self.xp.cuda.Device(self.index).compute_capability)

    def memory(self) -> tuple[int, int]:
        """Return bytes that are free, and all bytes."""
        free, total = self.xp.cuda.runtime.memGetInfo()
        return int(free), int(total)

    def _library(self, load: Any, name: str, instead: str) -> Any:
        """Return a library's operations, None where it is missing."""
        try:
            return load(self)
        except Exception as error:  # libraries raise what they like when they cannot start
            self.reasons.append(f"engine cuda uses {instead}, {name} is missing: {error}")
            return None


class Workspace:
    """Scratch memory that the operations of a stream use one after another."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        self._blocks: list[Any] = []
        """The last is the largest; recorded graphs may hold the addresses of others."""

    @property
    def size(self) -> int:
        """Return bytes of the largest block."""
        return self._blocks[-1].nbytes if self._blocks else 0

    def address(self, size: int) -> int:
        """Return where at least ``size`` bytes are."""
        if not self._blocks or self._blocks[-1].nbytes < size:
            self._blocks.append(self._xp.empty(max(size, 1), np.uint8))
        return int(self._blocks[-1].data.ptr)


class Counters:
    """Numbers of passes in the card's memory, where recorded kernels count on by themselves."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        self._known: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def of(self, drawing: Any, step: int) -> Any:
        """Return the counter of a layer, which stands at ``step`` and will be advanced by one."""
        if drawing not in self._known:
            self._known[drawing] = [self._xp.zeros(1, np.uint64), 0]
        entry = self._known[drawing]
        counter, expected = entry
        if expected != step:
            counter.fill(step)
        entry[1] = step + 1
        return counter

    def forget(self) -> None:
        """Take note that counters were advanced by a recorded graph."""
        for entry in self._known.values():
            entry[1] = -1


@functools.cache
def find(index: int = 0) -> Device:
    """Return the device of a card, the same every time.

    Raises:
        MissingError: there is no such card, or no CuPy.
    """
    return Device(index)


@functools.cache
def _kernels(dtype: str, index: int) -> Kernels:
    return Kernels(dtype)


def _products(device: Device) -> Any:
    from netcfg.engines.cuda.cublas import Products

    return Products(device)


def _graphs(device: Device) -> Any:
    from netcfg.engines.cuda.cudnn import Graphs

    return Graphs(device)


def _cupy() -> Any:
    try:
        import cupy
    except ImportError as error:
        raise MissingError(f"engine cuda needs CuPy: {INSTALL}") from error
    return cupy


def _count(cupy: Any) -> int:
    """Return the number of cards."""
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        reason = str(error).partition(":")[2].strip() or str(error)
        raise MissingError(f"engine cuda finds no card: {reason}") from error
    if not count:
        raise MissingError("engine cuda finds no card: NVIDIA's driver offers none")
    return count

"""A card that is none: NumPy arrays, kernels compiled for the CPU, libraries as loops."""

import ctypes
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from netcfg.engines.cuda import conv_graph
from netcfg.engines.cuda.conv_graph import Spec, strides
from netcfg.engines.cuda.cublas import matrix
from netcfg.engines.cuda.device import Counters
from netcfg.engines.cuda.engine import Cuda
from netcfg.engines.numpy_conv import conv as convolve
from netcfg.engines.numpy_conv import conv_grad_w, conv_grad_x
from tests.engines.cuda.host import HostKernels, dtype_of


class FakeDevice:
    """What ``Cuda`` needs of a ``Device``."""

    def __init__(self, *, products: bool = True, graphs: bool = True) -> None:
        self.xp = np
        self.products = FakeProducts() if products else None
        self.graphs = FakeGraphs() if graphs else None
        self.counters = Counters(np)
        self.reasons: list[str] = []

    def kernels(self, dtype: Any) -> HostKernels:
        return _kernels(np.dtype(dtype).name)


@cache
def _kernels(name: str) -> HostKernels:
    return HostKernels(name)


class FakeProducts:
    """cuBLASLt's products, computed from what ``matrix`` says of memory."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(
        self,
        a: np.ndarray,
        b: np.ndarray,
        out: np.ndarray,
        bias: np.ndarray | None = None,
        *,
        relu: bool = False,
        tf32: bool = True,
    ) -> bool:
        found = [matrix(x, x.ctypes.data) for x in (a, b, out)]
        if any(x is None for x in found) or found[2].turned:
            return False
        self.calls += 1
        y = _read(a, found[0]).astype(np.float64) @ _read(b, found[1]).astype(np.float64)
        y = y if bias is None else y + bias
        out[...] = np.maximum(y, 0) if relu else y
        return True


def _read(x: np.ndarray, lie: Any) -> np.ndarray:
    """Return what lies where a description says, whatever NumPy says."""
    item = x.itemsize
    row, column = (1, lie.pitch) if lie.turned else (lie.pitch, 1)
    steps = (*([lie.step] if x.ndim > 2 else []), row, column)
    return np.lib.stride_tricks.as_strided(x, x.shape, [s * item for s in steps])


class FakeGraphs:
    """cuDNN's convolutions, computed from addresses and channels-last strides."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.specs: list[Spec] = []
        self.refused = refused
        """What no plan is found for: ``relu``, ``add``, ``bias`` or a kind."""

    def run(self, spec: Spec, addresses: Mapping[int, int]) -> bool:
        if any(spec.kind == r or getattr(spec, r, False) for r in self.refused):
            return False
        self.specs.append(spec)
        assert set(addresses) == {*spec.inputs, spec.output}
        shapes = {conv_graph.X: spec.x, conv_graph.W: spec.w, conv_graph.Y: spec.y}
        shapes |= {conv_graph.BIAS: (spec.y[1],), conv_graph.ADD: spec.y}
        view = {uid: _view(at, shapes[uid], spec.dtype) for uid, at in addresses.items()}
        given = {uid: view[uid].astype(np.float64) for uid in spec.inputs}
        view[spec.output][...] = _compute(spec, given)
        return True


def _view(address: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    kind = dtype_of(dtype)
    size = int(np.prod(shape)) * kind.itemsize
    memory = np.frombuffer((ctypes.c_char * size).from_address(address), kind)
    if len(shape) < 3:
        return memory.reshape(shape)
    steps = [s * kind.itemsize for s in strides(shape)]
    return np.lib.stride_tricks.as_strided(memory, shape, steps)


def _compute(spec: Spec, given: dict[int, np.ndarray]) -> np.ndarray:
    first, second = (given[uid] for uid in spec.inputs[:2])
    if spec.kind == "grad_x":
        return conv_grad_x(np, first, second, spec.x, spec.conv)
    if spec.kind == "grad_w":
        return conv_grad_w(np, first, second, spec.w, spec.conv)
    y = convolve(np, first, second, given.get(conv_graph.BIAS), spec.conv)
    y = y + given[conv_graph.ADD] if spec.add else y
    return np.maximum(y, 0) if spec.relu else y


def engine(dtype: Any = np.float32, storage: str = "tf32", **device: Any) -> Cuda:
    """Return the engine on a card that is none."""
    return Cuda(dtype, storage, device=FakeDevice(**device))  # type: ignore[arg-type]

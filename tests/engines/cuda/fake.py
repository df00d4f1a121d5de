"""A card that is none: NumPy arrays, kernels compiled for the CPU, libraries as loops."""

import ctypes
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from netcfg.engines.base import Engine
from netcfg.engines.cuda import attention_graph as at
from netcfg.engines.cuda import conv_graph
from netcfg.engines.cuda import norm_graph as ng
from netcfg.engines.cuda.attention_graph import AttentionSpec
from netcfg.engines.cuda.conv_graph import Spec
from netcfg.engines.cuda.cublas import matrix
from netcfg.engines.cuda.description import strides
from netcfg.engines.cuda.device import Counters
from netcfg.engines.cuda.engine import Cuda
from netcfg.engines.cuda.norm_graph import NormSpec
from netcfg.engines.numpy_conv import conv as convolve
from netcfg.engines.numpy_conv import conv_grad_w, conv_grad_x
from tests.engines.cuda.host import HostKernels, dtype_of


class FakeDevice:
    """What ``Cuda`` needs of a ``Device``."""

    stream: Any = None
    """Nothing is recorded."""

    def __init__(self, *, products: bool = True, graphs: bool = True) -> None:
        self.xp = np
        self.products = FakeProducts() if products else None
        self.graphs = FakeGraphs() if graphs else None
        self.counters = Counters(np)
        self.reasons: list[str] = []

    def use(self) -> None:
        """Let this thread use the card that is none."""

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
    """cuDNN's operations, computed from addresses and what descriptions say of memory."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.specs: list[Any] = []
        self.refused = refused
        """What no plan is found for: ``relu``, ``add``, ``bias``, ``grad`` or a kind."""

    def run(self, spec: Any, addresses: Mapping[int, int]) -> bool:
        kind = getattr(spec, "kind", "attention")
        if any(kind == r or getattr(spec, r, False) for r in self.refused):
            return False
        self.specs.append(spec)
        compute = {Spec: _convolve, NormSpec: _normalize, AttentionSpec: _attend}[type(spec)]
        compute(spec, addresses)
        return True


def _convolve(spec: Spec, addresses: Mapping[int, int]) -> None:
    assert set(addresses) == {*spec.inputs, spec.output}
    shapes = {conv_graph.X: spec.x, conv_graph.W: spec.w, conv_graph.Y: spec.y}
    shapes |= {conv_graph.BIAS: (spec.y[1],), conv_graph.ADD: spec.y}
    view = {uid: _view(at, shapes[uid], spec.dtype) for uid, at in addresses.items()}
    given = {uid: view[uid].astype(np.float64) for uid in spec.inputs}
    view[spec.output][...] = _compute(spec, given)


def _normalize(spec: NormSpec, addresses: Mapping[int, int]) -> None:
    assert set(addresses) == {*spec.inputs, *spec.outputs}
    view = {}
    for uid, address in addresses.items():
        dtype = spec.dtype if uid in ng.IMAGES else "float32"
        view[uid] = _view(address, spec.shape(uid), dtype)
    axes = (1, 2, 3) if spec.kind != "batch" else (0, *range(2, len(spec.x)))
    given = {uid: view[uid].astype(np.float64) for uid in spec.inputs}
    made = (_norm_grad if spec.grad else _norm)(spec, given, axes)
    for uid in spec.outputs:
        view[uid][...] = made[uid]


def _norm(spec: NormSpec, given: dict[int, np.ndarray], axes: Any) -> dict[int, np.ndarray]:
    x, mean = given[ng.X], np.zeros(1)
    if spec.kind != "rms":
        mean = x.mean(axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(((x - mean) ** 2).mean(axis=axes, keepdims=True) + spec.eps)
    y = (x - mean) * inverse * given[ng.W] + given.get(ng.B, 0)
    made = {ng.Y: np.maximum(y, 0) if spec.relu else y, ng.MEAN: mean, ng.INVERSE: inverse}
    return {**made, ng.NEW_MEAN: mean, ng.NEW_VAR: np.full_like(inverse, 7)}


def _norm_grad(spec: NormSpec, given: dict[int, np.ndarray], axes: Any) -> dict[int, np.ndarray]:
    w, inverse, dy = given[ng.W], given[ng.INVERSE], given[ng.DY]
    z = (given[ng.X] - given.get(ng.MEAN, 0)) * inverse
    if spec.relu:
        dy = dy * (w * z + given[ng.B] > 0)
    g = w * dy
    dx = g - z * (g * z).mean(axis=axes, keepdims=True)
    if spec.kind != "rms":
        dx -= g.mean(axis=axes, keepdims=True)
    others = tuple(i for i in range(dy.ndim) if i != 1)
    dw, db = (d.sum(axis=others, keepdims=True) for d in (dy * z, dy))
    return {ng.DX: dx * inverse, ng.DW: dw, ng.DB: db}


def _attend(spec: AttentionSpec, addresses: Mapping[int, int]) -> None:
    assert set(addresses) == {*spec.inputs, *spec.outputs}
    view = {uid: _strided(at_, *spec.lies(uid)) for uid, at_ in addresses.items()}
    e = Engine(np.float64)
    q, k, v = (view[uid].astype(np.float64) for uid in (at.Q, at.K, at.V))
    y, kept = e.attention(q, k, v, spec.scale, spec.causal)
    if not spec.grad:
        view[at.Y][...], view[at.STATS][...] = y, 7
        return
    assert (view[at.STATS] == 7).all()
    np.testing.assert_allclose(view[at.Y].astype(np.float64), y, rtol=0, atol=0.05)
    made = e.attention_grad(view[at.DY].astype(np.float64), kept)
    for uid, gradient in zip(spec.outputs, made, strict=True):
        view[uid][...] = gradient


def _strided(address: int, shape: Any, steps: Any, dtype: str) -> np.ndarray:
    kind = dtype_of(dtype)
    assert address % 16 == 0
    size = (1 + sum((n - 1) * s for n, s in zip(shape, steps, strict=True))) * kind.itemsize
    memory = np.frombuffer((ctypes.c_char * size).from_address(address), kind)
    return np.lib.stride_tricks.as_strided(memory, shape, [s * kind.itemsize for s in steps])


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

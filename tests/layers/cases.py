"""Layer tests as data: a prototxt body, bottoms, and what must hold for every layer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netcfg.engines.base import Engine
from netcfg.layer import Layer
from netcfg.testing import as_arrays, check_gradient, make_layer, spaced, top_shapes
from netcfg.types import Phase


@dataclass(frozen=True)
class Case:
    """One layer to check; ``bottoms`` are shapes or, for labels and the like, arrays."""

    name: str
    text: str
    bottoms: Sequence[Any] = ()
    phase: Phase = Phase.TRAIN
    gradient: bool = True
    rtol: float = 1e-6
    extra: dict[str, Any] = field(default_factory=dict)

    def arrays(self, dtype: Any = np.float64) -> list[np.ndarray]:
        rng = np.random.default_rng(3)
        return [
            (spaced(b, rng) if isinstance(b, tuple) else np.asarray(b)).astype(dtype)
            for b in self.bottoms
        ]


def check(case: Case) -> None:
    """Check the shape promise, that inputs stay untouched, dtypes, and the gradients."""
    for dtype in (np.float64, np.float32):
        xs = [locked(x) for x in case.arrays(dtype)]
        layer = make_layer(case.text, [x.shape for x in xs], phase=case.phase, engine=Engine(dtype))
        shapes = top_shapes(layer, [x.shape for x in xs])
        tops = as_arrays(layer.forward(*xs))
        assert all(isinstance(y, np.ndarray) for y in tops), "tops are arrays, also without axes"
        assert tuple(y.shape for y in tops) == shapes
        assert all(y.dtype == dtype for y in tops)
        if case.gradient:
            check_backward(layer, xs, [locked(np.ones_like(y)) for y in tops])
    if case.gradient:
        check_gradient(case.text, *case.bottoms, phase=case.phase, rtol=case.rtol)


def check_backward(layer: Layer, xs: list[np.ndarray], dys: list[np.ndarray]) -> None:
    """Check shapes and dtypes, that a missing dy counts as zeros, and that ``need`` is heeded."""
    needed = layer.need
    dxs = as_arrays(layer.backward(*dys))
    for dx, x in zip(dxs, xs, strict=True):
        assert dx is None or (dx.shape == x.shape and dx.dtype == x.dtype)
    for i in range(len(dys) if len(dys) > 1 else 0):
        layer.forward(*xs)
        zeros = as_arrays(layer.backward(*dys[:i], locked(np.zeros_like(dys[i])), *dys[i + 1 :]))
        layer.forward(*xs)
        missing = as_arrays(layer.backward(*dys[:i], None, *dys[i + 1 :]))
        for zero, none in zip(zeros, missing, strict=True):
            for a, b in ((zero, none), (none, zero)):  # None is as good as zeros
                assert a is None or np.allclose(a, 0 if b is None else b, rtol=1e-5, atol=1e-6)
    for i in range(len(xs) + 1):
        layer.need = [j == i and needed[i] for j in range(len(xs))]
        layer.forward(*xs)
        for j, dx in enumerate(as_arrays(layer.backward(*dys))):
            if layer.need[j]:
                assert np.allclose(dx, dxs[j], rtol=1e-5, atol=1e-6)
            else:
                assert dx is None, "need False gives None"


def locked(x: np.ndarray) -> np.ndarray:
    """Return ``x``, which nothing may write to any more."""
    x.flags.writeable = False
    return x


def run(case: Case) -> tuple[Any, ...]:
    """Return the tops of one forward pass in float64."""
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs], phase=case.phase)
    layer.reshape(*[x.shape for x in xs])
    return as_arrays(layer.forward(*xs))

"""What is element by element in oneDNN, and what all its primitives need."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from netcfg.engines.onednn import elementwise, norm
from netcfg.engines.onednn.library import Algorithm, Library
from netcfg.engines.onednn.memory import bfloat16, is_last
from netcfg.engines.onednn.operation import Slot
from netcfg.engines.onednn.recorder import Recorder
from netcfg.engines.onednn.runner import Frozen, Runner
from netcfg.engines.onednn.widened import Widened
from netcfg.errors import NetError
from netcfg.trace import Trace
from netcfg.types import Array

FLOAT = np.dtype(np.float32)


class Pointwise(Widened):
    """Element-wise functions, sums, joins and softmax; layouts and floats of arrays."""

    def __init__(self, dtype: Any = np.float32, storage: str = "float32") -> None:
        self._runner = Runner()
        self._library = self._runner.library
        super().__init__(dtype)
        self._store = _storage(storage, self._library)

    @property
    def trace(self) -> Trace | None:
        """Where every primitive and reorder records when it ran."""
        return self._runner.trace

    @trace.setter
    def trace(self, trace: Trace | None) -> None:
        self._runner.trace = trace

    @property
    def allocated(self) -> int:  # type: ignore[override]
        """How many blocks of memory were taken from the system for results."""
        return self._runner.pool.allocated

    @property
    def state(self) -> Any:
        """Threads, and whether operations record when they run."""
        return self._library.threads(), self.trace is None

    def recorder(self) -> Any:
        return None if self._runner.trace else Recorder(self._runner)

    def freeze(self, weights: Array) -> Any:
        return Frozen(np.ascontiguousarray(weights)) if self.dtype == np.float32 else weights

    def softmax(self, x: Array, axis: int) -> Array:
        if not self._native(x):
            return super().softmax(x, axis)
        x, last = self._laid(x)
        operation = self._runner.find(
            ("softmax", x.shape, axis, last),
            lambda: norm.softmax(self._library, FLOAT, x.shape, axis % x.ndim, last),
            x.size,
        )
        return super().softmax(x, axis) if operation is None else self._runner.run(operation, x)

    # Element-wise ------------------------------------------------------------------------------

    def relu(self, x: Array, slope: float) -> Array:
        y = self._map(elementwise.forward, Algorithm.RELU, slope, 0, x)
        return super().relu(x, slope) if y is None else y

    def relu_grad(self, dy: Array, x: Array, slope: float) -> Array:
        dx = self._map(elementwise.backward, Algorithm.RELU, slope, 0, dy, x)
        return super().relu_grad(dy, x, slope) if dx is None else dx

    def sigmoid(self, x: Array) -> Array:
        y = self._map(elementwise.forward, Algorithm.LOGISTIC, 0, 0, x)
        return super().sigmoid(x) if y is None else y

    def tanh(self, x: Array) -> Array:
        y = self._map(elementwise.forward, Algorithm.TANH, 0, 0, x)
        return super().tanh(x) if y is None else y

    def _map(self, make: Any, algorithm: int, alpha: float, beta: float, *xs: Array) -> Any:
        """Return a function of arrays value by value; None where oneDNN does not do it.

        Args:
            make: ``elementwise.forward`` or ``backward``.
            algorithm: an ``Algorithm``.
            alpha, beta: its numbers.
            xs: x, or dy and x.
        """
        if not self._native(*xs) or not 1 <= xs[0].ndim <= 5:
            return None
        xs, last = self._alike(*xs)
        shape = xs[0].shape
        operation = self._runner.find(
            (Algorithm(algorithm).name.lower(), make.__name__, shape, last, alpha, beta),
            lambda: make(self._library, self._store, shape, last, algorithm, alpha, beta),
            xs[0].size,
        )
        return None if operation is None else self._runner.run(operation, *xs)

    def weighted_sum(
        self, xs: Sequence[Array], coeffs: Sequence[float], slope: float | None = None
    ) -> Array:
        if not self._native(*xs) or not 1 <= xs[0].ndim <= 5:
            return super().weighted_sum(xs, coeffs, slope)
        xs, last = self._alike(*xs)
        shape = xs[0].shape
        plain = len(xs) == 2 and all(c == 1 for c in coeffs)
        if slope is not None and not plain:
            return self.relu(self.weighted_sum(xs, coeffs), slope)
        operation = self._runner.find(
            ("sum", shape, last, tuple(coeffs), slope),
            lambda: (
                elementwise.weighted_sum(self._library, self._store, shape, last, coeffs)
                if slope is None
                else elementwise.add(self._library, self._store, shape, last, slope)
            ),
        )
        if operation is None:
            return super().weighted_sum(xs, coeffs, slope)
        return self._runner.run(operation, *xs)

    def concat(self, xs: Sequence[Array], axis: int) -> Array:
        if not self._native(*xs) or not 2 <= xs[0].ndim <= 5 or len(xs) == 1:
            return super().concat(xs, axis)
        xs, last = self._alike(*xs)
        shapes = tuple(x.shape for x in xs)
        operation = self._runner.find(
            ("concat", shapes, axis, last),
            lambda: elementwise.concat(
                self._library, self._store, shapes, axis % len(shapes[0]), last
            ),
            xs[0].size,
        )
        return super().concat(xs, axis) if operation is None else self._runner.run(operation, *xs)

    def _matrix(self, x: Array) -> Array:
        """Return matrices of the floats that are stored, with neighbours along one of their axes.

        x (..., M, N); strides may be in any order, but values do not share places.
        """
        if x.dtype != self._store:
            return self._runner.reorder(x, Slot(0, x.shape, last=False, dtype=self._store))
        axes = sorted(zip(x.strides, x.shape, strict=True))
        good = axes[0][0] == x.itemsize in x.strides[-2:]
        good = good and all(far >= near * n for (near, n), (far, _) in pairwise(axes))
        return x if good else np.ascontiguousarray(x)

    def _native(self, *arrays: Array) -> bool:
        """Return whether oneDNN may have a look: its kinds of floats, and not empty."""
        for a in arrays:
            if a.dtype not in (FLOAT, self._store) or a.size == 0:
                return False
        return self.dtype == FLOAT

    # Layouts -----------------------------------------------------------------------------------

    def _alike(self, *xs: Array) -> tuple[tuple[Array, ...], bool]:
        """Return arrays in one dense layout, and whether it is channels-last."""
        if all(is_last(x) for x in xs):
            return xs, True
        if all(x.flags.c_contiguous for x in xs):
            return xs, False
        slots = [Slot(0, x.shape, dtype=x.dtype) for x in xs]
        laid = (
            x if is_last(x) else self._runner.reorder(x, s) for x, s in zip(xs, slots, strict=True)
        )
        return tuple(laid), True

    def _laid(self, x: Array) -> tuple[Array, bool]:
        (x,), last = self._alike(x)
        return x, last


def _storage(name: str, library: Library) -> np.dtype[Any]:
    """Return the dtype of blobs that oneDNN makes.

    Raises:
        NetError: there is no such storage, or the CPU does not compute with it.
    """
    if name == "float32":
        return FLOAT
    if name != "bfloat16":
        raise NetError(f"storage must be float32 or bfloat16; given '{name}'")
    if not library.has_bfloat16():
        raise NetError("bfloat16 needs a CPU with AVX512-BF16 or AMX; this one has neither")
    return bfloat16()

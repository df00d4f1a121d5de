"""Runs operations of oneDNN on arrays of any layout; keeps operations, memory and scratch space."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from ctypes import c_void_p
from typing import Any

import numpy as np

from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import Arg, RefusedError, load
from netcfg.engines.onednn.memory import Pool, address, dense, is_last, lasting, strided
from netcfg.engines.onednn.operation import Operation, Slot
from netcfg.trace import Trace
from netcfg.types import Array

SMALL = 1 << 14
"""Values below which waking a second thread takes longer than it saves."""


class Frozen:
    """Weights that do not change, in whatever layout a primitive last wanted them.

    Attributes:
        memory: the values.
        desc: their layout; None as long as it is the plain one.
    """

    def __init__(self, array: Array) -> None:
        self.shape, self.dtype, self.size = array.shape, array.dtype, array.size
        self.memory = array
        self.desc: c_void_p | None = None


class Runner:
    """What an engine needs to run oneDNN.

    Attributes:
        library: oneDNN.
        pool: where results lie.
        reorders: how many arrays were copied into another layout.
        trace: where operations record when they ran.
        recorder: notes operations, where there is one (``netcfg.engines.onednn.recorder``).
    """

    def __init__(self) -> None:
        self.library = load()
        self.pool = Pool()
        self.reorders = 0
        self.trace: Trace | None = None
        self.recorder: Any = None
        self._operations: dict[int, dict[Hashable, Operation | None]] = defaultdict(dict)
        self._scratch = np.empty(0, np.uint8)
        self._lock = threading.RLock()

    def find(
        self, key: tuple[Hashable, ...], make: Callable[[], Operation], work: int = SMALL
    ) -> Operation | None:
        """Return the operation of a key, made at first use; None where oneDNN has none.

        Args:
            key: the operation's name, then what tells it from others.
            make: makes it.
            work: how many values it touches; one thread does what is less than ``SMALL``.
        """
        count = 1 if work < SMALL else self.library.threads()
        known = self._operations[count]
        if key not in known:
            self.library.use_threads(count)
            try:
                made = known[key] = make()
                made.name = str(key[0])
            except RefusedError:
                known[key] = None
        return known[key]

    def run(self, operation: Operation, *arrays: Array) -> Any:
        """Run an operation on its inputs and return its outputs, the only one by itself."""
        with self._lock:
            given = [self._fit(x, s) for x, s in zip(arrays, operation.inputs, strict=True)]
            made = [self._empty(slot) for slot in operation.outputs]
            self._execute(operation, given + made)
            if len(made) == 1:
                return self._plain(made[0], operation.outputs[0])
            return [self._plain(x, s) for x, s in zip(made, operation.outputs, strict=True)]

    def reorder(self, array: Array, slot: Slot) -> Array:
        """Copy an array into the layout of a slot."""
        with self._lock:
            result = self._empty(slot)
            self._copy(array.reshape(slot.shape), result, slot.own or slot.desc)
        return result

    def _empty(self, slot: Slot) -> Array:
        if slot.own is None:
            return self.pool.empty(slot.shape, slot.last, slot.dtype)
        return self.pool.empty((self.library.size(slot.own),), dtype=np.uint8)

    def _fit(self, array: Array, slot: Slot) -> Array:
        """Return an array in the layout of a slot."""
        if isinstance(array, Frozen):
            return self._thawed(array, slot)
        if slot.strides is not None:
            return array
        if (
            slot.own is None
            and array.dtype == slot.dtype
            and (is_last(array) if slot.last else array.flags.c_contiguous)
        ):
            return array
        return self.reorder(array, slot)

    def _thawed(self, weights: Frozen, slot: Slot) -> Array:
        """Return weights in the layout of a slot, in which they stay."""
        wanted = slot.own or slot.desc
        # The slot's shape has an axis for groups where there are several.
        of = weights.desc or dense(slot.shape, last=False)
        if not self.library.equal(of, wanted):
            memory = lasting(self.library.size(wanted))
            self._copy(weights.memory, memory, wanted, of)
            weights.memory, weights.desc = memory, wanted
        if self.recorder:
            self.recorder.fix(weights.memory)
        return weights.memory

    def _plain(self, array: Array, slot: Slot) -> Array:
        """Return a result of a slot as a plain array."""
        if slot.own is None:
            return array
        result = self.pool.empty(slot.shape, last=False)
        self._copy(array, result, slot.desc, slot.own)
        return result

    def _copy(self, source: Array, target: Array, to: c_void_p, of: c_void_p | None = None) -> None:
        """Copy an array into memory of another layout."""
        self.reorders += 1
        if of is None:
            source, of = _described(source)
        key = ("reorder", of.value, to.value)
        operation = self.find(key, lambda: self._reorder(of, to), source.size)
        if operation is None:
            raise RuntimeError("oneDNN cannot reorder")
        self._execute(operation, [source, target])

    def _execute(self, operation: Operation, arrays: list[Array]) -> None:
        scratch = self._scratch_address(operation.scratch)
        if self.recorder:
            self.recorder.note(operation, arrays)
        if self.trace is None:
            operation.run(arrays, scratch)
            return
        category = "reorder" if operation.name == "reorder" else "primitive"
        kernel = self.library.implementation(operation.desc)
        shapes = [str(slot.shape) for slot in (*operation.inputs, *operation.outputs)]
        with self.trace.span(operation.name, category, kernel=kernel, shapes=shapes):
            operation.run(arrays, scratch)

    def _reorder(self, of: c_void_p, to: c_void_p) -> Operation:
        library = self.library
        engine = library.engine
        attributes = Attributes(library).handle
        desc = library.create("reorder_primitive_desc", of, engine, to, engine, attributes)
        return Operation(library, desc, [Slot(Arg.SRC, (), own=of)], [Slot(Arg.DST, (), own=to)])

    def _scratch_address(self, size: int) -> int:
        """Return the address of memory that any operation may use while it runs."""
        if self._scratch.size < size:
            self._scratch = self.pool.empty((size,), dtype=np.uint8)
        return address(self._scratch)


def _described(array: Array) -> tuple[Array, c_void_p]:
    """Return an array with its descriptor; a copy where oneDNN cannot describe its strides."""
    item = array.itemsize
    if all(n > 0 and n % item == 0 for n in array.strides):
        with contextlib.suppress(RefusedError):  # such as windows that overlap
            return array, strided(array.shape, tuple(n // item for n in array.strides), array.dtype)
    array = np.ascontiguousarray(array)
    return array, dense(array.shape, last=False, dtype=array.dtype)

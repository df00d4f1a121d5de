"""One computation of oneDNN, bound to shapes and layouts and run on arrays."""

import ctypes
from collections.abc import Sequence
from ctypes import c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np

from netcfg.engines.onednn.library import Arg, ExecArg, Library, Query
from netcfg.engines.onednn.memory import address, dense, strided
from netcfg.types import Shape


@dataclass(frozen=True)
class Slot:
    """An argument: where it goes and how it must lie in memory.

    Attributes:
        arg: which argument.
        shape: of the array.
        last: whether the array is channels-last; the order of the axes otherwise.
        own: the primitive's own descriptor where it chose the layout; arrays are reordered.
        dtype: of the array.
        strides: of the array, in elements, where it need not be dense.
    """

    arg: int
    shape: Shape
    last: bool = True
    own: c_void_p | None = None
    dtype: Any = np.float32
    strides: Shape | None = None

    @property
    def desc(self) -> c_void_p:
        """Descriptor of the array."""
        if self.strides is not None:
            return strided(self.shape, self.strides, self.dtype)
        return dense(self.shape, self.last, self.dtype)


class Operation:
    """A primitive and the memories of its arguments.

    Args:
        library: oneDNN.
        desc: the primitive descriptor, which this object owns.
        inputs: slots of the arrays that ``run`` takes.
        outputs: slots of the arrays that ``run`` writes.

    Attributes:
        name: what it does, for traces.
        scratch: bytes of scratch memory.
        threads: how many OpenMP threads it is made for.
    """

    name = ""

    def __init__(
        self, library: Library, desc: c_void_p, inputs: Sequence[Slot], outputs: Sequence[Slot]
    ) -> None:
        self.library, self.desc = library, desc
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.primitive = library.create("primitive", desc)
        slots = [*self.inputs, *self.outputs]
        descs = [slot.own or slot.desc for slot in slots]
        scratch = library.query(desc, Query.SCRATCHPAD)
        self.scratch = library.size(scratch)
        args = [slot.arg for slot in slots]
        if self.scratch:
            descs.append(scratch)
            args.append(Arg.SCRATCHPAD)
        self.descs, self.numbers = descs, args
        self.memories, self.args = self.bind()
        self.threads = library.threads_in_use()
        self._call = library.stream, len(self.memories), ctypes.addressof(self.args)

    def bind(self) -> tuple[list[c_void_p], Any]:
        """Return memories for every argument, without addresses, and the table that names them."""
        memories = [
            self.library.create("memory", d, self.library.engine, c_void_p(None))
            for d in self.descs
        ]
        table = (ExecArg * len(memories))(
            *(
                ExecArg(arg, memory.value)
                for arg, memory in zip(self.numbers, memories, strict=True)
            )
        )
        return memories, table

    def run(self, arrays: Sequence[np.ndarray], scratch: int) -> None:
        """Run on inputs and outputs, each laid out as its slot says."""
        set_handle = self.library.set_handle
        for memory, array in zip(self.memories, arrays, strict=False):
            set_handle(memory, address(array))
        if self.scratch:
            set_handle(self.memories[-1], scratch)
        self.library.use_threads(self.threads)
        status = self.library.execute(self.primitive, *self._call)
        if status:
            raise RuntimeError(f"oneDNN could not run a primitive: status {status}")

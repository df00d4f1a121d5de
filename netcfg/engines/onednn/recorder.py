"""Operations noted down while they run, with a plan of memory, to run again without Python."""

import ctypes
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from netcfg.engines.onednn.memory import ALIGNMENT, address, aligned, block_of
from netcfg.engines.onednn.operation import Operation
from netcfg.engines.onednn.runner import Runner
from netcfg.types import Array, Shape


class Written(NamedTuple):
    """An argument that an operation has written: a block of memory and bytes into it."""

    block: int
    offset: int


class Given(NamedTuple):
    """An argument that comes from elsewhere at every run, by name."""

    name: Hashable


class Fixed(NamedTuple):
    """An argument that stays where it is, such as weights."""

    address: int


Place = Written | Given | Fixed


class Spot(NamedTuple):
    """An array that an operation has written, without holding on to its memory."""

    place: Written
    shape: Shape
    strides: Shape
    dtype: Any


@dataclass
class Call:
    """An operation and where its arguments lie."""

    operation: Operation
    places: list[Place]


@dataclass
class Life:
    """From which to which moment a block of so many bytes is needed."""

    size: int
    first: int
    last: int


@dataclass
class Steps:
    """Calls that follow each other, bound to memory.

    Attributes:
        calls: threads and arguments of ``dnnl_primitive_execute``.
        given: memories whose address is that of a named array.
    """

    calls: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    given: list[tuple[Any, Hashable]] = field(default_factory=list)


class Recorder:
    """Notes what operations run between ``watch`` and ``stop``, and on which memory.

    Arrays that operations write are read-only meanwhile: what NumPy does to them would be lost.
    """

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._lives: dict[int, Life] = {}
        self._written: set[int] = set()
        self._kept: list[Array] = []
        self._moment = 0
        self._calls: list[Call] = []
        self._sound = True
        self._given: dict[int, Hashable] = {}
        self._fixed: set[int] = set()

    def watch(self, given: Mapping[Hashable, Array], fixed: Sequence[Array]) -> None:
        """Begin to note.

        Args:
            given: arrays that are not where they are at every run.
            fixed: arrays that are.
        """
        self._given = {address(a): name for name, a in given.items()}
        self._fixed, self._calls, self._sound = set(), [], True
        for array in fixed:
            self.fix(array)
        self.runner.recorder, self.runner.pool.read_only = self, True

    def fix(self, array: Array) -> None:
        """Note an array that stays where it is."""
        self._fixed.add(address(array))
        self._kept.append(array)

    def note(self, operation: Operation, arrays: Sequence[Array]) -> None:
        """Note an operation that is about to run."""
        self._moment += 1
        places = []
        for i, array in enumerate(arrays):
            self.touch(array)
            place = self._place(array, i >= len(operation.inputs))
            if place is None:
                self._sound = False
                return
            places.append(place)
        self._calls.append(Call(operation, places))

    def stop(self) -> None:
        """Note no more."""
        self.runner.recorder, self.runner.pool.read_only = None, False

    def calls(self, tops: Sequence[Array]) -> list[Call] | None:
        """Return what was noted since ``watch``; None where that is not all that made ``tops``."""
        made = {p.block for call in self._calls for p in call.places if isinstance(p, Written)}
        blocks = [block_of(top) for top in tops]
        if not self._sound or not all(b is not None and b.serial in made for b in blocks):
            self._moment += 1
            return None
        self._written |= made
        return self._calls

    def spot(self, array: Array) -> Spot:
        """Return where an array is that a noted operation has written."""
        block = block_of(array)
        assert block  # noqa: S101 - operations write to blocks
        place = Written(block.serial, address(array) - block.address)
        return Spot(place, array.shape, array.strides, array.dtype)

    def touch(self, array: Array) -> None:
        """Note that the memory of an array is needed now."""
        block = block_of(array)
        if block is not None:
            life = self._lives.setdefault(
                block.serial, Life(block.size, self._moment, self._moment)
            )
            life.last = self._moment

    def _place(self, array: Array, output: bool) -> Place | None:
        at = address(array)
        block = block_of(array)
        mine = {p.block for call in self._calls for p in call.places if isinstance(p, Written)}
        if block is not None and (output or block.serial in mine):
            return Written(block.serial, at - block.address)
        if at in self._given:
            return Given(self._given[at])
        if at in self._fixed:
            return Fixed(at)
        if block is not None and block.serial in self._written:
            return Written(block.serial, at - block.address)
        return None

    def bind(self, groups: Sequence[list[Call] | None]) -> "Tape":
        """Return groups of calls that follow each other, ready to run; None stays None."""
        used = {
            p.block
            for calls in groups
            for call in calls or ()
            for p in call.places
            if isinstance(p, Written)
        }
        self.runner.pool.clear()  # the tape has memory of its own
        return Tape(self.runner, groups, {n: self._lives[n] for n in used}, self._kept)


class Tape:
    """Calls of units on memory that is planned once.

    Attributes:
        groups: of bound calls.
        size: bytes of memory that results take.
    """

    def __init__(
        self,
        runner: Runner,
        groups: Sequence[list[Call] | None],
        lives: Mapping[int, Life],
        kept: list[Array],
    ) -> None:
        self._library, self._kept = runner.library, kept
        self._offsets, self.size = packed(lives)
        scratch = max((c.operation.scratch for calls in groups for c in calls or ()), default=0)
        self._memory, start = aligned(self.size + scratch)
        self._base, self._scratch = start, start + self.size
        self._holders: list[Any] = []
        self.groups = [None if calls is None else self._bound(calls) for calls in groups]

    def _bound(self, calls: list[Call]) -> Steps:
        steps = Steps()
        for call in calls:
            operation = call.operation
            memories, table = operation.bind()
            for memory, place in zip(memories, call.places, strict=False):
                if isinstance(place, Given):
                    steps.given.append((memory, place.name))
                else:
                    self._library.set_handle(memory, self._address(place))
            if operation.scratch:
                self._library.set_handle(memories[-1], self._scratch)
            self._holders.append((operation, memories, table))
            call_args = (operation.primitive, self._library.stream, len(memories))
            steps.calls.append((operation.threads, (*call_args, ctypes.addressof(table))))
        return steps

    def _address(self, place: Written | Fixed) -> int:
        if isinstance(place, Fixed):
            return place.address
        return self._base + self._offsets[place.block] + place.offset

    def run(self, group: int, arrays: Mapping[Any, Array]) -> None:
        """Run a group of calls; ``arrays`` has what is given."""
        steps = self.groups[group]
        assert steps  # noqa: S101 - the others are not the tape's
        library = self._library
        for memory, name in steps.given:
            library.set_handle(memory, address(arrays[name]))
        for threads, call in steps.calls:
            library.use_threads(threads)
            if library.execute(*call):
                raise RuntimeError("oneDNN could not run a primitive")

    def array(self, spot: Spot) -> Array:
        """Return the array that the calls write where one was when they were noted."""
        at = self._base - self._memory.ctypes.data + self._offsets[spot.place.block]
        return np.ndarray(
            spot.shape, spot.dtype, self._memory, at + spot.place.offset, spot.strides
        )


def packed(lives: Mapping[int, Life]) -> tuple[dict[int, int], int]:
    """Return an offset for each block, and the bytes of all.

    Blocks that are needed at the same time do not overlap. The greatest come first, each at the
    lowest place that is free throughout its life.
    """
    placed: list[tuple[int, int, Life]] = []
    offsets: dict[int, int] = {}
    for name, life in sorted(lives.items(), key=lambda item: -item[1].size):
        at = 0
        for start, end, other in sorted(placed, key=lambda p: p[0]):
            if other.first <= life.last and life.first <= other.last:
                if at + life.size <= start:
                    break
                at = max(at, end)
        size = -(-life.size // ALIGNMENT) * ALIGNMENT
        placed.append((at, at + size, life))
        offsets[name] = at
    return offsets, max((end for _, end, _ in placed), default=0)

"""Steps that are recorded once as CUDA graphs and then launched, with what cannot be in between.

A step is a list of actions. Neighbours that can be recorded become one segment, which is one launch
from then on; an action that cannot, because it reads a file, waits for the card or computes on the
CPU, runs as ever and cuts the step in two.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakSet

from netcfg.engines.cuda.upload import Upload
from netcfg.types import Array

VARIABLE = "NETCFG_GRAPHS"
"""The environment variable that turns recorded steps and passes off."""

WARM_UP = 2
"""Steps that run as ever before one is recorded: plans are made and memory is taken there."""


@dataclass
class Action:
    """Part of a step.

    Attributes:
        name: what it is called.
        run: does it.
        reason: why it cannot be recorded; empty where it can.
        arrive: called instead of ``run`` in replayed steps, where that differs.
    """

    name: str
    run: Callable[[], None]
    reason: str = ""
    arrive: Callable[[], None] | None = None


@dataclass
class Segment:
    """Actions that run one after another, as a graph where they can be recorded."""

    actions: list[Action] = field(default_factory=list)
    graph: Any = None

    @property
    def recordable(self) -> bool:
        """Return whether the actions can be recorded."""
        return not self.actions[0].reason


class Way(Protocol):
    """How batches of the CPU come to an array of the device."""

    def send(self, values: Any) -> None:
        """Queue the copy of a batch."""


class Recording(Protocol):
    """What records work, such as a stream."""

    def capture(self, work: Callable[[], None]) -> Any:
        """Note what ``work`` queues, without running it; return what can be launched."""

    def memory(self) -> Any:
        """Return a context in which arrays come from memory that only recorded steps use."""

    def way(self, target: Array) -> Way:
        """Return the way of batches of the CPU to an array."""


class Recorder:
    """Runs a step again and again, from graphs after the first few times.

    Args:
        stream: records.
        actions: of the step, in order.
        warm_up: steps that run as ever before one is recorded.

    Attributes:
        segments: the actions, cut where one cannot be recorded.
        recorded: whether steps are replayed.
    """

    def __init__(
        self, stream: Recording, actions: Sequence[Action], warm_up: int = WARM_UP
    ) -> None:
        self.segments = cut(actions)
        self.recorded = False
        self._stream, self._warm_up = stream, warm_up
        self._runs = self._done = 0

    def step(self) -> None:
        """Run the step once."""
        if self.recorded:
            self._replay()
            return
        record = self._runs >= self._warm_up
        for segment in self.segments:
            if record and segment.recordable:
                with self._stream.memory():
                    self._record(segment)
            else:
                self._plain(segment)
        self._runs += 1
        self.recorded = record

    def forget(self) -> int | None:
        """Drop the graphs: the next steps run as ever, then one is recorded.

        Returns:
            How many segments of a step that was broken off have run, None if recorded ones are
            among them.
        """
        done = self._done
        launched = any(segment.graph is not None for segment in self.segments[:done])
        for segment in self.segments:
            segment.graph = None
        self.recorded, self._runs = False, 0
        return None if launched else done

    def finish(self, done: int) -> None:
        """Run the rest of a step that was broken off, without recording."""
        for segment in self.segments[done:]:
            self._plain(segment)
        self._runs = 1

    def _plain(self, segment: Segment) -> None:
        if not segment.recordable:
            segment.actions[0].run()
            return
        with self._stream.memory():
            _run(segment)

    def _record(self, segment: Segment) -> None:
        segment.graph = self._stream.capture(lambda: _run(segment))
        segment.graph.launch()

    def _replay(self) -> None:
        for done, segment in enumerate(self.segments, 1):
            self._done = done
            if segment.graph is not None:
                segment.graph.launch()
            else:
                action = segment.actions[0]
                (action.arrive or action.run)()


def cut(actions: Sequence[Action]) -> list[Segment]:
    """Return the segments of a step; an action that cannot be recorded is one by itself."""
    segments: list[Segment] = []
    for action in actions:
        if action.reason or not segments or not segments[-1].recordable:
            segments.append(Segment())
        segments[-1].actions.append(action)
    return segments


def _run(segment: Segment) -> None:
    for action in segment.actions:
        action.run()


class Stream:
    """A device's stream as what records.

    Args:
        device: whose stream and memory are used.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        self._cuda = device.xp.cuda
        self._pool = self._cuda.MemoryPool()
        """Graphs go on using memory whose arrays are gone: nobody else may be given it."""
        _streams.add(self)

    @property
    def size(self) -> int:
        """Bytes of the memory that only recorded steps use."""
        return int(self._pool.total_bytes())

    def way(self, target: Array) -> Upload:
        """Return the way of batches of the CPU to an array."""
        return Upload(self._device, target)

    @contextmanager
    def memory(self) -> Iterator[None]:
        """Take arrays from the pool of recorded steps."""
        with self._cuda.using_allocator(self._pool.malloc):
            yield

    def capture(self, work: Callable[[], None]) -> Any:
        """Note what ``work`` queues."""
        stream = self._device.stream
        stream.begin_capture()
        try:
            work()
        except BaseException:
            self._abandon(stream)
            raise
        return Launch(stream.end_capture(), stream)

    def _abandon(self, stream: Any) -> None:
        """End a capture that has failed; what the stream says of it counts for nothing."""
        try:
            stream.end_capture()
        except self._cuda.runtime.CUDARuntimeError:
            return


@dataclass(frozen=True)
class Launch:
    """A graph and the stream that it is launched on."""

    graph: Any
    stream: Any

    def launch(self) -> None:
        """Queue the graph."""
        self.graph.launch(self.stream)


_streams: WeakSet[Stream] = WeakSet()


def stream_of(device: Any) -> Stream | None:
    """Return what records on a device; None where nothing can be recorded, or must not be.

    Without cuBLASLt or cuDNN products are CuPy's, which refuse to be recorded.
    """
    whole = device.stream is not None and None not in (device.products, device.graphs)
    return Stream(device) if whole and os.environ.get(VARIABLE, "on") != "off" else None


def held() -> int:
    """Return the bytes that recorded steps and passes hold, beside CuPy's pool."""
    return sum(stream.size for stream in _streams)

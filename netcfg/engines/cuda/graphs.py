"""Steps that are recorded once as CUDA graphs and then launched, with what cannot be in between.

A step is a list of actions. Neighbours that can be recorded become one segment, which is one launch
from then on; an action that cannot, because it reads a file, waits for the card or computes on the
CPU, runs as ever and cuts the step in two.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

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


class Recording(Protocol):
    """What records work, such as a stream."""

    def capture(self, work: Callable[[], None]) -> Any:
        """Note what ``work`` queues, without running it; return what can be launched."""

    def memory(self) -> Any:
        """Return a context in which arrays come from memory that only recorded steps use."""


class Recorder:
    """Runs a step again and again, from graphs after the first few times.

    Args:
        stream: records.
        actions: of the step, in order.

    Attributes:
        segments: the actions, cut where one cannot be recorded.
        recorded: whether steps are replayed.
    """

    def __init__(self, stream: Recording, actions: Sequence[Action]) -> None:
        self.segments = cut(actions)
        self.recorded = False
        self._stream = stream
        self._runs = self._done = 0

    def step(self) -> None:
        """Run the step once."""
        if self.recorded:
            self._replay()
            return
        record = self._runs >= WARM_UP
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

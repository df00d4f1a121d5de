"""Cutting steps into segments, recording and replaying them, without a card."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from netcfg.engines.cuda import graphs
from netcfg.engines.cuda.graphs import (
    VARIABLE,
    WARM_UP,
    Action,
    Recorder,
    Stream,
    cut,
    held,
    stream_of,
)


class FakeStream:
    """Records by keeping the work; what it queues is done at each launch."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @contextmanager
    def memory(self) -> Iterator[None]:
        yield

    def capture(self, work: Callable[[], None]) -> Any:
        self.log.append("capture")
        return FakeGraph(self, work)

    def way(self, target: Any) -> Any:
        raise NotImplementedError


class FakeGraph:
    def __init__(self, stream: FakeStream, work: Callable[[], None]) -> None:
        self.stream, self.work = stream, work

    def launch(self) -> None:
        self.stream.log.append("launch")
        self.work()


def test_neighbours_are_one_segment_and_others_stand_alone() -> None:
    def nothing() -> None:
        """Do nothing."""

    reasons = ["reads", "", "", "waits", "draws", "", ""]
    segments = cut([Action(str(i), nothing, r) for i, r in enumerate(reasons)])
    names = [[a.name for a in s.actions] for s in segments]
    assert names == [["0"], ["1", "2"], ["3"], ["4"], ["5", "6"]]
    assert [s.recordable for s in segments] == [False, True, False, False, True]
    assert cut([]) == []


def test_steps_are_recorded_after_the_first_and_then_replayed() -> None:
    stream, done = FakeStream(), list[str]()

    def action(name: str, reason: str = "") -> Action:
        arrive = (lambda: done.append(f"{name}'")) if reason else None
        return Action(name, lambda: done.append(name), reason, arrive)

    recorder = Recorder(stream, [action("data", "reads"), action("conv"), action("ip")])
    for _ in range(WARM_UP):
        recorder.step()
    assert stream.log == []
    recorder.step()
    assert (stream.log, recorder.recorded) == (["capture", "launch"], True)
    assert done == ["data", "conv", "ip"] * (WARM_UP + 1)
    done.clear()
    recorder.step()
    assert (stream.log[2:], done) == (["launch"], ["data'", "conv", "ip"])
    assert recorder.forget() is None
    assert not recorder.recorded
    recorder.step()
    assert stream.log[3:] == []


def test_a_step_that_breaks_off_before_a_launch_goes_on_as_ever() -> None:
    stream, done = FakeStream(), list[str]()
    broken: list[bool] = [False]

    def arrive() -> None:
        done.append("data")
        if broken[0]:
            raise ZeroDivisionError

    actions = [Action("data", arrive, "reads", arrive), Action("ip", lambda: done.append("ip"))]
    recorder = Recorder(stream, actions)
    for _ in range(WARM_UP + 2):
        recorder.step()
    done.clear()
    broken[0] = True
    with pytest.raises(ZeroDivisionError):
        recorder.step()
    left = recorder.forget()
    assert left == 1
    recorder.finish(left)
    assert done == ["data", "ip"]
    assert not recorder.recorded


class Cuda:
    """What ``Stream`` uses of ``cupy.cuda``."""

    class runtime:  # noqa: N801 - CuPy's name
        class CUDARuntimeError(Exception):
            """Raised by calls."""

    class MemoryPool:
        def malloc(self, size: int) -> None:
            """Allocate."""

        def total_bytes(self) -> int:
            return 100

    @staticmethod
    @contextmanager
    def using_allocator(allocator: Any) -> Iterator[None]:
        yield


class Device:
    def __init__(self) -> None:
        self.xp = self
        self.cuda = Cuda
        self.log: list[Any] = []
        self.stream: Any = self
        self.products: Any = "cuBLASLt"
        self.graphs: Any = "cuDNN"

    def begin_capture(self) -> None:
        self.log.append("begin")

    def end_capture(self) -> Any:
        self.log.append("end")
        if len(self.log) > 2:
            raise Cuda.runtime.CUDARuntimeError
        return self

    def launch(self, stream: Any) -> None:
        self.log.append(("launch", stream is self))


def test_a_stream_captures_and_launches() -> None:
    device = Device()
    stream = Stream(device)
    with stream.memory():
        graph = stream.capture(lambda: None)
    graph.launch()
    assert device.log == ["begin", "end", ("launch", True)]


def test_a_capture_that_fails_is_ended_and_says_why() -> None:
    device = Device()
    device.log.append("before")
    with pytest.raises(ZeroDivisionError):
        Stream(device).capture(lambda: 1 // 0)  # type: ignore[arg-type]
    assert device.log == ["before", "begin", "end"]


def test_what_records_on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    device, before = Device(), held()
    stream = stream_of(device)
    assert stream is not None
    assert held() == before + stream.size == before + 100
    monkeypatch.setattr(graphs, "Upload", lambda device, target: (device, target))
    way: Any = stream.way("target")
    assert way == (device, "target")
    monkeypatch.setenv(VARIABLE, "off")
    assert stream_of(device) is None


@pytest.mark.parametrize("missing", ["products", "graphs", "stream"])
def test_nothing_is_recorded_without_what_can_be(missing: str) -> None:
    device = Device()
    setattr(device, missing, None)
    assert stream_of(device) is None


def test_a_recorder_may_record_at_once() -> None:
    stream, done = FakeStream(), list[str]()
    recorder = Recorder(stream, [Action("ip", lambda: done.append("ip"))], warm_up=0)
    recorder.step()
    assert (stream.log, done, recorder.recorded) == (["capture", "launch"], ["ip"], True)

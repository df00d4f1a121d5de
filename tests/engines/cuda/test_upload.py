"""Batches on their way, with events that say who waits for whom."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from netcfg.engines.cuda.upload import BUFFERS, Upload

LOG: list[tuple[str, Any]] = []


class Event:
    def __init__(self, disable_timing: bool) -> None:
        self.number = sum(kind == "event" for kind, _ in LOG)
        LOG.append(("event", self.number))

    def record(self, stream: Any) -> None:
        LOG.append((f"{stream.name} records", self.number))

    def synchronize(self) -> None:
        LOG.append(("wait for", self.number))


class Stream:
    def __init__(self, name: str = "copies", **_: Any) -> None:
        self.name = name

    def wait_event(self, event: Event) -> None:
        LOG.append((f"{self.name} waits", event.number))


class Staged(np.ndarray):
    def set(self, values: np.ndarray, stream: Stream) -> None:
        LOG.append((f"{stream.name} copies", None))
        self[...] = values


class Device:
    """A card as ``Upload`` sees it."""

    def __init__(self) -> None:
        self.xp = self
        self.cuda = self
        self.stream = Stream("card")

    Event, Stream = Event, Stream

    def use(self) -> None:
        """Let this thread use the card."""

    @staticmethod
    def empty(shape: Any, dtype: Any) -> Any:
        return np.empty(shape, dtype).view(Staged)


def test_batches_arrive_and_buffers_wait_for_their_readers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module: Any = ModuleType("cupyx")
    module.empty_pinned = np.empty
    monkeypatch.setitem(sys.modules, "cupyx", module)
    LOG.clear()
    target = np.zeros((2, 3), np.float32)
    upload = Upload(Device(), target)
    LOG.clear()
    for k in range(2 * BUFFERS):
        upload.send(np.full((2, 3), k, np.float64))
        assert (target == k).all()
    arrived, taken = range(BUFFERS), range(BUFFERS, 2 * BUFFERS)
    one = [
        ("wait for", arrived[0]),
        ("copies waits", taken[0]),
        ("copies copies", None),
        ("copies records", arrived[0]),
        ("card waits", arrived[0]),
        ("card records", taken[0]),
    ]
    assert LOG[: len(one)] == one
    assert LOG[len(one)] == ("wait for", arrived[1])
    assert LOG[2 * len(one)] == ("wait for", arrived[0])

"""What ran when: events that a browser's trace viewer shows (``chrome://tracing``, Perfetto)."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from netcfg.io.files import write_whole


class Trace:
    """Events of one run.

    Attributes:
        events: in the order in which they ended, as Chrome's trace format has them.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    @contextmanager
    def span(self, name: str, category: str, **details: Any) -> Iterator[None]:
        """Record how long the block takes.

        Args:
            name: what is done.
            category: kind of event: ``layer``, ``primitive``, ``reorder``.
            details: shown when the event is looked at.
        """
        start = perf_counter()
        try:
            yield
        finally:
            self.add(name, category, start, perf_counter(), **details)

    def add(self, name: str, category: str, start: float, end: float, **details: Any) -> None:
        """Record an event, in seconds of ``perf_counter``."""
        self.events.append(
            {
                "name": name,
                "cat": category,
                "ph": "X",  # complete: with a duration
                "ts": start * 1e6,
                "dur": (end - start) * 1e6,
                "pid": os.getpid(),
                "tid": threading.get_native_id(),
                "args": details,
            }
        )

    def count(self, category: str) -> int:
        """Return the number of events of a kind."""
        return sum(event["cat"] == category for event in self.events)

    def write(self, path: Path) -> None:
        """Write the events as JSON; times begin at the first event.

        Raises:
            NetError: the file cannot be written.
        """
        first = min((event["ts"] for event in self.events), default=0.0)
        events = [event | {"ts": event["ts"] - first} for event in self.events]
        with write_whole(path) as file:
            file.write(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}).encode())

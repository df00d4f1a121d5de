"""Which of cuDNN's plans is the fastest, measured once and kept on disk."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netcfg.errors import NetError
from netcfg.io.files import write_whole

REPEATS = 5
"""How often a plan is run; its shortest time counts."""


class Choices:
    """Names of chosen plans in a file of a card and a version of cuDNN.

    The file is ``$XDG_CACHE_HOME/netcfg/cudnn-<card>-<version>.json``, or below ``~/.cache``. What
    cannot be read or written is as if it were not there: the choice costs seconds, not results.

    Args:
        card: its name.
        version: of cuDNN.
    """

    def __init__(self, card: str, version: int) -> None:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netcfg"
        self.path = folder / f"cudnn-{re.sub(r'[^A-Za-z0-9]+', '-', card)}-{version}.json"
        try:
            self._names: dict[str, str] = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self._names = {}

    def find(self, spec: Any, graph: Any) -> int | None:
        """Return the index of the plan chosen for a geometry; None where there is none."""
        name = self._names.get(repr(spec))
        if name is None:
            return None
        count = graph.get_execution_plan_count()
        return next((i for i in range(count) if graph.get_plan_name_at_index(i) == name), None)

    def keep(self, spec: Any, graph: Any, index: int | None) -> None:
        """Keep a choice."""
        if index is None:
            return
        self._names[repr(spec)] = graph.get_plan_name_at_index(index)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with write_whole(self.path) as file:
                file.write(json.dumps(self._names, indent=1, sort_keys=True).encode())
        except (NetError, OSError):
            return


def fastest(graph: Any, device: Any, handle: Any, addresses: Mapping[int, int]) -> int | None:
    """Return the index of the plan that takes the least time; None where none can be built."""
    best: tuple[float, int] | None = None
    for index in range(graph.get_execution_plan_count()):
        try:
            graph.build_plan_at_index(index)
            size = int(graph.get_workspace_size_plan_at_index(index))
            seconds = _time(graph, index, device, handle, addresses, size)
        except Exception:  # a plan that fails is no candidate, whatever it says
            continue
        if best is None or seconds < best[0]:
            best = seconds, index
    return best[1] if best else None


def _time(
    graph: Any, index: int, device: Any, handle: Any, addresses: Mapping[int, int], size: int
) -> float:
    """Return the milliseconds of a plan."""
    cuda = device.xp.cuda
    workspace = device.workspace.address(size)
    times = []
    for _ in range(REPEATS + 1):
        start, end = cuda.Event(), cuda.Event()
        start.record(device.stream)
        graph.execute_plan_at_index(dict(addresses), workspace, index, handle=handle)
        end.record(device.stream)
        end.synchronize()
        times.append(cuda.get_elapsed_time(start, end))
    return float(min(times[1:]))

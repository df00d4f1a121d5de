"""Choosing plans and keeping the choice."""

from pathlib import Path
from typing import Any

import pytest

from netcfg.engines.cuda.tune import Choices, fastest


class Graph:
    """Plans with the milliseconds that they take, None for one that cannot be built."""

    def __init__(self, *times: float | None) -> None:
        self.times = times
        self.built: list[int] = []
        self.clock = 0.0

    def get_execution_plan_count(self) -> int:
        return len(self.times)

    def get_plan_name_at_index(self, index: int) -> str:
        return f"plan{index}"

    def build_plan_at_index(self, index: int) -> None:
        if self.times[index] is None:
            raise RuntimeError("not supported")
        self.built.append(index)

    def get_workspace_size_plan_at_index(self, index: int) -> int:
        return 16 * index

    def execute_plan_at_index(self, pack: Any, workspace: int, index: int, *, handle: Any) -> None:
        assert (pack, handle) == ({1: 2}, "handle")
        self.clock += self.times[index] or 0


class Device:
    """Events that read a graph's clock."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.xp, self.cuda, self.stream = graph, self, self, "stream"
        self.workspace = self
        self.at = 0.0

    def address(self, size: int) -> int:
        return 1000 + size

    def Event(self) -> Any:  # noqa: N802 - CuPy's name
        return Device(self.graph)

    def record(self, stream: str) -> None:
        self.at = self.graph.clock

    def synchronize(self) -> None:
        """Nothing to wait for."""

    def get_elapsed_time(self, start: Any, end: Any) -> float:
        return end.at - start.at


def test_the_fastest_plan_that_can_be_built_is_taken() -> None:
    graph = Graph(3.0, None, 1.0, 2.0)
    assert fastest(graph, Device(graph), "handle", {1: 2}) == 2
    assert graph.built == [0, 2, 3]
    assert fastest(Graph(None), Device(Graph()), "handle", {}) is None


def test_choices_are_kept_by_card_and_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    graph = Graph(1.0, 2.0)
    choices = Choices("NVIDIA H200", 91900)
    assert choices.path == tmp_path / "netcfg/cudnn-NVIDIA-H200-91900.json"
    assert choices.find("spec", graph) is None
    choices.keep("spec", graph, 1)
    again = Choices("NVIDIA H200", 91900)
    assert again.find("spec", graph) == 1
    assert again.find("spec", Graph(1.0)) is None  # the plan is not there any more
    assert Choices("NVIDIA T4", 91900).find("spec", graph) is None


def test_a_cache_that_is_damaged_or_cannot_be_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = Choices("card", 1).path
    path.parent.mkdir(parents=True)
    path.write_text("{")
    choices = Choices("card", 1)
    choices.keep("spec", Graph(1.0), None)
    assert path.read_text() == "{"
    monkeypatch.setenv("XDG_CACHE_HOME", str(path))  # a file
    other = Choices("card", 1)
    other.keep("spec", Graph(1.0), 0)
    assert other.find("spec", Graph(1.0)) == 0

"""Plans by geometry; whether cuDNN has them: test_conv_graph.py."""

from typing import Any

import pytest

from netcfg.engines import Conv, Window
from netcfg.engines.cuda import cudnn
from netcfg.engines.cuda.conv_graph import Spec

CONV = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
SPEC = Spec("forward", (2, 4, 5, 5), (8, 4, 3, 3), (2, 8, 5, 5), CONV, "float32")


class NotSupportedError(Exception):
    """What the frontend raises where there is no plan."""


class Graph:
    def __init__(self) -> None:
        self.built: list[Any] = []
        self.runs: list[Any] = []

    def build_plans(self) -> None:
        self.built.append("first")

    def build_plan_at_index(self, index: int) -> None:
        self.built.append(index)

    def get_workspace_size(self) -> int:
        return 64

    def execute(self, pack: Any, workspace: int, *, handle: str) -> None:
        self.runs.append((pack, workspace, handle))


class Frontend:
    cudnnGraphNotSupportedError = NotSupportedError  # noqa: N815 - the frontend's name


class Device:
    class workspace:  # noqa: N801
        @staticmethod
        def address(size: int) -> int:
            return 1000 + size


class Choices:
    def __init__(self, index: int | None) -> None:
        self.index = index
        self.kept: list[int | None] = []

    def find(self, spec: Spec, graph: Graph) -> int | None:
        return self.index

    def keep(self, spec: Spec, graph: Graph, index: int | None) -> None:
        self.kept.append(index)


def graphs(index: int | None = None) -> Any:
    made: Any = cudnn.Graphs.__new__(cudnn.Graphs)
    made._cudnn, made._device, made._handle = Frontend, Device, "handle"
    made._plans, made.autotune, made._choices = {}, False, Choices(index)
    made.deterministic = True
    return made


def test_a_plan_is_made_once_and_run_on_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, calls = Graph(), list[Any]()

    def describe(module: Any, spec: Spec, *, handle: str) -> Graph:
        calls.append((spec, handle))
        return graph

    monkeypatch.setattr(cudnn, "describe", describe)
    made = graphs()
    for _ in range(2):
        assert made.run(SPEC, {1: 10, 2: 20, 3: 30})
    assert calls == [(SPEC, "handle")]
    assert graph.built == ["first"]
    assert graph.runs == [({1: 10, 2: 20, 3: 30}, 1064, "handle")] * 2


@pytest.mark.parametrize("wanted", [False, True])
def test_plans_are_deterministic_where_that_is_asked_for(
    wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list[Spec]()

    def describe(module: Any, spec: Spec, *, handle: str) -> Graph:
        found.append(spec)
        return Graph()

    monkeypatch.setattr(cudnn, "describe", describe)
    made = graphs()
    made.deterministic = wanted
    assert made.run(SPEC, {})
    assert [spec.deterministic for spec in found] == [wanted]


def test_what_cudnn_refuses_is_refused_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[Spec]()

    def describe(module: Any, spec: Spec, *, handle: str) -> Graph:
        calls.append(spec)
        raise NotSupportedError

    monkeypatch.setattr(cudnn, "describe", describe)
    made = graphs()
    assert [made.run(SPEC, {}) for _ in range(2)] == [False, False]
    assert len(calls) == 1


def test_what_the_frontend_makes_wrong_is_told_and_done_otherwise(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def describe(module: Any, spec: Spec, *, handle: str) -> Graph:
        raise ValueError("no such knob")

    monkeypatch.setattr(cudnn, "describe", describe)
    made = graphs()
    assert [made.run(SPEC, {}) for _ in range(2)] == [False, False]
    (record,) = caplog.records
    assert record.getMessage().startswith("cuDNN cannot compute Spec(kind='forward'")
    assert record.getMessage().endswith("no such knob")


def test_no_memory_is_not_taken_for_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(module: Any, spec: Spec, *, handle: str) -> Graph:
        raise MemoryError

    monkeypatch.setattr(cudnn, "describe", describe)
    with pytest.raises(MemoryError):
        graphs().run(SPEC, {})


def test_measured_plans_are_kept_and_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph()
    monkeypatch.setattr(cudnn, "describe", lambda module, spec, handle: graph)
    monkeypatch.setattr(cudnn, "fastest", lambda *args: 3)
    made = graphs()
    made.autotune = True
    assert made.run(SPEC, {})
    assert made._choices.kept == [3]
    known = graphs(index=2)
    known.autotune = True
    assert known.run(SPEC, {})
    assert graph.built == [3, 2]
    assert known._choices.kept == []

from pathlib import Path

import pytest

from netcfg.solver.hooks import Hook
from netcfg.solver.hooks.base import Hooks
from netcfg.solver.solver import Solver
from tests.solver.toy import make_project


class Loud(Hook):
    def __init__(self, name: str, heard: list[str]) -> None:
        self.name, self.heard = name, heard

    def on_iteration(self, solver: Solver) -> None:
        self.heard.append(self.name)


def test_hooks_hear_in_their_order(tmp_path: Path) -> None:
    heard: list[str] = []
    solver = Solver(make_project(tmp_path), hooks=[Loud("a", heard), Hook(), Loud("b", heard)])
    solver.step(2)
    assert heard == ["a", "b", "a", "b"]


def test_only_those_that_listen_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = Hooks([Hook(), Loud("a", [])])

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Hook, "on_gradients", fail)
    hooks.emit("on_gradients", None)

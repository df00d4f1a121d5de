"""What is said where a solver does not run where it asks to."""

from types import SimpleNamespace
from typing import Any

import pytest

from netcfg.engines import Engine
from netcfg.engines.cuda.device import MissingError
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.solver import mode


def test_a_missing_gpu_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(index: int) -> None:
        if index == 1:
            raise MissingError("there is no GPU 1; the last one is 0")

    monkeypatch.setattr(mode, "find", find)
    said = "solver_mode is GPU, but no GPU engine is in use"
    gpu = SolverParameter(solver_mode=SolverParameter.GPU, device_id=1)
    assert mode.gpu_missing(gpu, Engine()) == said
    assert mode.gpu_reason(gpu) == " (there is no GPU 1; the last one is 0)"
    gpu.device_id = 0
    assert mode.gpu_reason(gpu) == ""
    there: Any = SimpleNamespace(xp="cupy")
    assert mode.gpu_missing(gpu, there) == ""
    assert mode.gpu_missing(SolverParameter(), Engine()) == ""


def test_layers_that_are_carried_are_named_once() -> None:
    def layer(name: str, outer: Any) -> Any:
        return SimpleNamespace(name=name, type="Python", context=SimpleNamespace(outer=outer))

    net: Any = SimpleNamespace(layers=[layer("a", None), layer("b", 1), layer("c", 1)])
    assert list(mode.carried_layers(net)) == [
        "on the CPU, with their arrays carried over: b (Python), c (Python)"
    ]
    net.layers = net.layers[:1]
    assert list(mode.carried_layers(net)) == []

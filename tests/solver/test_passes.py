"""Iterations one by one and recorded, through a solver."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.engines.cuda import graphs
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_net
from netcfg.solver import Solver
from tests.engines.cuda.fake import FakeDevice, engine
from tests.test_recorded import SameArrays

TEXT = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 0.3 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def solver(storage: str = "float32", **more: Any) -> Solver:
    param = SolverParameter(
        net_param=parse_net(TEXT).message,
        base_lr=0.1,
        lr_policy="fixed",
        momentum=0.9,
        random_seed=2,
        snapshot_prefix="snap",
        **more,
    )
    return Solver(param, engine=engine(storage=storage))


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[SameArrays]:
    made: list[SameArrays] = []

    class Stream(SameArrays):
        def __init__(self, device: Any) -> None:
            made.append(self)
            super().__init__(current[0].train_net)

    monkeypatch.setattr(graphs, "Stream", Stream)
    monkeypatch.setattr(FakeDevice, "stream", "one that records")
    return made


current: list[Solver] = []


def losses(made: Solver, steps: int) -> list[float]:
    current[:] = [made]
    found = []
    for _ in range(steps):
        made.step(1)
        found.append(float(made.losses[-1]))
    return found


@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_recorded_iterations_are_iterations(
    streams: list[SameArrays], storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = losses(one := solver(storage), 8)
    assert streams[0].launches > 0
    monkeypatch.setenv(graphs.VARIABLE, "off")
    plain = losses(two := solver(storage), 8)
    assert len(streams) == 1
    assert recorded == pytest.approx(plain, rel=1e-5)
    for p, q in zip(one.train_net.params, two.train_net.params, strict=True):
        np.testing.assert_allclose(p.value, q.value, rtol=1e-5, atol=1e-7)
    assert float(one.outputs["loss"]) == pytest.approx(recorded[-1], rel=1e-5)


def test_a_feed_or_a_hook_is_not_recorded(streams: list[SameArrays]) -> None:
    made = solver()
    made.train_net.before_forward.append(lambda i: None)
    losses(made, 4)
    assert streams == []


def test_a_resumed_run_is_recorded_anew(
    streams: list[SameArrays], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = solver()
    losses(made, 5)
    _, state = made.snapshot()
    wanted = losses(made, 4)
    made.restore(state)
    assert losses(made, 4) == pytest.approx(wanted, rel=1e-5)


def test_what_cannot_be_recorded_is_trained_as_ever(
    streams: list[SameArrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Any, work: Any) -> None:
        raise NotImplementedError("no products today")

    monkeypatch.setattr(SameArrays, "capture", fails)
    found = losses(solver(), 6)
    assert [stream.launches for stream in streams] == [0]
    monkeypatch.setenv(graphs.VARIABLE, "off")
    assert found == pytest.approx(losses(solver(), 6), rel=1e-5)

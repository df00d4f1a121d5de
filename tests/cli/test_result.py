"""The last lines of a training run."""

from pathlib import Path

from netcfg.cli.result import Result
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_solver
from netcfg.solver import Solver
from tests.cli.conftest import NET, SOLVER


def solver(text: str, result: Result, out: Path | None = None) -> Solver:
    param: SolverParameter = parse_solver(SOLVER + text, "s.prototxt").message
    return Solver(param, hooks=[result], out=out)


def test_several_test_nets(folder: Path) -> None:
    (folder / "net.prototxt").write_text(NET)
    result = Result()
    with solver("test_iter: 1", result, folder / "run") as run:
        run.solve()
        lines = result.text(run).splitlines()
    assert result.reason == "done"
    starts = [line.split("=")[0] for line in lines[:4]]
    assert starts == [
        f"iteration 20, test {i}: {name} " for i in (0, 1) for name in ("accuracy", "loss")
    ]
    assert lines[4].split() == ["weights", str(folder / "run" / "tiny_iter_20.caffemodel")]


def test_stopped_run_is_not_tested_again(folder: Path) -> None:
    (folder / "net.prototxt").write_text(NET)
    result = Result()
    with solver("", result) as run:
        run.request("stop")
        run.solve()
        text = result.text(run)
    assert result.reason == "stopped"
    assert text.splitlines()[0].startswith("weights  tiny_iter_")


def test_nothing_to_tell(folder: Path) -> None:
    (folder / "net.prototxt").write_text(NET)
    text = SOLVER.replace("test_iter: 2", "").replace("test_interval: 10", "")
    param = parse_solver(text + "snapshot_after_train: false", "s.prototxt").message
    result = Result()
    with Solver(param, hooks=[result]) as run:
        run.solve()
        assert result.text(run) == "nothing was tested and nothing written"

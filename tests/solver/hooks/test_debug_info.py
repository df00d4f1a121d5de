from pathlib import Path

import numpy as np
import pytest

from netcfg.solver.solver import Solver
from tests.solver.recorder import Recorder
from tests.solver.toy import NET, make_project


def lines_of(folder: Path, fields: str, net: str = NET, steps: int = 3) -> list[str]:
    """Return the lines of debug_info, each after the event in which it came."""
    recorder = Recorder()
    solver = Solver(make_project(folder, fields, net), hooks=[recorder], out=folder)
    solver.step(steps)
    return [line for line in recorder.lines if line.startswith("    [")]


def test_lines_come_where_an_iteration_is_displayed(tmp_path: Path) -> None:
    lines = lines_of(tmp_path, "debug_info: true display: 2 test_interval: 100")
    kinds = [line.split("]")[0].strip(" [") for line in lines]
    one = ["Forward"] * 15 + ["Backward"] * 10 + ["Update"] * 7
    assert kinds == one * 2
    assert lines[0].startswith("    [Forward] Layer data, top blob data data: 0.")
    assert lines[-1].startswith("    [Update] Layer ip, param 1 data: ")


@pytest.mark.parametrize("fields", ["debug_info: true display: 0", "display: 1"])
def test_no_lines_without_display_or_without_being_asked(tmp_path: Path, fields: str) -> None:
    fields += " test_initialization: false"
    assert lines_of(tmp_path, fields, "debug_info: true " + NET) == []


def test_test_nets_say_it_themselves(tmp_path: Path) -> None:
    net = "debug_info: true " + NET
    lines = lines_of(tmp_path, "display: 1 test_interval: 2", net, steps=2)
    assert {line.split("]")[0] for line in lines} == {"    [Forward"}
    assert len([line for line in lines if "top blob accuracy" in line]) == 2  # test_iter


def test_the_update_is_what_weights_lost(tmp_path: Path) -> None:
    solver = Solver(make_project(tmp_path, "snapshot_diff: true"), out=tmp_path)
    solver.step(2)
    before = [p.data.copy() for p in solver.train_net.params]
    solver.step(1)
    for param, old, velocity in zip(
        solver.train_net.params, before, solver.updater.history, strict=True
    ):
        if param.lr_mult:
            np.testing.assert_array_equal(param.diff, old - param.data)
            np.testing.assert_allclose(param.diff, velocity, rtol=1e-3, atol=1e-7)
            assert (param.diff != 0).any()
        else:
            assert (param.diff == 0).all()


def test_lines_of_the_update(tmp_path: Path) -> None:
    recorder = Recorder()
    fields = "debug_info: true display: 1 test_interval: 100"
    solver = Solver(make_project(tmp_path, fields), hooks=[recorder])
    weight = solver.train_net.layer("ip").params[0]
    old = weight.data.copy()
    solver.step(1)
    mean, step = np.abs(old).mean(), np.abs(old - weight.data).mean()
    assert f"    [Update] Layer ip, param 0 data: {mean:g}; diff: {step:g}" in recorder.lines


def test_nothing_changes(tmp_path: Path) -> None:
    ends = []
    for fields in ("", "debug_info: true snapshot_diff: true display: 1"):
        solver = Solver(make_project(tmp_path, fields))
        solver.step(8)
        ends.append([p.data.copy() for p in solver.train_net.params])
    for plain, shown in zip(*ends, strict=True):
        np.testing.assert_array_equal(plain, shown)

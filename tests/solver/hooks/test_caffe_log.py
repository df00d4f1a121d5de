import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netcfg.solver.hooks import CaffeLog, Progress, Scores
from netcfg.solver.solver import Solver
from tests.solver.recorder import Recorder
from tests.solver.toy import NET, make_project

PREFIX = re.compile(r"I(\d{4}) (\d\d:\d\d:\d\d\.\d{6}) +(\d+) (\w+\.cpp:\d+)\] (.*)")
NUMBER = r"[-+.\deE]+"


def logged(folder: Path, solver: str, resume: str = "", net: str = NET) -> list[str]:
    """Return the lines of a run without their prefixes."""
    stream = io.StringIO()
    runs = Solver(make_project(folder, solver, net), hooks=[CaffeLog(stream)], out=folder)
    if resume:
        runs.restore(folder / resume)
    runs.solve()
    matches = [PREFIX.fullmatch(line) for line in stream.getvalue().splitlines()]
    assert all(matches)
    return [match[5] for match in matches if match]


def test_lines_of_a_run(tmp_path: Path) -> None:
    lines = logged(tmp_path, "max_iter: 2 display: 2 test_interval: 2 test_compute_loss: true")
    test = [
        r"Iteration {}, Testing net \(#0\)",
        rf"Test loss: {NUMBER}",
        rf"    Test net output #0: accuracy = {NUMBER}",
        rf"    Test net output #1: loss = {NUMBER} \(\* 1 = {NUMBER} loss\)",
    ]
    patterns = [
        "Solving toy",
        "Learning Rate Policy: step",
        *[line.format(0) for line in test],
        rf"Iteration 0 \(0 iter/s, {NUMBER}s/2 iters\), loss = {NUMBER}",
        rf"    Train net output #0: loss = {NUMBER} \(\* 1 = {NUMBER} loss\)",
        r"Iteration 0, lr = 0\.05",
        "Snapshotting to binary proto file .*snap_iter_2.caffemodel",
        "Snapshotting solver state to binary proto file .*snap_iter_2.solverstate",
        rf"Iteration 2, loss = {NUMBER}",
        *[line.format(2) for line in test],
        r"Optimization Done\.",
    ]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line)


def test_numbers_of_the_lines() -> None:
    stream = io.StringIO()
    log = CaffeLog(stream)

    net = SimpleNamespace(loss_weight={"loss": 0.5})
    param = SimpleNamespace(display=100)
    solver: Any = SimpleNamespace(out=None, iter=100, train_net=net, test_nets=[net], param=param)
    outputs = {"loss": np.array(0.25), "prob": np.array([0.125, 1e-7])}
    log.on_display(solver, Progress(100, 0.125, 0.01, outputs, 100, 8.0, 50))
    log.on_test_start(solver, 0)
    log.on_test(solver, Scores(100, 0, {"acc": np.array(0.98)}))
    lines = [PREFIX.fullmatch(line) for line in stream.getvalue().splitlines()]
    assert [match[5] for match in lines if match] == [
        "Iteration 100 (12.5 iter/s, 8s/100 iters), loss = 0.125",
        "    Train net output #0: loss = 0.25 (* 0.5 = 0.125 loss)",
        "    Train net output #1: prob = 0.125",
        "    Train net output #2: prob = 1e-07",
        "Iteration 100, lr = 0.01",
        "Iteration 100, Testing net (#0)",
        "    Test net output #0: acc = 0.98",
    ]


def parse(path: Path) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Read a log as the scripts that come with Caffe do: by these words and these columns."""
    train: list[dict[str, float]] = []
    test: list[dict[str, float]] = []
    iteration, rate = -1.0, float("nan")
    text = path.read_text()
    assert any("Solving" in line for line in text.splitlines())
    for line in text.splitlines():
        day, clock = line.split()[:2]
        assert 1 <= int(day[1:3]) <= 12
        assert 1 <= int(day[3:]) <= 31
        assert [int(x) for x in clock[: clock.rfind(".")].split(":")]
        if match := re.search(r"Iteration (\d+)", line):
            iteration = float(match[1])
        if match := re.search(r"lr = ([-+]?[0-9]*\.?[0-9]+([eE]?[-+]?[0-9]+)?)", line):
            rate = float(match[1])
        for rows, phase in ((train, "Train"), (test, "Test")):
            if match := re.search(rf"{phase} net output #(\d+): (\S+) = ([\.\deE+-]+)", line):
                if not rows or rows[-1]["NumIters"] != iteration:
                    rows.append({"NumIters": iteration, "LearningRate": rate})
                rows[-1][match[2]] = float(match[3])
    return train, test


def test_file_is_read_by_the_usual_parsers(tmp_path: Path) -> None:
    logged(tmp_path, "max_iter: 20 display: 5 test_interval: 10")
    train, test = parse(tmp_path / "train.log")
    assert [row["NumIters"] for row in train] == [0, 5, 10, 15]
    assert [row["NumIters"] for row in test] == [0, 10, 20]
    assert test[-1].keys() == {"NumIters", "LearningRate", "accuracy", "loss"}
    assert test[-1]["LearningRate"] == 0.0125


def test_resumed_run_goes_on_in_its_file_and_a_fresh_one_begins_anew(tmp_path: Path) -> None:
    logged(tmp_path, "max_iter: 5")
    first = (tmp_path / "train.log").read_text()
    logged(tmp_path, "max_iter: 8", resume="snap_iter_5.solverstate")
    both = (tmp_path / "train.log").read_text()
    assert both.startswith(first)
    rest = both[len(first) :].splitlines()
    assert "Restoring previous solver status" in rest[0]
    assert "Solving toy" in rest[1]
    logged(tmp_path, "max_iter: 5")
    assert (tmp_path / "train.log").read_text().count("Solving toy") == 1


def test_messages_before_training_are_in_the_file(tmp_path: Path) -> None:
    path = make_project(tmp_path, "max_iter: 1 random_seed: -1")
    solver = Solver(path, hooks=[CaffeLog()], out=tmp_path)
    assert not (tmp_path / "train.log").exists()
    solver.solve()
    assert "] random_seed: " in (tmp_path / "train.log").read_text().splitlines()[0]


@pytest.mark.parametrize("reason", ["stopped", "failed"])
def test_last_line(tmp_path: Path, reason: str) -> None:
    path = make_project(tmp_path, "max_iter: 9")
    solver = Solver(path, hooks=[CaffeLog(), Recorder()], out=tmp_path)
    if reason == "stopped":
        solver.request("stop")
        solver.solve()
    else:
        solver.train_net.backward = None  # type: ignore[assignment, method-assign]
        with pytest.raises(TypeError):
            solver.solve()
    last = (tmp_path / "train.log").read_text().splitlines()[-1]
    assert ("Optimization stopped early." in last) == (reason == "stopped")
    assert "Optimization Done" not in last

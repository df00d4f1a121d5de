"""Logs of training as records and tables."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from netcfg.errors import NetError
from netcfg.solver.hooks import CaffeLog, MetricsJsonl
from netcfg.solver.logs import parse_log, read_log, run_names, write_tables
from netcfg.solver.solver import Solver
from tests.solver.toy import make_project

LOG = """\
Log file created at: 2015/12/31 23:59:50
I1231 23:59:50.100000  1234 caffe.cpp:185] Using GPUs 0
I1231 23:59:58.000000  1234 solver.cpp:279] Solving LeNet
I1231 23:59:58.500000  1234 solver.cpp:337] Iteration 0, Testing net (#0)
I1231 23:59:59.000000  1234 solver.cpp:404]     Test net output #0: accuracy = 0.0961
I1231 23:59:59.000100  1234 solver.cpp:404]     Test net output #1: loss = 2.3712 (* 1 = 2.37 loss)
I1231 23:59:59.250000  1234 solver.cpp:337] Iteration 0, Testing net (#1)
I1231 23:59:59.500000  1234 solver.cpp:404]     Test net output #0: accuracy = 0.1
I1231 23:59:59.500000  1234 solver.cpp:228] Iteration 0, loss = 2.40113
I1231 23:59:59.500100  1234 solver.cpp:244]     Train net output #0: prob = 0.25
I1231 23:59:59.500100  1234 solver.cpp:244]     Train net output #1: prob = 0.75
I1231 23:59:59.500100  1234 solver.cpp:244]     Train net output #2: my loss = 2.5 (* 1 = 2.5 loss)
I1231 23:59:59.500200  1234 sgd_solver.cpp:106] Iteration 0, lr = 0.01
a line of someone else, lr = 7
I0101 00:00:02.500000  1234 solver.cpp:228] Iteration 100 (33.3 iter/s, 3s/100 iters), loss = nan
I0101 00:00:02.500100  1234 solver.cpp:244]     Train net output #0: my loss = -nan (* 1 = -nan)
I0101 00:00:02.500200  1234 sgd_solver.cpp:106] Iteration 100, lr = 9.9e-03
I0101 00:00:05.500000  1234 solver.cpp:317] Iteration 200, loss = 1.5e-05
I0101 00:00:05.500100  1234 solver.cpp:337] Iteration 200, Testing net (#0)
I0101 00:00:06.000000  1234 solver.cpp:399] Test loss: 0.5
I0101 00:00:06.000000  1234 solver.cpp:404]     Test net output #0: accuracy = 1
"""


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text()), delimiter=delimiter))


def test_records_of_caffe() -> None:
    assert parse_log(LOG, 1999) == [
        {"iteration": 0, "phase": "test", "net": 0, "seconds": 1.0,
         "outputs": {"accuracy": 0.0961, "loss": 2.3712}},
        {"iteration": 0, "phase": "test", "net": 1, "seconds": 1.5, "outputs": {"accuracy": 0.1}},
        {"iteration": 0, "phase": "train", "seconds": 1.5001, "loss": 2.40113, "lr": 0.01,
         "outputs": {"prob": [0.25, 0.75], "my loss": 2.5}},
        {"iteration": 100, "phase": "train", "seconds": 4.5001, "loss": None, "lr": 0.0099,
         "outputs": {"my loss": None}},
        {"iteration": 200, "phase": "train", "seconds": 7.5, "loss": 1.5e-05, "outputs": {}},
        {"iteration": 200, "phase": "test", "net": 0, "seconds": 8.0, "loss": 0.5,
         "outputs": {"accuracy": 1.0}},
    ]  # fmt: skip


def test_tables(tmp_path: Path) -> None:
    written = write_tables(parse_log(LOG, 2015), tmp_path, "a.log")
    assert [path.name for path in written] == ["a.log.train", "a.log.test", "a.log.test1"]
    lines = written[0].read_bytes().decode().split("\r\n")
    assert lines == [
        "NumIters,Seconds,LearningRate,prob[0],prob[1],my loss",
        "0.0,1.5001,0.01,0.25,0.75,2.5",
        "100.0,4.5001,0.0099,,,nan",
        "",
    ]
    assert rows(written[1]) == [
        {"NumIters": "0.0", "Seconds": "1.0", "LearningRate": "0.01", "accuracy": "0.0961",
         "loss": "2.3712"},
        {"NumIters": "200.0", "Seconds": "8.0", "LearningRate": "0.0099", "accuracy": "1.0",
         "loss": ""},
    ]  # fmt: skip
    assert [row["accuracy"] for row in rows(written[2])] == ["0.1"]


def test_delimiters(tmp_path: Path) -> None:
    train = write_tables(parse_log(LOG, 2015), tmp_path, "a", "\t")[0]
    assert rows(train, "\t")[0]["my loss"] == "2.5"
    for wrong in ("", ", ", "\n", '"'):
        with pytest.raises(NetError, match="the delimiter must be one character"):
            write_tables([], tmp_path, "a", wrong)


def test_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    loss: dict[str, Any] = {"iteration": 3, "phase": "train", "loss": 1.0, "outputs": {}}
    assert write_tables([loss], tmp_path, "a") == []
    test = {"iteration": 3, "phase": "test", "outputs": {"x": 1.0}}
    path = write_tables([loss, test], tmp_path, "a")[0]
    assert path.read_text() == "NumIters,Seconds,LearningRate,x\n3.0,,nan,1.0\n"


def test_years() -> None:
    def seconds(*stamps: str) -> list[float]:
        text = "".join(f"I{s}  1 solver.cpp:1] Iteration 1, loss = 1\n" for s in stamps)
        return [record["seconds"] for record in parse_log(text, 2019)]

    day = 24 * 3600
    assert seconds("1231 23:00:00.000000", "0101 00:00:00.000000") == [0, 3600]
    assert seconds("20200228 00:00:00.5", "20200301 00:00:00.500000") == [0, 2 * day]
    assert seconds("0228 00:00:00.0", "0301 00:00:00.0") == [0, day]
    # There was no such day in 2019: the time stands still.
    assert seconds("0228 00:00:00.0", "0229 00:00:00.0") == [0, 0]
    assert parse_log("no stamp: Iteration 5, loss = 2", 2019) == [
        {"iteration": 5, "phase": "train", "loss": 2.0, "outputs": {}}
    ]


def test_outputs_without_their_heads() -> None:
    text = """
      Train net output #0: early = 1
      Iteration 5, lr = 0.5
      Train net output #0: loss = 1
      Test net output #0: accuracy = 1
      Iteration 6, lr = 0.25
      Test net output #0: accuracy = 0.5
    """
    assert parse_log(text, 2019) == [
        {"iteration": 5, "phase": "train", "outputs": {"loss": 1.0}},
        {"iteration": 5, "phase": "test", "net": 0, "outputs": {"accuracy": 1.0}},
        {"iteration": 6, "phase": "test", "net": 0, "outputs": {"accuracy": 0.5}},
    ]


def test_own_logs_agree(tmp_path: Path) -> None:
    solver = "max_iter: 4 display: 2 test_interval: 2 test_compute_loss: true"
    project = make_project(tmp_path, solver)
    Solver(project, hooks=[CaffeLog(), MetricsJsonl()], out=tmp_path / "out").solve()
    metrics = read_log(tmp_path / "out")
    logged = read_log(tmp_path / "out/train.log")
    assert len(metrics) == len(logged) == 6
    for ours, theirs in zip(metrics, logged, strict=True):
        assert (ours["iteration"], ours["phase"]) == (theirs["iteration"], theirs["phase"])
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert ours["outputs"] == pytest.approx(theirs["outputs"], rel=1e-4)
        assert ours.get("lr") == theirs.get("lr") or theirs["iteration"] == 4
    tables = write_tables(metrics, tmp_path, "m")
    assert [len(rows(path)) for path in tables] == [2, 3]


def test_where_logs_are_found(tmp_path: Path) -> None:
    with pytest.raises(NetError, match=r"'.*none' not found"):
        read_log(tmp_path / "none")
    with pytest.raises(NetError, match=r"holds neither metrics\.jsonl nor train\.log"):
        read_log(tmp_path)
    (tmp_path / "train.log").write_text(LOG)
    os.utime(tmp_path / "train.log", (0, 0))
    assert len(read_log(tmp_path)) == 6
    record = {"iteration": 1, "phase": "train", "loss": 1.0, "outputs": {}}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(record))
    assert read_log(tmp_path) == [record]
    (tmp_path / "x").write_bytes(b"\xff no log")
    with pytest.raises(NetError, match="is no log of training: it tells of no iteration"):
        read_log(tmp_path / "x")


def test_names_of_runs() -> None:
    assert run_names(["a.log", "b.b/metrics.jsonl", "train.log"]) == ["a", "b.b", "train"]
    with pytest.raises(NetError, match=r"log 'a\.log' is given twice"):
        run_names(["a.log", "a.log"])

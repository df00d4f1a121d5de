import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netcfg.solver.hooks import TensorBoard
from netcfg.solver.solver import Solver
from tests.solver.recorder import Recorder
from tests.solver.toy import make_project


def events(path: Path) -> Iterator[Any]:
    """Yield the events of a file: length, its checksum, bytes and their checksum, over and over."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    data, place = path.read_bytes(), 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 8], "little")
        yield event_pb2.Event.FromString(data[place + 12 : place + 12 + size])
        place += 12 + size + 4


def test_scalars(tmp_path: Path) -> None:
    path = make_project(tmp_path, "max_iter: 6 display: 3 test_interval: 3")
    Solver(path, hooks=[TensorBoard()], out=tmp_path).solve()
    (file,) = (tmp_path / "tensorboard").iterdir()
    got = {(v.tag, e.step): v.simple_value for e in events(file) for v in e.summary.value}
    assert {step for tag, step in got if tag == "train/loss"} == {0, 3, 6}
    assert {step for tag, step in got if tag == "test0/accuracy"} == {0, 3, 6}
    assert got["train/lr", 3] == pytest.approx(0.05)
    assert {step for tag, step in got if tag == "train/images_per_second"} == {3, 6}
    assert ("train/output/loss", 0) in got


def test_resumed_run_hides_what_it_writes_again(tmp_path: Path) -> None:
    path = make_project(tmp_path, "max_iter: 3")
    Solver(path, out=tmp_path).solve()
    solver = Solver(path, hooks=[TensorBoard()], out=tmp_path)
    solver.restore("auto")
    solver.solve()
    (file,) = (tmp_path / "tensorboard").iterdir()
    assert [e.step for e in events(file) if e.HasField("session_log")] == [3]


def test_without_tensorboardx_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    recorder = Recorder()
    path = make_project(tmp_path, "max_iter: 2")
    Solver(path, hooks=[TensorBoard(), recorder], out=tmp_path).solve()
    assert recorder.lines == [
        "no TensorBoard events: tensorboardX is missing, pip install 'netcfg[viz]'"
    ]
    assert recorder.events[-1] == "stop done"

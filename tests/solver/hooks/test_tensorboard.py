import sys
from pathlib import Path

import pytest

from netcfg.solver.hooks import TensorBoard
from netcfg.solver.solver import Solver
from tests.solver.recorder import Recorder
from tests.solver.toy import make_project


def test_scalars(tmp_path: Path) -> None:
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    path = make_project(tmp_path, "max_iter: 6 display: 3 test_interval: 3")
    Solver(path, hooks=[TensorBoard()], out=tmp_path).solve()
    (file,) = (tmp_path / "tensorboard").iterdir()
    data, place, got = file.read_bytes(), 0, {}
    while place < len(data):  # records: length, its checksum, bytes, their checksum
        size = int.from_bytes(data[place : place + 8], "little")
        event = event_pb2.Event.FromString(data[place + 12 : place + 12 + size])
        place += 12 + size + 4
        for value in event.summary.value:
            got[value.tag, event.step] = value.simple_value
    assert {step for tag, step in got if tag == "train/loss"} == {0, 3, 6}
    assert {step for tag, step in got if tag == "test0/accuracy"} == {0, 3, 6}
    assert got["train/lr", 3] == pytest.approx(0.05)
    assert {step for tag, step in got if tag == "train/images_per_second"} == {3, 6}
    assert ("train/output/loss", 0) in got


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

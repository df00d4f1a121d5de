"""The benchmark of the CPU engine: turns, and netcfg's side of them."""

import argparse
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from benchmarks import cpu
from benchmarks.cpu import Bench, Contestant
from benchmarks.cpu_page import Figures
from benchmarks.peers.turns import read_reference
from benchmarks.works import Work

LENET = Work("LeNet", 2, True, (0.5, 0.75))


@pytest.fixture(autouse=True)
def _short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "TURN", 1.0)
    monkeypatch.setattr(cpu, "REST", 0.0)


def test_disturbed_steps_count_only_where_few_are_left() -> None:
    calm = [(float(i), 0) for i in range(1, 6)]
    record = Contestant("a", Mock(), [*calm, (100.0, 3)]).record
    assert (record.ms, record.steps, record.disturbed) == (3, 5, False)
    record = Contestant("a", Mock(), [(1.0, 0), (2.0, 1), (9.0, 1)]).record
    assert (record.ms, record.steps, record.disturbed) == (2, 3, True)


@pytest.mark.parametrize("train", [True, False])
def test_netcfg_and_numpy_take_turns(train: bool, tmp_path: Path) -> None:
    bench = Bench(None, tmp_path)
    ours, numpy = bench.measure(Work("LeNet", 2, train), 1, 2)
    assert (ours.name, numpy.name) == ("netcfg", "NumPy engine")
    assert len(ours.samples) >= 2
    assert ours.record.ms > 0
    assert ours.memory > 10_000, "KiB"
    assert ours.process.returncode is not None
    assert bench.failures == []


def test_another_net_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = cpu.reference.write

    def write(path: Path, name: str, batch: int) -> int:
        learned = right(path, name, batch)
        arrays = read_reference({"reference": str(path)})
        np.savez(path, **arrays | {"output": arrays["output"][:, ::-1]})
        return learned

    monkeypatch.setattr(cpu.reference, "write", write)
    bench = Bench(None, tmp_path)
    with pytest.raises(SystemExit):
        bench.measure(LENET, 1, 1)
    assert len(bench.failures) == 1
    expected = "LeNet train b2, 1 threads, netcfg: not the same net: outputs differ by "
    assert bench.failures[0].startswith(expected)


def test_a_peer_that_fails_is_reported(tmp_path: Path) -> None:
    bench = Bench(sys.executable, tmp_path)
    work = Work("LSTM", 32, True)
    assert (
        bench._start("eager", work, [sys.executable, "-c", "exit('no torch')"], {"threads": 1}, {})
        is None
    )
    assert bench.failures == ["LSTM train b32, 1 threads, eager: no torch"]


def test_only_takes_rows_by_their_titles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "WORKS", (LENET, Work("CaffeNet", 32, True)))
    out = tmp_path / "cpu.md"
    args = argparse.Namespace(peers=None, only="LeNet", threads=[1], rounds=1, out=out)
    figures = Figures()
    cpu.run(args, figures, tmp_path)
    assert list(figures.rows) == [("LeNet train b2", 1)]
    again = Figures()
    again.read(out.with_suffix(".json"))
    assert again == figures


def test_rows_of_another_run_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "cpu.md"
    out.write_text("rows")
    monkeypatch.setattr(sys, "argv", ["cpu", "--only", "LeNet", "--out", str(out)])
    with pytest.raises(SystemExit):
        cpu.main()
    assert "has no figures of this machine" in capsys.readouterr().err
    assert out.read_text() == "rows"


def test_memory_is_measured_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "WORKS", ())
    monkeypatch.setattr(cpu, "MEMORY", (Work("LeNet", 2, True, memory=True),))
    args = argparse.Namespace(peers=None, only="", threads=[1, 2], rounds=1, out=None)
    figures = Figures()
    cpu.run(args, figures, tmp_path)
    assert [(key, list(row)) for key, row in figures.rows.items()] == [
        (("LeNet train b2 memory", 2), ["netcfg"])
    ]

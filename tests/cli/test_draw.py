"""Pictures, from the command line."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_dot_file(run: Run, tiny: Path) -> None:
    result = run("draw", "net.prototxt", "net.dot", "--phase", "train", "--rankdir", "TB")
    assert (result.status, result.out, result.err) == (0, "net.dot: drawn\n", "")
    text = (tiny / "net.dot").read_text()
    assert "rankdir=TB;" in text
    assert "4×2" in text
    assert "accuracy" not in text
    assert "lr_mult" not in text
    assert run("draw", "net.prototxt", "net.dot", "--display-lrm").status == 0
    text = (tiny / "net.dot").read_text()
    assert "accuracy" in text
    assert "lr_mult 1" in text


def test_shapes_in_place_of_data(run: Run, tiny: Path) -> None:
    assert run("draw", "net.prototxt", "net.dot", "--shape", "data=7,3").status == 0
    assert "7×2" in (tiny / "net.dot").read_text()


def test_what_is_refused(run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tiny))
    missing = run("draw", "net.prototxt", "net.png")
    assert missing.status == 2
    assert missing.err.startswith("netcfg: error: a .png is drawn by Graphviz")
    assert "must hold a net" in run("draw", "solver.prototxt", "net.dot").err
    (tiny / "empty.prototxt").write_text('name: "nothing"')
    assert "'empty.prototxt' holds no layers to draw" in run("draw", "empty.prototxt", "n.dot").err

"""Findings from the command line."""

from pathlib import Path

from tests.cli.conftest import Run


def test_good_files(run: Run, tiny: Path) -> None:
    result = run("check", "solver.prototxt", "net.prototxt")
    assert result.status == 0
    assert result.out == "2 files: 0 errors, 0 warnings, 0 notes\n"


def test_errors_and_their_number(run: Run, tiny: Path) -> None:
    net = tiny / "net.prototxt"
    net.write_text(net.read_text().replace('"SoftmaxWithLoss"', '"SoftmaxWithLos"'))
    result = run("check", "net.prototxt", "missing.prototxt")
    assert result.status == 2
    first, second, last = result.out.splitlines()
    assert first.startswith("net.prototxt:17:1: error: layer 'loss' (SoftmaxWithLos): unknown")
    assert second.startswith("missing.prototxt: error: file 'missing.prototxt' not found")
    assert last == "2 files: 2 errors, 0 warnings, 0 notes"

import io
import re
from pathlib import Path

import pytest

from netcfg.solver.hooks import ProgressBar, progress_bar
from netcfg.solver.solver import Solver
from tests.solver.toy import make_project


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def train(folder: Path, stream: Stream, lines: str) -> str:
    path = make_project(folder, lines)
    with Solver(path, hooks=[ProgressBar(stream)], out=folder) as solver:
        solver.solve()
    return stream.getvalue()


def test_plain_lines(tmp_path: Path) -> None:
    text = train(tmp_path, Stream(False), "max_iter: 6 display: 3 test_interval: 6")
    patterns = [
        r"iteration 0  test 0  accuracy [\d.]+  loss [\d.]+",
        r"iteration 0/6  loss [\d.]+  lr 0\.05",
        r"iteration 3/6  loss [\d.]+  lr 0\.05  [\d,]+ images/s  0:00 left",
        r"snapshot .*snap_iter_6\.solverstate",
        r"iteration 6/6  loss [\d.]+  lr 0\.05  [\d,]+ images/s",
        r"iteration 6  test 0  accuracy [\d.]+  loss [\d.]+",
        r"done after 6 iterations",
    ]
    lines = text.splitlines()
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line)
    assert "\r" not in text


def test_bar_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "EVERY", 0)
    text = train(tmp_path, Stream(True), "max_iter: 6 display: 3 test_interval: 6")
    looks = [part.split("\n")[0] for part in text.split("\r")]
    shown = [look for look in looks if re.match(r"4/6 \|", look)]
    assert shown
    pattern = r"4/6 \|.*\| \[00:0\d, 00:0\d left\], loss [\d.]+  lr 0\.05  [\d,]+ images/s"
    assert re.search(pattern, shown[0])
    assert any(look.startswith("6/6 |") for look in looks)
    assert "iteration 6  test 0  accuracy" in text
    assert text.endswith("done after 6 iterations\n")


@pytest.mark.parametrize(("every", "least", "most"), [(0, 30, 1000), (1e9, 2, 12)])
def test_bar_is_not_drawn_more_often_than_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: float, least: int, most: int
) -> None:
    monkeypatch.setattr(progress_bar, "EVERY", every)
    text = train(tmp_path, Stream(True), "max_iter: 30 display: 0 test_interval: 100")
    assert least <= text.count("\r") <= most

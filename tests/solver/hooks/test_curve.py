import sys
from pathlib import Path

import pytest

from netcfg.solver.hooks import Curve, MetricsJsonl
from netcfg.solver.solver import Solver
from tests.solver.recorder import Recorder
from tests.solver.toy import make_project


def test_picture_at_the_end(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = make_project(tmp_path, "max_iter: 6 display: 1 test_interval: 2")
    Solver(path, hooks=[MetricsJsonl(), Curve()], out=tmp_path).solve()
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "netcfg.solver.curves", None)
    recorder = Recorder()
    path = make_project(tmp_path, "max_iter: 2")
    Solver(path, hooks=[MetricsJsonl(), Curve(), recorder], out=tmp_path).solve()
    assert recorder.lines == ["no curve.png: matplotlib is missing, pip install 'netcfg[viz]'"]


def test_without_metrics_there_is_no_picture(tmp_path: Path) -> None:
    path = make_project(tmp_path, "max_iter: 2")
    Solver(path, hooks=[Curve()], out=tmp_path).solve()
    assert not (tmp_path / "curve.png").exists()

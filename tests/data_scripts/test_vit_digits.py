"""The transformer of configs/vit_digits learns to read digits."""

from pathlib import Path

import pytest

from netcfg.solver import Solver
from tests.data_scripts.scripts import run, script

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 0.95
"""Share of digits that are read; 0.98 is usual."""


@pytest.mark.training
def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    run(script("get_digits"), monkeypatch)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    with Solver("configs/vit_digits/solver.prototxt", out=tmp_path / "out") as solver:
        solver.solve()
        scores = solver.test(0)
    assert scores is not None
    assert float(scores.outputs["accuracy"]) > ENOUGH

"""The net of configs/shapes_seg learns which pixels belong to shapes."""

from pathlib import Path

import pytest

from netcfg.solver import Solver
from tests.data_scripts.scripts import run, script

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 0.9
"""Mean intersection over union."""


@pytest.mark.training
def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(script("get_shape_masks"), monkeypatch)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    with Solver("configs/shapes_seg/solver.prototxt", out=tmp_path / "out") as solver:
        solver.solve()
        scores = solver.test(0)
    assert scores is not None
    pixels, recall, share = scores.outputs["accuracy"].reshape(-1)
    assert share > ENOUGH
    assert pixels > recall > share

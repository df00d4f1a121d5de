"""The detector of configs/shapes_ssd learns to find shapes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netcfg.engines import threads
from netcfg.solver import Solver
from tests.data_scripts.scripts import run, script

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 0.8
"""Mean average precision; 0.88 is usual."""


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Threads of small layers wait for each other where other work takes their processors."""
    threads.set_count(1)
    yield
    threads.set_count(None)


@pytest.mark.training
@pytest.mark.usefixtures("_one_thread")
def test_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(script("get_shapes"), monkeypatch, "--out", tmp_path / "data/shapes")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    with Solver("configs/shapes_ssd/solver.prototxt", out=tmp_path / "out") as solver:
        solver.solve()
        scores = solver.test(0)
    assert scores is not None
    assert float(scores.outputs["detection_eval"]) > ENOUGH
    assert set(scores.per_class["detection_eval"]) == {1, 2, 3}

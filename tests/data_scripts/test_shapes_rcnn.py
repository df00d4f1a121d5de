"""The Faster R-CNN of configs/shapes_rcnn learns to find shapes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netcfg.engines import threads
from netcfg.solver import Solver
from tests.data_scripts.scripts import run, script
from tests.examples.programs import number
from tests.examples.programs import run as run_example

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 0.85
"""Mean average precision; 0.92 (11point) and 0.96 (Integral) are usual."""


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
    with Solver("configs/shapes_rcnn/solver.prototxt") as solver:
        solver.solve()
    said = run_example("faster_rcnn/evaluate.py", folder=tmp_path)
    assert number("mAP 11point", said) > ENOUGH
    assert number("mAP Integral", said) > ENOUGH
    assert said.count("class 3") == 3

import json
from pathlib import Path
from typing import Any

import numpy as np

from netcfg.solver.hooks import MetricsJsonl, Progress
from netcfg.solver.hooks.metrics import read_metrics
from netcfg.solver.solver import Solver
from tests.solver.toy import make_project

SOLVER = "max_iter: 10 display: 2 test_interval: 4 average_loss: 1 test_compute_loss: true"


def train(folder: Path, solver: str = SOLVER, resume: str = "") -> list[dict[str, Any]]:
    run = Solver(make_project(folder, solver), hooks=[MetricsJsonl()], out=folder)
    if resume:
        run.restore(folder / resume)
    run.solve()
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def without_times(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    times = ("seconds", "images_per_second")
    return [{k: v for k, v in record.items() if k not in times} for record in records]


def test_records(tmp_path: Path) -> None:
    records = train(tmp_path)
    assert [(r["iteration"], r["phase"]) for r in records] == [
        *((0, "test"), (0, "train"), (2, "train"), (4, "test"), (4, "train")),
        *((6, "train"), (8, "test"), (8, "train"), (10, "train")),
    ]
    test, first = records[0], records[1]
    assert test.keys() == {"iteration", "phase", "net", "loss", "outputs", "seconds"}
    assert set(test["outputs"]) == {"accuracy", "loss"}
    assert test["loss"] == test["outputs"]["loss"]
    assert first["lr"] == 0.05
    assert first["outputs"]["loss"] == first["loss"]
    assert records[2]["images_per_second"] > 0
    seconds = [r["seconds"] for r in records]
    assert seconds == sorted(seconds)


def test_resumed_run_has_the_lines_of_the_whole_one(tmp_path: Path) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = train(tmp_path / "whole")
    train(tmp_path / "parts", f"{SOLVER} snapshot: 5".replace("max_iter: 10", "max_iter: 8"))
    file = tmp_path / "parts/metrics.jsonl"
    file.write_text(file.read_text() + '{"iteration": 9, "phase": "tr')  # killed while writing
    parts = train(tmp_path / "parts", resume="snap_iter_5.solverstate")
    assert without_times(parts) == without_times(whole)
    seconds = [r["seconds"] for r in parts]
    assert seconds == sorted(seconds)


def test_fresh_run_begins_a_fresh_file(tmp_path: Path) -> None:
    assert without_times(train(tmp_path)) == without_times(train(tmp_path))


def test_values_that_are_not_finite_and_vectors(tmp_path: Path) -> None:
    hook = MetricsJsonl(tmp_path / "m.jsonl")
    solver = Solver(make_project(tmp_path))
    outputs = {"v": np.array([1.5, np.inf]), "s": np.array([2.0])}
    hook.on_display(solver, Progress(0, float("nan"), 0.1, outputs, 0, 0.0, 0.0))
    hook.on_stop(solver, "failed")
    (record,) = read_metrics(tmp_path / "m.jsonl")
    assert record["loss"] is None
    assert record["outputs"] == {"v": [1.5, None], "s": 2.0}


def test_without_a_place_nothing_is_written(tmp_path: Path) -> None:
    path = make_project(tmp_path, f'max_iter: 2 snapshot_prefix: "{tmp_path}/snap"')
    Solver(path, hooks=[MetricsJsonl()]).solve()
    assert not list(tmp_path.glob("**/*.jsonl"))


def test_reading_passes_over_what_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    assert read_metrics(path) == []
    path.write_text('{"iteration": 1}\n[1]\n{"iteration": "x"}\n\n{"iteration": 2}\n{"itera')
    assert [r["iteration"] for r in read_metrics(path)] == [1, 2]
    wrong = ['"phase": []', '"net": "0"', '"outputs": 3', '"seconds": "1"']
    path.write_text("".join(f'{{"iteration": {i}, {w}}}\n' for i, w in enumerate(wrong)))
    assert read_metrics(path) == []

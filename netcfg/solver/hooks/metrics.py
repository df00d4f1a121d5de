"""Metrics of a run, one JSON object a line, for plots and scripts."""

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from netcfg.io.files import write_whole
from netcfg.solver.hooks.base import Hook, Outputs, Progress, Scores

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver

DIGITS = 7
"""Significant ones of a float32."""


class MetricsJsonl(Hook):
    """Writes ``metrics.jsonl`` in the solver's ``out``.

    A resumed run drops the lines that it will write again and goes on after the others, in seconds
    too. Values that are not finite are written as null.

    Args:
        path: another file.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = None if path is None else Path(path)
        self._file: TextIO | None = None
        self._began = 0.0

    def on_start(self, solver: "Solver") -> None:
        """Open the file, which a fresh run begins anew."""
        path = self._path or (solver.out and solver.out / "metrics.jsonl")
        if path is None or self._file is not None:
            return
        kept = [r for r in read_metrics(path) if r["iteration"] < solver.iter]
        with write_whole(path) as file:
            file.writelines(_line(record).encode() for record in kept)
        self._file = path.open("a", encoding="utf-8")
        self._began = time.monotonic() - (kept[-1].get("seconds", 0.0) if kept else 0.0)

    def on_display(self, solver: "Solver", progress: Progress) -> None:
        """Write a record of the train net."""
        self._write(
            solver,
            iteration=progress.iteration,
            phase="train",
            loss=_number(progress.loss),
            outputs=_numbers(progress.outputs),
            lr=_number(progress.lr),
            images_per_second=_number(progress.images_per_second),
        )

    def on_test(self, solver: "Solver", scores: Scores) -> None:
        """Write a record of a test net."""
        self._write(
            solver,
            iteration=scores.iteration,
            phase="test",
            net=scores.net,
            loss=None if scores.loss is None else _number(scores.loss),
            outputs=_numbers(scores.outputs),
        )

    def on_stop(self, solver: "Solver", reason: str) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, solver: "Solver", **record: Any) -> None:
        if self._file is None:
            self.on_start(solver)
        if self._file is not None:
            record["seconds"] = round(time.monotonic() - self._began, 3)
            self._file.write(_line(record))
            self._file.flush()


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """Return the records of a file, none where it does not exist; a last line cut off is left out.

    Lines that are not such records are left out as well.
    """
    path = Path(path)
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and _is_record(record):
            records.append(record)
    return records


def _is_record(found: dict[str, Any]) -> bool:
    """Whether what readers of the file rely on is of its type."""
    return (
        isinstance(found.get("iteration"), int)
        and found.get("phase", "train") in ("train", "test")
        and isinstance(found.get("net", 0), int)
        and isinstance(found.get("outputs", {}), dict)
        and isinstance(found.get("seconds", 0), int | float)
    )


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


def _number(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _numbers(outputs: Outputs) -> dict[str, Any]:
    """Return a number for each output of one element, a list for the others."""
    result: dict[str, Any] = {}
    for name, values in outputs.items():
        numbers = [_number(v) for v in np.ravel(values).tolist()]
        result[name] = numbers[0] if len(numbers) == 1 else numbers
    return result

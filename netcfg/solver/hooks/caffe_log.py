"""The log that Caffe writes, line by line, so that existing log parsers and plots go on working."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from netcfg.solver.hooks.base import Hook, Outputs, Progress, Scores

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver

DEBUG = ("    [Forward]", "    [Backward]", "    [Update]")
"""How the lines of ``debug_info`` begin."""


class CaffeLog(Hook):
    """Writes Caffe's log to ``train.log`` in the solver's ``out``, and to a stream.

    A fresh run begins a new file, a resumed one goes on in the old one.

    Args:
        stream: gets every line at once; none where None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._file: TextIO | None = None
        self._waiting: list[str] = []

    def on_message(self, solver: "Solver", text: str) -> None:
        """Log a line of the user's own kind."""
        place = "net.cpp:593" if text.startswith(DEBUG) else "solver.cpp:1"
        self._write(solver, place, [text], wait=True)

    def on_start(self, solver: "Solver") -> None:
        """Log the net's name; parsers take the time of this line for the beginning."""
        policy = f"Learning Rate Policy: {solver.param.lr_policy}"
        self._write(solver, "solver.cpp:272", [f"Solving {solver.train_net.name}", policy])

    def on_display(self, solver: "Solver", progress: Progress) -> None:
        """Log loss, outputs and learning rate."""
        p = progress
        if p.final:
            line = f"Iteration {p.iteration}, loss = {p.loss:g}"
            self._write(solver, "solver.cpp:310", [line])
            return
        rate = p.iterations / p.seconds if p.seconds > 0 else 0.0
        head = (
            f"Iteration {p.iteration} ({rate:g} iter/s, {p.seconds:g}s/{solver.param.display} "
            f"iters), loss = {p.loss:g}"
        )
        outputs = _outputs("Train", p.outputs, solver.train_net.loss_weight)
        self._write(solver, "solver.cpp:218", [head, *outputs])
        self._write(solver, "sgd_solver.cpp:105", [f"Iteration {p.iteration}, lr = {p.lr:g}"])

    def on_test_start(self, solver: "Solver", index: int) -> None:
        """Log which net is tested."""
        line = f"Iteration {solver.iter}, Testing net (#{index})"
        self._write(solver, "solver.cpp:330", [line])

    def on_test(self, solver: "Solver", scores: Scores) -> None:
        """Log the scores."""
        lines = [] if scores.loss is None else [f"Test loss: {scores.loss:g}"]
        for values in scores.per_class.values():
            lines += [f"class{label}: {value:g}" for label, value in values.items()]
        weights = solver.test_nets[scores.net].loss_weight
        lines += _outputs("Test", scores.outputs, weights)
        self._write(solver, "solver.cpp:397", lines)

    def on_snapshot(self, solver: "Solver", weights: Path, state: Path) -> None:
        """Log both files."""
        kind = "HDF5" if weights.suffix == ".h5" else "binary proto"
        line = f"Snapshotting to {kind} file {weights}"
        self._write(solver, "solver.cpp:447", [line])
        line = f"Snapshotting solver state to {kind} file {state}"
        self._write(solver, "sgd_solver.cpp:273", [line])

    def on_restore(self, solver: "Solver", path: Path) -> None:
        """Log where training goes on."""
        line = f"Restoring previous solver status from {path}"
        self._write(solver, "solver.cpp:281", [line], wait=True)

    def on_stop(self, solver: "Solver", reason: str) -> None:
        """Log the end and close the file."""
        if reason in ("done", "stopped"):
            done = reason == "done"
            line = "Optimization Done." if done else "Optimization stopped early."
            self._write(solver, "solver.cpp:315" if done else "solver.cpp:295", [line])
        if self._file:
            self._file.close()
            self._file = None

    def _write(
        self, solver: "Solver", place: str, lines: Sequence[str], wait: bool = False
    ) -> None:
        """Write lines; with ``wait`` the file may still be closed until training begins."""
        prefix = f"I{datetime.now():%m%d %H:%M:%S.%f} {os.getpid():5d} {place}] "
        text = "".join(f"{prefix}{line}\n" for line in lines)
        if self._stream:
            self._stream.write(text)
            self._stream.flush()
        if solver.out is None:
            return
        self._waiting.append(text)
        if wait and self._file is None:
            return
        file = self._file = self._file or _open(solver.out, resumed=solver.iter > 0)
        file.writelines(self._waiting)
        file.flush()
        self._waiting = []


def _open(folder: Path, resumed: bool) -> TextIO:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "train.log"
    return path.open("a", encoding="utf-8") if resumed else path.open("w", encoding="utf-8")


def _outputs(phase: str, outputs: Outputs, weights: Mapping[str, float]) -> list[str]:
    """Return a line for each element of each output, as Caffe counts them."""
    lines: list[str] = []
    for name, values in outputs.items():
        for value in np.ravel(values).tolist():
            weight = weights.get(name, 0.0)
            loss = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
            lines.append(f"    {phase} net output #{len(lines)}: {name} = {value:g}{loss}")
    return lines

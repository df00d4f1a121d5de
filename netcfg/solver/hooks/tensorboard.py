"""Scalars for TensorBoard."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from netcfg.solver.hooks.base import Hook, Outputs, Progress, Scores

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver


class TensorBoard(Hook):
    """Writes events to ``tensorboard`` in the solver's ``out``; needs the extra ``viz``."""

    def __init__(self) -> None:
        self._writer: Any = None

    def on_start(self, solver: "Solver") -> None:
        """Open the event file; a resumed run hides what it will write again."""
        if solver.out is None:
            return
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            solver.say("no TensorBoard events: tensorboardX is missing, pip install 'netcfg[viz]'")
            return
        purge = solver.iter or None
        self._writer = SummaryWriter(str(solver.out / "tensorboard"), purge_step=purge)

    def on_display(self, solver: "Solver", progress: Progress) -> None:
        """Write loss, outputs, learning rate and speed."""
        if self._writer is None:
            return
        self._add("train/loss", progress.loss, progress.iteration)
        self._add("train/lr", progress.lr, progress.iteration)
        if progress.iterations:
            self._add("train/images_per_second", progress.images_per_second, progress.iteration)
        for name, value in _scalars(progress.outputs):
            self._add(f"train/output/{name}", value, progress.iteration)

    def on_test(self, solver: "Solver", scores: Scores) -> None:
        """Write the scores."""
        if self._writer is None:
            return
        for name, value in _scalars(scores.outputs):
            self._add(f"test{scores.net}/{name}", value, scores.iteration)

    def on_stop(self, solver: "Solver", reason: str) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _add(self, name: str, value: float, iteration: int) -> None:
        self._writer.add_scalar(name, value, iteration)


def _scalars(outputs: Outputs) -> Iterator[tuple[str, float]]:
    """Yield name and value of every element, with its index where there are several."""
    for name, values in outputs.items():
        flat = np.ravel(values).tolist()
        for i, value in enumerate(flat):
            yield (name if len(flat) == 1 else f"{name}/{i}"), value

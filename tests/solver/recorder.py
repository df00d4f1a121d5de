"""A hook that writes down what it hears."""

from pathlib import Path

from netcfg.solver.hooks import Hook, Progress, Scores
from netcfg.solver.solver import Solver


class Recorder(Hook):
    """Keeps events in order, lines for the user, and the records of displays and tests."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.lines: list[str] = []
        self.shown: list[Progress] = []
        self.scores: list[Scores] = []
        self.states: list[Path] = []

    def on_message(self, solver: Solver, text: str) -> None:
        self.lines.append(text)

    def on_start(self, solver: Solver) -> None:
        self.events.append(f"start {solver.iter}")

    def on_forward(self, solver: Solver) -> None:
        self.events.append(f"forward {solver.iter}")

    def on_gradients(self, solver: Solver) -> None:
        self.events.append(f"gradients {solver.iter}")

    def on_display(self, solver: Solver, progress: Progress) -> None:
        self.events.append(f"display {progress.iteration}{' final' if progress.final else ''}")
        self.shown.append(progress)

    def on_iteration(self, solver: Solver) -> None:
        self.events.append(f"iteration {solver.iter}")

    def on_test_start(self, solver: Solver, index: int) -> None:
        self.events.append(f"test start {index}")

    def on_test(self, solver: Solver, scores: Scores) -> None:
        self.events.append(f"test {scores.net} at {scores.iteration}")
        self.scores.append(scores)

    def on_snapshot(self, solver: Solver, weights: Path, state: Path) -> None:
        self.events.append(f"snapshot {solver.iter}")
        self.states.append(state)

    def on_restore(self, solver: Solver, path: Path) -> None:
        self.events.append(f"restore {solver.iter}")

    def on_stop(self, solver: Solver, reason: str) -> None:
        self.events.append(f"stop {reason}")

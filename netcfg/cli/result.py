"""What a training run came to, as its last lines say."""

from pathlib import Path

from netcfg.scoring import score_lines
from netcfg.solver import Solver
from netcfg.solver.hooks import Hook, Scores

FILES = {"log": "train.log", "metrics": "metrics.jsonl", "curve": "curve.png"}
"""What a run writes to its folder besides snapshots."""


class Result(Hook):
    """Keeps the last scores of each test net and the last snapshot.

    It must be told first, so that other hooks still record the test it may run at the end.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._scores: dict[int, Scores] = {}
        self._snapshot: tuple[Path, Path] | None = None

    def on_test(self, solver: Solver, scores: Scores) -> None:
        """Keep the scores."""
        self._scores[scores.net] = scores

    def on_snapshot(self, solver: Solver, weights: Path, state: Path) -> None:
        """Keep the paths."""
        self._snapshot = weights, state

    def on_stop(self, solver: Solver, reason: str) -> None:
        """Keep how the run ended; test the result where the last test came before it."""
        self.reason = reason
        stale = any(scores.iteration < solver.iter for scores in self._scores.values())
        if reason == "done" and solver.test_nets and (stale or not self._scores):
            solver.test_all()

    def text(self, solver: Solver) -> str:
        """Return every test output, then where the files lie."""
        lines = []
        for index, scores in sorted(self._scores.items()):
            name = f"test {index}" if len(self._scores) > 1 else "test"
            for line in score_lines(scores.outputs, solver.test_nets[index].loss_weight):
                lines.append(f"iteration {scores.iteration}, {name}: {line}")
        files = dict(zip(["weights", "state"], self._snapshot or (), strict=False))
        if solver.out is not None:
            files |= {name: solver.out / file for name, file in FILES.items()}
        lines += [f"{name:8} {path}" for name, path in files.items() if path.exists()]
        return "\n".join(lines) or "nothing was tested and nothing written"

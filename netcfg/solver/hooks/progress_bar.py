"""How far training is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from netcfg.solver.hooks.base import Hook, Outputs, Progress, Scores

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver

EVERY = 0.2
"""Seconds between two looks of the bar."""
BAR = "{n_fmt}/{total_fmt} |{bar}| [{elapsed}, {remaining} left]{postfix}"


class ProgressBar(Hook):
    """Shows iteration, loss, learning rate, images per second and the time left.

    Args:
        stream: standard error where None; where it is no terminal, plain lines are written.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._bar: Any = None
        self._drawn = 0.0
        self._then = (0, 0.0)
        self._began = (0, 0.0)

    def on_message(self, solver: "Solver", text: str) -> None:
        """Write the line above the bar."""
        self._line(text)

    def on_start(self, solver: "Solver") -> None:
        """Draw the empty bar."""
        self._began = self._then = solver.iter, solver.train_seconds
        if self._terminal:
            from tqdm import tqdm

            self._bar = tqdm(
                total=solver.param.max_iter,
                initial=solver.iter,
                file=self._stream,
                bar_format=BAR,
                dynamic_ncols=True,
                mininterval=0,
            )

    def on_iteration(self, solver: "Solver") -> None:
        """Move the bar, a few times a second at most."""
        now = time.monotonic()
        if self._bar is None or now - self._drawn < EVERY:
            return
        self._drawn = now
        count, seconds = solver.iter - self._then[0], solver.train_seconds - self._then[1]
        self._then = solver.iter, solver.train_seconds
        images = count * solver.batch_size * solver.param.iter_size
        text = _numbers(solver.loss, solver.lr, images / seconds if seconds > 0 else 0.0)
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(solver.iter - self._bar.n)

    def on_display(self, solver: "Solver", progress: Progress) -> None:
        """Write a line where there is no bar."""
        if self._terminal:
            return
        done, seconds = solver.iter - self._began[0], solver.train_seconds - self._began[1]
        left = (solver.param.max_iter - solver.iter) * seconds / done if done else 0.0
        numbers = _numbers(progress.loss, progress.lr, progress.images_per_second)
        text = f"iteration {progress.iteration}/{solver.param.max_iter}  {numbers}"
        self._line(f"{text}  {_duration(left)} left" if left else text)

    def on_test(self, solver: "Solver", scores: Scores) -> None:
        """Write the scores."""
        self._line(f"iteration {scores.iteration}  test {scores.net}  {_outputs(scores.outputs)}")

    def on_snapshot(self, solver: "Solver", weights: Path, state: Path) -> None:
        """Write the name of the state."""
        self._line(f"snapshot {state}")

    def on_restore(self, solver: "Solver", path: Path) -> None:
        """Write where training goes on."""
        self._line(f"going on from {path}, iteration {solver.iter}")

    def on_stop(self, solver: "Solver", reason: str) -> None:
        """Leave the bar as it is at the end."""
        if self._bar is not None:
            self._bar.update(solver.iter - self._bar.n)
            self._bar.close()
            self._bar = None
        self._line(f"{reason} after {solver.iter} iterations")

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            self._stream.write(text + "\n")
            self._stream.flush()


def _numbers(loss: float, lr: float, images_per_second: float) -> str:
    speed = f"  {images_per_second:,.0f} images/s" if images_per_second else ""
    return f"loss {loss:.4g}  lr {lr:.4g}{speed}"


def _outputs(outputs: Outputs) -> str:
    texts = []
    for name, values in outputs.items():
        flat = np.ravel(values).tolist()
        shown = " ".join(f"{v:.4g}" for v in flat[:5]) + (" …" if len(flat) > 5 else "")
        texts.append(f"{name} {shown}")
    return "  ".join(texts)


def _duration(seconds: float) -> str:
    """Return hours, minutes and seconds.

    >>> _duration(3725.4), _duration(65)
    ('1:02:05', '1:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

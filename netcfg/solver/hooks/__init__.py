"""Listeners of the training loop: what a run shows, records and guards against."""

import sys
from typing import TextIO

from netcfg.solver.hooks.bad_data import BadData
from netcfg.solver.hooks.base import Hook, Progress, Scores
from netcfg.solver.hooks.caffe_log import CaffeLog
from netcfg.solver.hooks.curve import Curve
from netcfg.solver.hooks.metrics import MetricsJsonl
from netcfg.solver.hooks.nan_guard import NanGuard
from netcfg.solver.hooks.progress_bar import ProgressBar
from netcfg.solver.hooks.signals import Signals
from netcfg.solver.hooks.tensorboard import TensorBoard

__all__ = [
    "BadData",
    "CaffeLog",
    "Curve",
    "Hook",
    "MetricsJsonl",
    "NanGuard",
    "Progress",
    "ProgressBar",
    "Scores",
    "Signals",
    "TensorBoard",
    "default_hooks",
]


def default_hooks(stream: TextIO | None = None, *, files: bool = True) -> list[Hook]:
    """Return the hooks of an ordinary run.

    On a terminal there is a progress bar, elsewhere Caffe's log; files go to the solver's ``out``.

    Args:
        stream: where lines go, standard error where None.
        files: whether metrics, TensorBoard events and the curve are written.
    """
    stream = sys.stderr if stream is None else stream
    terminal = stream.isatty()
    hooks: list[Hook] = [ProgressBar(stream)] if terminal else []
    hooks.append(CaffeLog(None if terminal else stream))
    if files:
        hooks += [MetricsJsonl(), TensorBoard(), Curve()]
    return [*hooks, BadData(), NanGuard(), Signals()]

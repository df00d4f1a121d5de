"""A picture of the run when it is over."""

from typing import TYPE_CHECKING

from netcfg.solver.hooks.base import Hook
from netcfg.solver.hooks.metrics import read_metrics

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver


class Curve(Hook):
    """Draws ``curve.png`` from ``metrics.jsonl`` in the solver's ``out``; needs the extra ``viz``.

    Because it is drawn from the file, the curve of a resumed run begins where the run began.
    """

    def on_stop(self, solver: "Solver", reason: str) -> None:
        """Draw the picture; say it where that is not possible."""
        if solver.out is None:
            return
        records = read_metrics(solver.out / "metrics.jsonl")
        if not records:
            return
        try:
            from netcfg.solver.curves import draw_curves
        except ImportError:
            solver.say("no curve.png: matplotlib is missing, pip install 'netcfg[viz]'")
            return
        draw_curves(records, solver.out / "curve.png", solver.train_net.name)

"""What the solver's ``debug_info`` and ``snapshot_diff`` ask for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from netcfg.debug_info import mean_abs, update_lines, watch
from netcfg.solver.hooks.base import Hook
from netcfg.types import Array

if TYPE_CHECKING:
    from netcfg.net import Net
    from netcfg.solver.solver import Solver


class DebugInfo(Hook):
    """Shows means of the train net in iterations that are displayed, of test nets as they say.

    As in Caffe, the solver's ``debug_info`` decides for the train net, whatever the net says.
    """

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None
        self._means: list[float] = []

    def on_forward(self, solver: "Solver") -> None:
        """Begin to watch the train net."""
        p = solver.param
        due = p.debug_info and p.display and solver.iter % p.display == 0
        self._watch(solver, solver.train_net if due else None)

    def on_gradients(self, solver: "Solver") -> None:
        """Note the weights before the update."""
        if self._stop:
            self._means = [mean_abs(p.value) for p in solver.train_net.params]

    def on_iteration(self, solver: "Solver") -> None:
        """Show the update."""
        if self._stop:
            for line in update_lines(solver.train_net, self._means):
                solver.say(line)
        self._watch(solver, None)

    def on_test_start(self, solver: "Solver", index: int) -> None:
        """Begin to watch a test net."""
        net = solver.test_nets[index]
        self._watch(solver, net if net.config.debug_info else None)

    def on_test(self, solver: "Solver", scores: object) -> None:
        """Cease to watch it."""
        self._watch(solver, None)

    def _watch(self, solver: "Solver", net: "Net | None") -> None:
        if self._stop:
            self._stop()
        self._stop = watch(net, solver.say) if net else None


class Steps(Hook):
    """Leaves the last update in ``diff`` of the parameters, as Caffe does: weights before − after.

    Only where it is read: by ``debug_info`` and ``snapshot_diff``.
    """

    def __init__(self) -> None:
        self._before: list[Array] = []

    def on_gradients(self, solver: "Solver") -> None:
        """Keep the weights before the update."""
        if solver.param.debug_info or solver.param.snapshot_diff:
            self._before = [p.value.copy() for p in solver.train_net.params]

    def on_iteration(self, solver: "Solver") -> None:
        """Subtract those after it."""
        for param, before in zip(solver.train_net.params, self._before, strict=False):
            param.diff[...] = before - param.value
        self._before = []

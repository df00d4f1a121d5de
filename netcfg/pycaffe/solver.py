"""Caffe's solvers for Python, on top of ``netcfg.Solver``."""

from collections.abc import Callable
from functools import partial
from os import PathLike, fspath
from typing import Any, ClassVar

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.pycaffe.live import LiveNet
from netcfg.pycaffe.log import Log
from netcfg.pycaffe.mode import next_seed
from netcfg.pycaffe.net import Net
from netcfg.schema import read_solver, refuse
from netcfg.solver import Solver as CoreSolver
from netcfg.solver.hooks import CaffeLog
from netcfg.solver.hooks.base import Hook
from netcfg.solver.nets import build
from netcfg.weights import share_params

Path = str | PathLike[str]
Call = Callable[[], Any]


class LiveSolver(CoreSolver):
    """A solver whose nets are live and keep what they handed out when a snapshot replaces them."""

    build_net = staticmethod(partial(build, net_class=LiveNet))

    def _build(self, engine: Any, seed: int) -> None:
        old = [*self.live_nets] if hasattr(self, "train_net") else []
        super()._build(engine, seed)
        for new, before in zip(self.live_nets, old, strict=False):
            new.take_memory(before)
            for layer in new.layers:
                share_params(layer, old[0].layers)

    @property
    def live_nets(self) -> list[LiveNet]:
        """The train net and the test nets."""
        return [net for net in (self.train_net, *self.test_nets) if isinstance(net, LiveNet)]


class _Calls(Hook):
    """Calls what the program added, and shows it parameters that were updated elsewhere."""

    def __init__(self) -> None:
        self.on_start_calls: list[Call] = []
        self.on_gradients_calls: list[Call] = []

    def on_forward(self, solver: CoreSolver) -> None:
        """An iteration begins."""
        for call in self.on_start_calls:
            call()

    def on_gradients(self, solver: CoreSolver) -> None:
        """The gradients are there."""
        for call in self.on_gradients_calls:
            call()

    def on_iteration(self, solver: CoreSolver) -> None:
        """The weights are updated."""
        if isinstance(solver, LiveSolver):
            for net in solver.live_nets:
                net.download()


class Solver:
    """A solver as Caffe's Python programs use it; the subclasses name the update rules.

    Args:
        solver_file: its prototxt.

    Attributes:
        core: the solver of netcfg that does the work.
        net: the net that is trained.
        test_nets: the nets that share its parameters.
    """

    type: ClassVar[str] = ""

    def __init__(self, solver_file: Path) -> None:
        file = fspath(solver_file)
        parsed = read_solver(file)
        refuse(parsed.findings)
        param: SolverParameter = parsed.message
        if self.type and param.type != self.type:
            raise NetError(f"'{file}': type is {param.type}; use get_solver, or {param.type}Solver")
        self._calls = _Calls()
        self.core = LiveSolver(
            file,
            seed=next_seed() if param.random_seed < 0 else None,
            hooks=[self._calls, CaffeLog(Log())],  # type: ignore[arg-type]
        )
        self.net, *self.test_nets = [Net.of(net) for net in self.core.live_nets]

    @property
    def iter(self) -> int:
        """Updates made so far."""
        return self.core.iter

    @property
    def lr(self) -> float:
        """Learning rate of the next update."""
        return self.core.lr

    @property
    def param(self) -> SolverParameter:
        """The solver's message."""
        return self.core.param

    def step(self, iters: int) -> None:
        """Make some iterations."""
        self.core.step(iters)

    def solve(self, resume_file: Path | None = None) -> None:
        """Train until ``max_iter``, from a snapshot's state where one is given."""
        if resume_file is not None:
            self.restore(resume_file)
        self.core.solve()

    def restore(self, state_file: Path) -> None:
        """Go on from a snapshot's state."""
        self.core.restore(fspath(state_file))
        for net, core in zip((self.net, *self.test_nets), self.core.live_nets, strict=True):
            net.core = core
            core.download()

    def snapshot(self) -> None:
        """Write weights and state."""
        self.core.train_net.upload()  # type: ignore[attr-defined]
        self.core.snapshot()

    def apply_update(self) -> None:
        """Update the weights with the gradients that are there; ``iter`` is not counted."""
        self.net.core.upload()
        self.core.updater.apply(self.core.lr, self.core.iter + 1)
        for net in self.core.live_nets:
            net.download()

    def add_callback(self, on_start: Call, on_gradients_ready: Call | None = None) -> None:
        """Have functions called when an iteration begins and when its gradients are there."""
        self._calls.on_start_calls.append(on_start)
        if on_gradients_ready is not None:
            self._calls.on_gradients_calls.append(on_gradients_ready)

    def share_weights(self, net: Net) -> None:
        """Let another net use the parameters of the net that is trained."""
        net.share_with(self.net)


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum."""

    type = "SGD"


class NesterovSolver(Solver):
    """Nesterov's accelerated gradient."""

    type = "Nesterov"


class AdaGradSolver(Solver):
    """AdaGrad."""

    type = "AdaGrad"


class RMSPropSolver(Solver):
    """RMSProp."""

    type = "RMSProp"


class AdaDeltaSolver(Solver):
    """AdaDelta."""

    type = "AdaDelta"


class AdamSolver(Solver):
    """Adam."""

    type = "Adam"


SOLVERS: dict[str, type[Solver]] = {cls.type: cls for cls in Solver.__subclasses__()}


def get_solver(solver_file: Path) -> Solver:
    """Return the solver that a prototxt describes, of the class of its type."""
    parsed = read_solver(fspath(solver_file))
    refuse(parsed.findings)
    return SOLVERS.get(parsed.message.type, Solver)(solver_file)

"""What a hook may listen to, and the records it is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver

Outputs = Mapping[str, npt.NDArray[np.floating[Any]]]
"""Values of the output blobs of a net, by name."""


@dataclass(frozen=True)
class Progress:
    """What is shown every ``display`` iterations.

    Attributes:
        iteration: updates made when the loss was computed.
        loss: mean over the last ``average_loss`` iterations.
        lr: learning rate of the next update.
        outputs: of the train net in the last pass; none at the end of training.
        iterations: made since the last display.
        seconds: spent on them, tests and snapshots apart.
        images_per_second: 0 where no iteration was made.
        final: whether training is over and this is the loss of its result.
    """

    iteration: int
    loss: float
    lr: float
    outputs: Outputs
    iterations: int
    seconds: float
    images_per_second: float
    final: bool = False


@dataclass(frozen=True)
class Scores:
    """Result of a test net: the mean of each output over ``test_iter`` batches.

    Attributes:
        iteration: updates made so far.
        net: index of the test net.
        outputs: means by blob name.
        loss: mean loss where ``test_compute_loss`` asks for it.
        seconds: that the test took.
        per_class: average precisions by class, of outputs that are their mean, where
            ``show_per_class_result`` asks for them.
    """

    iteration: int
    net: int
    outputs: Outputs
    loss: float | None = None
    seconds: float = 0.0
    per_class: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


class Hook:
    """Listens to a solver; override what is of interest, the rest costs nothing.

    ``solver.request("stop")`` and ``solver.request("snapshot")`` may be called anywhere.
    """

    def on_message(self, solver: "Solver", text: str) -> None:
        """A line for the user: what was loaded, what is unusual."""

    def on_start(self, solver: "Solver") -> None:
        """Training begins or goes on."""

    def on_forward(self, solver: "Solver") -> None:
        """An iteration begins."""

    def on_gradients(self, solver: "Solver") -> None:
        """Loss and gradients of an iteration are there, the weights are still the old ones."""

    def on_display(self, solver: "Solver", progress: Progress) -> None:
        """Every ``display`` iterations, before the update."""

    def on_iteration(self, solver: "Solver") -> None:
        """The weights are updated and ``solver.iter`` is counted."""

    def on_test_start(self, solver: "Solver", index: int) -> None:
        """A test net is about to run."""

    def on_test(self, solver: "Solver", scores: Scores) -> None:
        """A test net has run."""

    def on_snapshot_start(self, solver: "Solver") -> None:
        """A snapshot is about to be written; raise to refuse it."""

    def on_snapshot(self, solver: "Solver", weights: Path, state: Path) -> None:
        """A snapshot is written."""

    def on_restore(self, solver: "Solver", path: Path) -> None:
        """Training goes on from a snapshot."""

    def on_stop(self, solver: "Solver", reason: str) -> None:
        """Training is over: ``done``, ``stopped``, ``interrupted`` or ``failed``."""


@dataclass
class Hooks:
    """The hooks of a solver, by the events that each listens to."""

    hooks: Sequence[Hook]
    _listeners: dict[str, list[Hook]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for event in vars(Hook):
            if event.startswith("on_"):
                self._listeners[event] = [
                    hook
                    for hook in self.hooks
                    if getattr(type(hook), event) is not getattr(Hook, event)
                ]

    def emit(self, event: str, *args: Any) -> None:
        """Tell the hooks that listen, in their order."""
        for hook in self._listeners[event]:
            getattr(hook, event)(*args)

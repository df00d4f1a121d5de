"""Stops training at the first loss that is not finite, and says which layer it came from."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from netcfg.errors import NetError
from netcfg.layer import Layer
from netcfg.net import Net
from netcfg.solver.hooks.base import Hook
from netcfg.types import Array
from netcfg.weights import LayerState

if TYPE_CHECKING:
    from netcfg.solver.solver import Solver

_SAMPLES = 1 << 14
"""How many values of a gradient are looked at, at most twice as many."""

ADVICE = "lower base_lr, set clip_gradients, or look at the data"


class NanGuard(Hook):
    """Raises an error that names the first layer and blob that hold NaN or infinity.

    They are found by repeating the passes of the iteration on the same data. Snapshots of weights
    that are not finite are refused, so that the last good one stays.
    """

    def __init__(self) -> None:
        self._before: list[LayerState] = []

    def on_forward(self, solver: "Solver") -> None:
        """Note where the layers stand."""
        self._before = [_standing(layer) for layer in solver.train_net.layers]

    def on_gradients(self, solver: "Solver") -> None:
        """Look at the loss and the gradients.

        Raises:
            NetError: the loss or a gradient is NaN or infinite.
        """
        display = solver.param.display
        if solver.train_net.engine.xp is not np and (not display or solver.iter % display):
            return  # a look at numbers of a GPU waits for it
        loss = float(solver.losses[-1])
        if not math.isfinite(loss):
            raise NetError(self._explain(solver, f"the loss is {loss}"))
        if getattr(solver.updater, "loss_scale", None) is not None:
            return  # the updater leaves out what overflows, and lowers the scale
        for layer in solver.train_net.layers:
            if any(p.lr_mult and not _probably_finite(p.diff) for p in layer.params):
                raise NetError(
                    self._explain(solver, f"a gradient of layer '{layer.name}' is not finite")
                )

    def on_snapshot_start(self, solver: "Solver") -> None:
        """Look at the weights.

        Raises:
            NetError: one is NaN or infinite.
        """
        for layer in solver.train_net.layers:
            index = _bad_param(layer)
            if index is not None:
                raise NetError(
                    f"{layer.where}: parameter {index} is not finite after {solver.iter} "
                    f"iterations; no snapshot is written: {ADVICE}"
                )

    def _explain(self, solver: "Solver", symptom: str) -> str:
        where = f"iteration {solver.iter}: {symptom}"
        solver.train_net.restore(self._before)
        finder = _Finder(solver.train_net)
        for inputs in solver.fed:
            found = finder.search(inputs)
            if found is None:
                continue
            layer, blob, value = found
            index = _bad_param(layer)
            cause = ""
            if index is not None:
                cause = f" because parameter {index} is not finite since the last update"
            return (
                f"{layer.where}: {where}; blob '{blob}' of this layer is the first that holds "
                f"{value}{cause}: {ADVICE}"
            )
        return f"{where}, although every blob is finite when the pass is repeated: {ADVICE}"


class _FoundError(Exception):
    """Ends a pass at the first blob that is not finite."""


class _Finder:
    """Repeats a forward pass and looks at the tops of each layer."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.found: tuple[Layer, str, str] | None = None

    def search(self, inputs: Any) -> tuple[Layer, str, str] | None:
        """Return layer, blob and kind of value of the first blob that is not finite."""
        self.net.after_forward.append(self._look)
        try:
            self.net.forward(inputs)
        except _FoundError:
            pass
        finally:
            self.net.after_forward.remove(self._look)
        return self.found

    def _look(self, index: int) -> None:
        blobs = self.net.blobs
        xp = self.net.engine.xp
        for top in self.net.graph.nodes[index].tops:
            array = blobs.get(top.name)
            if array is not None and not bool(xp.isfinite(array).all()):
                value = "NaN" if bool(xp.isnan(array).any()) else "infinity"
                self.found = self.net.layers[index], top.name, value
                raise _FoundError


def _standing(layer: Layer) -> LayerState:
    """Return step and state of a layer; asks only those that keep one, to cost little."""
    values = {}
    if type(layer).state is not Layer.state:
        values = {name: layer.xp.array(value) for name, value in layer.state().items()}
    return LayerState(layer.name, layer.step, values)


def _probably_finite(grad: Array) -> bool:
    """Return whether a gradient is finite; of a large one only a part is looked at.

    Max pooling and ReLU of some engines drop NaN, so that the loss may not show it; but bad values
    at a layer's bottom spoil whole rows of the gradient of its weights.
    """
    return math.isfinite(float(grad.reshape(-1)[:: 1 + grad.size // _SAMPLES].sum()))


def _bad_param(layer: Layer) -> int | None:
    """Return the index of the first parameter that is not finite."""
    for i, param in enumerate(layer.params):
        if not bool(layer.xp.isfinite(param.value).all()):
            return i
    return None

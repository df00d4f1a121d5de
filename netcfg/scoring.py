"""How well a net does: the mean of every output over some batches, as ``caffe test`` takes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.net import Net
from netcfg.types import Array

Values = Mapping[str, npt.NDArray[np.floating[Any]]]
"""Arrays by the name of the output blob."""


@dataclass(frozen=True)
class Score:
    """Means over batches.

    Attributes:
        outputs: of each output blob, element by element.
        loss: of the net.
        weights: in the loss, of the outputs that count in it.
    """

    outputs: Values
    loss: float
    weights: dict[str, float]


class Means:
    """Sums what a net says over batches, where the net runs.

    Args:
        net: built for TEST, with its weights loaded.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self._sums: dict[str, Array] = {}
        self._loss = 0.0
        self._batches = 0

    def forward(self) -> dict[str, Array]:
        """Run a batch; return its outputs in double precision."""
        outputs = {name: y.astype(np.float64) for name, y in self._net.forward().items()}
        for name, y in outputs.items():
            self._sums[name] = self._sums[name] + y if name in self._sums else y
        self._loss += self._net.loss
        self._batches += 1
        return outputs

    def score(self) -> Score:
        """Return the means over the batches so far."""
        net, n = self._net, max(1, self._batches)
        outputs = {name: net.engine.to_numpy(total) / n for name, total in self._sums.items()}
        weights = {name: net.loss_weight[name] for name in outputs if net.loss_weight.get(name)}
        return Score(outputs, self._loss / n, weights)


def score(
    net: Net, iterations: int, on_batch: Callable[[int, Values], None] = lambda i, values: None
) -> Score:
    """Run a net over batches and return the mean of each output.

    Args:
        net: built for TEST, with its weights loaded.
        iterations: number of batches.
        on_batch: told the index and the outputs of each.
    """
    means = Means(net)
    for i in range(iterations):
        outputs = means.forward()
        on_batch(i, {name: net.engine.to_numpy(array) for name, array in outputs.items()})
    return means.score()


def score_lines(values: Values, weights: Mapping[str, float]) -> list[str]:
    """Write one line for each element, with what it adds to the loss.

    >>> score_lines({"accuracy": np.array(0.9914), "loss": np.array(0.03)}, {"loss": 2.0})
    ['accuracy = 0.9914', 'loss = 0.03 (* 2 = 0.06 loss)']
    """
    lines = []
    for name, array in values.items():
        for value in np.ravel(array):
            weight = weights.get(name)
            loss = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
            lines.append(f"{name} = {value:g}{loss}")
    return lines

"""How well a net does: the mean of every output over some batches, as ``caffe test`` takes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.net import Net

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


def score(
    net: Net, iterations: int, on_batch: Callable[[int, Values], None] = lambda i, values: None
) -> Score:
    """Run a net over batches and return the mean of each output.

    Args:
        net: built for TEST, with its weights loaded.
        iterations: number of batches.
        on_batch: told the index and the outputs of each.
    """
    sums: dict[str, Any] = {}
    loss = 0.0
    for i in range(iterations):
        outputs = {
            name: net.engine.to_numpy(array).astype(np.float64)
            for name, array in net.forward().items()
        }
        on_batch(i, outputs)
        for name, value in outputs.items():
            sums[name] = sums[name] + value if name in sums else value
        loss += net.loss
    means = {name: total / iterations for name, total in sums.items()}
    weights = {name: net.loss_weight[name] for name in means if net.loss_weight.get(name)}
    return Score(means, loss / iterations, weights)


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

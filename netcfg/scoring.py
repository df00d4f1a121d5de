"""How well a net does: means of outputs over batches, and average precision of detections."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.average_precision import ROW, Detections, mean
from netcfg.errors import ShapeError
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
        per_class: of an output that is a mean average precision, the average precision by class.
    """

    outputs: Values
    loss: float
    weights: dict[str, float]
    per_class: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


DETECTION_AXES = 4
"""Axes of DetectionEvaluate's top, (1, 1, n, 5)."""


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
        """Run a batch; return its outputs in double precision.

        Raises:
            ShapeError: an output has another shape than before.
        """
        outputs = {name: y.astype(np.float64) for name, y in self._net.forward().items()}
        for name, y in outputs.items():
            self._add(name, y)
        self._loss += self._net.loss
        self._batches += 1
        return outputs

    def _add(self, name: str, y: Array) -> None:
        total = self._sums.get(name)
        if total is not None and total.shape != y.shape:
            raise ShapeError(
                f"output '{name}' must have one shape in all batches to have a mean; given "
                f"{total.shape} and {y.shape}; the rows of DetectionEvaluate need "
                'eval_type: "detection" in the solver'
            )
        self._sums[name] = y if total is None else total + y

    def score(self) -> Score:
        """Return the means over the batches so far."""
        net, n = self._net, max(1, self._batches)
        outputs = {name: net.engine.to_numpy(total) / n for name, total in self._sums.items()}
        weights = {name: net.loss_weight[name] for name in outputs if net.loss_weight.get(name)}
        return Score(outputs, float(self._loss) / n, weights)


class DetectionMeans(Means):
    """As ``Means``, but the mean average precision of outputs that are rows of DetectionEvaluate.

    Args:
        net: built for TEST, with its weights loaded.
        version: how precision is averaged, one of ``average_precision.VERSIONS``.
        per_class: whether the score says the average precision of each class too.
    """

    def __init__(self, net: Net, version: str, *, per_class: bool = True) -> None:
        super().__init__(net)
        self._version, self._per_class = version, per_class
        self._rows: dict[str, Detections] = {}

    def _add(self, name: str, y: Array) -> None:
        if y.ndim == DETECTION_AXES and y.shape[-1] == ROW:
            rows = self._net.engine.to_numpy(y)
            self._rows.setdefault(name, Detections()).add_rows(rows)
        else:
            super()._add(name, y)

    def score(self) -> Score:
        """Return precisions and means over the batches so far.

        Raises:
            ShapeError: no output has the shape of DetectionEvaluate's.
        """
        others = super().score()
        if self._batches and not self._rows:
            raise ShapeError(
                'eval_type: "detection" needs an output of the test net with the rows of a '
                f"DetectionEvaluate layer, (1, 1, n, {ROW}); its outputs are "
                + ", ".join(f"'{name}' {y.shape}" for name, y in others.outputs.items())
            )
        precise = {k: rows.average_precisions(self._version) for k, rows in self._rows.items()}
        outputs = {name: np.array(mean(values)) for name, values in precise.items()}
        shown = precise if self._per_class else {}
        return Score({**outputs, **others.outputs}, others.loss, others.weights, shown)


def score(
    net: Net,
    iterations: int,
    on_batch: Callable[[int, Values], None] = lambda i, values: None,
    ap_version: str = "",
) -> Score:
    """Run a net over batches and return the mean of each output.

    Args:
        net: built for TEST, with its weights loaded.
        iterations: number of batches.
        on_batch: told the index and the outputs of each.
        ap_version: how the precision of detections is averaged; empty where there are none.
    """
    means = DetectionMeans(net, ap_version) if ap_version else Means(net)
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

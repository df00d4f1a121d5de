"""Layers that are functions of single values, as one pass of oneDNN each way."""

from collections.abc import Callable
from typing import Any, NamedTuple

from netcfg.engines.onednn import elementwise
from netcfg.engines.onednn.library import Algorithm
from netcfg.types import Array

HOME = "netcfg.layers."
"""The package of the layers that are known here; layers of others are run as they are."""


class Function(NamedTuple):
    """An element-wise function.

    Attributes:
        algorithm: oneDNN's.
        alpha, beta: its numbers.
        keeps_y: whether y, which the next layer keeps anyway, tells the gradient as x does.
    """

    algorithm: Algorithm
    alpha: float = 0.0
    beta: float = 0.0
    keeps_y: bool = False


def _relu(x: Any) -> Function | None:
    """Return the rectifier that is cut off at 6; the plain one is a primitive."""
    return Function(Algorithm.CLIP, 0.0, 6.0, True) if x.capped and x.slope == 0 else None


FUNCTIONS: dict[str, Callable[[Any], Function | None]] = {
    "BNLL": lambda x: Function(Algorithm.SOFT_RELU, 1.0),
    "ELU": lambda x: Function(Algorithm.ELU, x.alpha),
    "GELU": lambda x: Function(Algorithm.GELU_TANH if x.approximate else Algorithm.GELU_ERF),
    "HardSwish": lambda x: Function(Algorithm.HARD_SWISH, 1 / 6, 1 / 2),
    "ReLU": _relu,
    "ReLU6": _relu,
    "SiLU": lambda x: Function(Algorithm.SWISH, 1.0),
    "Swish": lambda x: Function(Algorithm.SWISH, x.beta),
}
"""Types of layers → their function; None where the layer itself is as quick."""


class OneFunction:
    """The passes of a layer that oneDNN computes from x alone.

    Args:
        engine: whose primitives run.
        layer: runs what oneDNN does not know, such as other floats.
        function: what it computes.
    """

    def __init__(self, engine: Any, layer: Any, function: Function) -> None:
        self.engine, self.layer, self.function = engine, layer, function
        self._kept: Any = None
        self._whole = False

    @property
    def saved(self) -> Any:
        """What the backward pass needs."""
        return self._kept if self._whole else self.layer.saved

    @saved.setter
    def saved(self, saved: Any) -> None:
        self._kept = self.layer.saved = saved

    def forward(self, x: Array) -> Array:
        """Run the forward pass."""
        y = self._map(elementwise.forward, x)
        self._whole = y is not None
        if not self._whole:
            return self.layer.forward(x)
        if self.layer.need[0]:
            self._kept = y if self.function.keeps_y else x
        return y

    def backward(self, dy: Array) -> Array | None:
        """Run the backward pass."""
        if not self._whole:
            return self.layer.backward(dy)
        if not self.layer.need[0]:
            return None
        return self._map(elementwise.backward, dy, self._kept)

    def _map(self, make: Any, *xs: Array) -> Any:
        algorithm, alpha, beta, _ = self.function
        return self.engine._map(make, algorithm, alpha, beta, *xs)


def form_of(engine: Any, layer: Any) -> OneFunction | None:
    """Return what runs a layer, None where the layer does it by itself."""
    if layer.type not in FUNCTIONS or not type(layer).__module__.startswith(HOME):
        return None
    function = FUNCTIONS[layer.type](layer)
    return None if function is None else OneFunction(engine, layer, function)

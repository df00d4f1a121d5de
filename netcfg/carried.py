"""A layer that runs on the CPU within a net that runs elsewhere."""

from typing import Any

from netcfg.engines.base import Engine
from netcfg.layer import Layer, as_arrays
from netcfg.types import Array


class Carried:
    """The passes of a layer, with arrays brought to the CPU and back.

    Args:
        layer: runs on the CPU.
        engine: of the net.
    """

    def __init__(self, layer: Layer, engine: Engine) -> None:
        self.layer = layer
        self.engine = engine

    @property
    def saved(self) -> Any:
        """What the layer's backward pass needs."""
        return self.layer.saved

    @saved.setter
    def saved(self, saved: Any) -> None:
        self.layer.saved = saved

    def forward(self, *bottoms: Array) -> Any:
        """Run the forward pass."""
        return self._back(self.layer.forward(*map(self._brought, bottoms)))

    def backward(self, *tops: Array) -> Any:
        """Run the backward pass."""
        brought = (None if t is None else self._brought(t) for t in tops)
        return self._back(self.layer.backward(*brought))

    def _brought(self, array: Array) -> Array:
        """Return an array on the CPU, of the type that layers compute with there."""
        return self.layer.engine.asarray(self.engine.to_numpy(array))

    def _back(self, arrays: Any) -> Any:
        return tuple(None if a is None else self.engine.asarray(a) for a in as_arrays(arrays))


def runs(layer: Layer) -> Any:
    """Return what runs a layer in its net: itself, a form of its engine, or what carries arrays."""
    outer = layer.context.outer
    if outer is None:
        return layer.engine.form(layer) or layer
    carried = Carried(layer, outer)
    return outer.form(carried) or carried

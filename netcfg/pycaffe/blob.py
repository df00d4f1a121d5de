"""Blobs of a net: arrays of values and gradients that act on it."""

from typing import TYPE_CHECKING

import numpy as np

from netcfg.blob import Blob
from netcfg.errors import NetError
from netcfg.layer import Param
from netcfg.types import Shape

if TYPE_CHECKING:
    from netcfg.pycaffe.net import Net


class NetBlob(Blob):
    """A named blob of a net."""

    def __init__(self, net: "Net", name: str) -> None:
        self._net = net
        self.name = name

    @property
    def data(self) -> np.ndarray:
        """The values; writing into them acts on the net."""
        return self._net.core.data(self.name)

    @property
    def diff(self) -> np.ndarray:
        """∂loss/∂data; for a blob that counts in the loss its weight there."""
        return self._net.core.diff(self.name)

    @property
    def shape(self) -> Shape:
        """Sizes of the axes."""
        return self._net.core.shape(self.name)

    def reshape(self, *shape: int) -> None:
        """Change the shape, an argument for each axis; ``Net.reshape`` lets later layers follow."""
        self._net.core.resize(self.name, tuple(int(n) for n in shape))


class ParamBlob(Blob):
    """A parameter of a layer, found anew at each use: a restored solver may have a new net."""

    def __init__(self, net: "Net", layer: int, index: int) -> None:
        self._net = net
        self._layer = layer
        self._index = index

    @property
    def param(self) -> Param:
        """The parameter that the net uses."""
        return self._net.core.layers[self._layer].params[self._index]

    @property
    def data(self) -> np.ndarray:
        """The values; writing into them acts on the net."""
        return self._net.core.param_data(self.param)

    @property
    def diff(self) -> np.ndarray:
        """The gradient summed since it was cleared."""
        return self._net.core.engine.to_numpy(self.param.diff)

    def reshape(self, *shape: int) -> None:
        """Refuse another shape: it is the layer's to choose.

        Raises:
            NetError: the shape is not the one it has.
        """
        if tuple(shape) != self.shape:
            layer = self._net.core.layers[self._layer]
            raise NetError(
                f"{layer.where}: parameter {self._index} has shape {self.shape}, which follows "
                f"from the prototxt; given {tuple(shape)}"
            )

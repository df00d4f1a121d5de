"""Blobs: arrays of values and gradients that act on the net they belong to."""

from typing import TYPE_CHECKING

import numpy as np

from netcfg.errors import NetError, ShapeError
from netcfg.layer import Param
from netcfg.types import Shape

if TYPE_CHECKING:
    from netcfg.pycaffe.net import Net

LEGACY_AXES = 4


class Blob:
    """An array of values and one of gradients; the base counts axes, the rest gives arrays."""

    @property
    def data(self) -> np.ndarray:
        """The values; writing into them acts on the net."""
        raise NotImplementedError

    @property
    def diff(self) -> np.ndarray:
        """∂loss/∂data; writing into it acts on the net."""
        raise NotImplementedError

    def reshape(self, *shape: int) -> None:
        """Change the shape, an argument for each axis."""
        raise NotImplementedError

    @property
    def shape(self) -> Shape:
        """Sizes of the axes."""
        return self.data.shape

    @property
    def count(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def num(self) -> int:
        """Size of the first of four axes."""
        return self._legacy(0)

    @property
    def channels(self) -> int:
        """Size of the second of four axes."""
        return self._legacy(1)

    @property
    def height(self) -> int:
        """Size of the third of four axes."""
        return self._legacy(2)

    @property
    def width(self) -> int:
        """Size of the last of four axes."""
        return self._legacy(3)

    def _legacy(self, axis: int) -> int:
        shape = self.shape
        if len(shape) > LEGACY_AXES:
            raise ShapeError(
                f"num, channels, height and width are for blobs of at most 4 axes; this one is "
                f"{shape}"
            )
        return shape[axis] if axis < len(shape) else 1

    def __repr__(self) -> str:
        return f"<Blob {' x '.join(map(str, self.shape))}>"


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

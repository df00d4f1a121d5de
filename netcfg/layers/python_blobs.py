"""What layers written in Python see of their bottoms, tops and parameters."""

from collections.abc import Callable
from typing import Any

import numpy as np

from netcfg.blob import Blob
from netcfg.engines.base import Engine
from netcfg.errors import NetError, ShapeError
from netcfg.layer import Param
from netcfg.types import Shape


class TopBlob(Blob):
    """Memory of a top: it keeps what was written until its shape changes, zeros at first."""

    def __init__(self, what: str, dtype: Any) -> None:
        self._what = what
        self._dtype = dtype
        self._shape: Shape | None = None
        self._data: np.ndarray | None = None
        self._diff: np.ndarray | None = None

    @property
    def data(self) -> np.ndarray:
        """The values."""
        if self._data is None:
            self._data = np.zeros(self.shape, self._dtype)
        return self._data

    @property
    def diff(self) -> np.ndarray:
        """∂loss/∂data."""
        if self._diff is None:
            self._diff = np.zeros(self.shape, self._dtype)
        return self._diff

    @property
    def shape(self) -> Shape:
        """Sizes of the axes.

        Raises:
            ShapeError: nobody has said them yet.
        """
        if self._shape is None:
            raise ShapeError(
                f"{self._what} has no shape; give it one with reshape in setup or "
                "reshape, an argument for each axis"
            )
        return self._shape

    def reshape(self, *shape: int) -> None:
        """Change the shape, an argument for each axis; another number of values begins with zeros.

        Raises:
            ShapeError: a size is no whole number, or negative.
        """
        sizes = checked(shape)
        if sizes == self._shape:
            return
        self._shape = sizes
        same = self._data is not None and self._data.size == self.count
        self._data = self._data.reshape(sizes) if same and self._data is not None else None
        self._diff = None

    def __repr__(self) -> str:
        return "<Blob without a shape>" if self._shape is None else super().__repr__()

    def fill(self, values: np.ndarray) -> None:
        """Take the shape and a copy of the values of an array."""
        self.reshape(*values.shape)
        self.data[...] = values

    def fill_diff(self, values: np.ndarray | None) -> None:
        """Take a copy of a gradient, zeros where there is none."""
        self.diff[...] = 0 if values is None else values


class BottomBlob(TopBlob):
    """A bottom: an array of the net, to be read; its gradient begins with zeros in every pass."""

    def reshape(self, *shape: int) -> None:
        """Refuse another shape: it belongs to the layer below.

        Raises:
            ShapeError: the shape is not the one it has.
        """
        if checked(shape) != self.shape:
            raise ShapeError(
                f"{self._what} has shape {self.shape}, given by the layer below; "
                f"only tops can be reshaped, not to {checked(shape)} here"
            )

    def promise(self, shape: Shape) -> None:
        """Take a shape, with zeros as values."""
        self._shape, self._data, self._diff = shape, None, None

    def show(self, values: np.ndarray) -> None:
        """Show an array that others read too, so that it cannot be written to."""
        self.promise(values.shape)
        self._data = values.view()
        self._data.flags.writeable = False

    def forget(self) -> None:
        """Let go of the arrays."""
        self._data = self._diff = None


class ParamBlob(Blob):
    """A parameter of the layer.

    Attributes:
        draft: what setup writes instead where another layer shared the parameter before; as in
            Caffe, the first layer's values hold.
    """

    def __init__(self, param: Param, engine: Engine, draft: np.ndarray | None) -> None:
        self._param = param
        self._engine = engine
        self.draft = draft
        self._mirror: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def data(self) -> np.ndarray:
        """The values; writing into them changes the parameter."""
        if self.draft is not None:
            return self.draft
        data: np.ndarray = self._mirror[0] if self._mirror else self._param.data
        return data

    @property
    def diff(self) -> np.ndarray:
        """The gradient summed since it was cleared; ``backward`` adds to it."""
        diff: np.ndarray = self._mirror[1] if self._mirror else self._param.diff
        return diff

    def reshape(self, *shape: int) -> None:
        """Refuse another shape: it was chosen with ``add_blob``.

        Raises:
            ShapeError: the shape is not the one it has.
        """
        if checked(shape) != self.shape:
            raise ShapeError(
                f"a parameter keeps the shape that add_blob gave it, {self.shape}; "
                f"given {checked(shape)}"
            )

    def fetch(self) -> None:
        """Bring the parameter to where Python can write to it."""
        if self._engine.xp is not np:
            to_numpy = self._engine.to_numpy
            self._mirror = (to_numpy(self._param.data).copy(), to_numpy(self._param.diff).copy())

    def push(self) -> None:
        """Bring back what Python wrote."""
        if self._mirror is not None:
            self._param.assign(self._engine.asarray(self._mirror[0]))
            self._param.diff[...] = self._engine.asarray(self._mirror[1])
            self._mirror = None


class ParamBlobs(list[ParamBlob]):
    """The parameters of a layer, ``self.blobs``.

    Args:
        declare: makes a parameter of a shape.
    """

    def __init__(self, declare: Callable[[Shape], ParamBlob]) -> None:
        super().__init__()
        self._declare = declare
        self.closed = False

    def add_blob(self, *shape: int) -> None:
        """Add a parameter of zeros, an argument for each axis.

        Raises:
            NetError: the layer runs already, so that nobody would train or save it.
        """
        if self.closed:
            raise NetError("add_blob belongs in setup: the net knows its parameters by now")
        self.append(self._declare(checked(shape)))


def checked(shape: tuple[Any, ...]) -> Shape:
    """Return sizes as whole numbers.

    Raises:
        ShapeError: one is not, or is negative.
    """
    if any(not isinstance(n, int | np.integer) or n < 0 for n in shape):
        raise ShapeError(
            f"a shape is a whole number for each axis, as in reshape(2, 3); "
            f"given {', '.join(map(repr, shape))}"
        )
    return tuple(int(n) for n in shape)

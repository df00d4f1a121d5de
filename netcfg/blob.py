"""What Python code sees of a blob: an array of values, one of gradients, and its axes."""

import numpy as np

from netcfg.errors import ShapeError
from netcfg.types import Shape

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

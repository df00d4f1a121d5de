"""Layers that write what they read to files."""

import sys
import weakref
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from netcfg.errors import NetError, ShapeError
from netcfg.io.files import write_whole
from netcfg.layer import Layer, register
from netcfg.types import Array, Shape

NAMES = ("data", "label")
AXES = 4
CHUNK_BYTES = 1 << 20
CHUNK_ROWS = 1024


@register("HDF5Output")
class HDF5Output(Layer):
    """Write two bottoms to a file that HDF5Data can read: the datasets ``data`` and ``label``.

    bottoms: data (N, ...), label (N, ...)

    Batches follow each other along the first axis; Caffe ends at the second one. As in Caffe,
    arrays of fewer than four axes get more of length 1. The file takes its name, whole, when the
    net is closed or forgotten or the program ends; nothing is written where no batch came.
    """

    bottoms = (2, 2)
    tops = (0, 0)
    differentiable = False
    reads = ("hdf5_output_param",)
    _file: "Hdf5Rows | None" = None
    _closed = False

    def setup(self, *bottoms: Shape) -> None:
        name = self.config.hdf5_output_param.file_name
        if not name or Path(name).is_dir():
            raise NetError(f"hdf5_output_param.file_name must name a file; given '{name}'")
        self.path = Path(name)

    def reshape(self, *bottoms: Shape) -> tuple[()]:
        data, label = (_padded(shape) for shape in bottoms)
        if data[0] != label[0]:
            raise ShapeError(
                f"data and label must have as many rows; given {bottoms[0]} and {bottoms[1]}"
            )
        return ()

    def forward(self, *xs: Array) -> tuple[()]:
        if self._closed:
            raise NetError(f"'{self.path}' is complete: the layer is closed")
        if self._file is None:
            self._file = Hdf5Rows(self.path)
        arrays = [self.engine.to_numpy(x) for x in xs]
        self._file.append(
            {n: x.reshape(_padded(x.shape)) for n, x in zip(NAMES, arrays, strict=True)}
        )
        return ()

    def close(self) -> None:
        self._closed = True
        if self._file is not None:
            self._file.close()


class Hdf5Rows:
    """Datasets that grow row by row, in a file that takes its name when it is closed.

    Args:
        path: of the file; another one under that name is replaced.

    Raises:
        NetError: the folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        stack = ExitStack()
        self._file = stack.enter_context(h5py.File(stack.enter_context(write_whole(path)), "w"))
        self._stack = stack
        # A net that nobody closed is complete when it is forgotten or the program ends.
        self._finish = weakref.finalize(self, stack.close)

    def append(self, arrays: dict[str, np.ndarray]) -> None:
        """Add rows to each dataset.

        Raises:
            ShapeError: the rows of one are not shaped like those before.
            NetError: the disk is full; the file is given up.
        """
        for name, rows in arrays.items():
            known = self._file.get(name)
            if known is not None and known.shape[1:] != rows.shape[1:]:
                raise ShapeError(
                    f"rows of '{name}' in '{self.path}' have shape {known.shape[1:]}; "
                    f"given {rows.shape[1:]}"
                )
        try:
            for name, rows in arrays.items():
                self._append(name, rows)
        except BaseException:
            self._finish.detach()
            self._stack.__exit__(*sys.exc_info())
            raise

    def close(self) -> None:
        """Let the file appear."""
        self._finish()

    def _append(self, name: str, rows: np.ndarray) -> None:
        if name not in self._file:
            row = rows.shape[1:]
            fit = CHUNK_BYTES // max(1, rows.dtype.itemsize * int(np.prod(row)))
            chunk = (min(max(1, fit), CHUNK_ROWS), *(max(1, n) for n in row))
            self._file.create_dataset(
                name, (0, *row), rows.dtype, maxshape=(None, *row), chunks=chunk
            )
        dataset = self._file[name]
        count = len(dataset)
        dataset.resize(count + len(rows), axis=0)
        dataset[count:] = rows


def _padded(shape: Shape) -> Shape:
    """Return a shape of at least four axes."""
    return (*shape, *(1,) * (AXES - len(shape)))

"""Rows of HDF5 files, each top from the dataset of its name."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt

from netcfg.data.draws import Draws
from netcfg.data.feed import Batch
from netcfg.errors import DataError
from netcfg.io.files import find_file
from netcfg.types import Shape

Rows: TypeAlias = npt.NDArray[np.intp]

IN_MEMORY = 1 << 30
"""Datasets of at most this many bytes are read once per file and epoch, larger ones by rows."""

FILES_KEPT = 2

MOST_COMPRESSION = 1100
"""No filter in use makes data smaller by more than this, give or take a gibibyte of zeros."""


class Hdf5Rows:
    """Batch ``k`` holds rows k·N … (k + 1)·N - 1 of the files, one after the other, endlessly.

    Args:
        path: text file that names one HDF5 file a line.
        names: the datasets; the first axis of each counts the rows.
        size: N, rows per batch.
        shuffle: gives every epoch an order of files and of the rows within each.

    Raises:
        DataError: a file is missing, or its datasets do not fit together.
    """

    def __init__(
        self, path: Path, names: Sequence[str], size: int, shuffle: Draws | None = None
    ) -> None:
        self.path = path
        self.names = tuple(names)
        self.size = size
        self.shuffle = shuffle
        self.files = _listed(path)
        self.row_shapes: list[Shape] = []
        self.counts = np.array([self._inspect(file) for file in self.files], np.intp)
        self._kept: dict[int, list[npt.NDArray[np.float32]]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self.counts.sum())

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shape of a batch for each name."""
        return tuple((self.size, *shape) for shape in self.row_shapes)

    def __call__(self, k: int) -> Batch:
        """Return batch ``k``, one array for each name."""
        arrays = tuple(np.empty(shape, np.float32) for shape in self.shapes())
        filled = 0
        while filled < self.size:
            file, rows = self._run(k * self.size + filled, self.size - filled)
            for array, values in zip(arrays, self._read(file, rows), strict=True):
                array[filled : filled + len(rows)] = values
            filled += len(rows)
        return Batch(arrays)

    def close(self) -> None:
        """Forget what was read; no file is open between reads."""
        self._kept.clear()

    def _run(self, start: int, count: int) -> tuple[int, Rows]:
        """Return a file and the rows of it that stand at ``start``, at most ``count``."""
        epoch, start = divmod(start, int(self.counts.sum()))
        order = np.arange(len(self.files))
        if self.shuffle is not None:
            order = self.shuffle.order(len(self.files), epoch)
        ends = self.counts[order].cumsum()
        turn = int(np.searchsorted(ends, start, "right"))
        file = int(order[turn])
        first = start - int(ends[turn] - self.counts[file])
        rows = slice(first, min(first + count, int(self.counts[file])))
        if self.shuffle is None:
            return file, np.arange(rows.start, rows.stop)
        return file, self.shuffle.order(int(self.counts[file]), epoch, file + 1)[rows]

    def _read(self, file: int, rows: Rows) -> list[npt.NDArray[np.float32]]:
        with self._lock:
            kept = self._kept.get(file)
            if kept is None:
                with _open(self.files[file]) as store:
                    datasets = [_dataset(store, name) for name in self.names]
                    if sum(d.size * 4 for d in datasets) > IN_MEMORY:
                        return [_some_rows(d, rows) for d in datasets]
                    kept = [d.astype(np.float32)[...] for d in datasets]
                while len(self._kept) >= FILES_KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[file] = kept
        return [values[rows] for values in kept]

    def _inspect(self, path: Path) -> int:
        """Check a file against those before it and return its number of rows."""
        with _open(path) as file:
            shapes = [_dataset(file, name).shape for name in self.names]
        counts = {name: shape[0] for name, shape in zip(self.names, shapes, strict=True)}
        if len(set(counts.values())) > 1 or 0 in counts.values():
            held = ", ".join(f"'{name}' {count}" for name, count in counts.items())
            raise DataError(f"{path}: datasets must have as many rows each, at least 1; {held}")
        rows = [shape[1:] for shape in shapes]
        self.row_shapes = self.row_shapes or rows
        for name, mine, first in zip(self.names, rows, self.row_shapes, strict=True):
            if mine != first:
                raise DataError(
                    f"{path}: rows of '{name}' have shape {mine}, in {self.files[0]} {first}"
                )
        return int(shapes[0][0])


def _listed(path: Path) -> list[Path]:
    """Return the files that a list names, relative to here or else to the list."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read '{path}': {error}; source must be a text file that names HDF5 files, "
            "one a line"
        ) from error
    files = [find_file(line.strip(), near=str(path)) for line in lines if line.strip()]
    if not files:
        raise DataError(f"list '{path}' is empty")
    return files


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        raise DataError(f"{path} cannot be read as HDF5: {error}") from error


def _dataset(file: Any, name: str) -> Any:
    """Return a dataset that lies in this file, all of it.

    Raises:
        DataError: it is missing, lies elsewhere, is not numeric or larger than the file says.
    """
    where = f"{file.filename}: dataset '{name}'"
    found = file
    for part in name.strip("/").split("/"):
        if not isinstance(found, h5py.Group) or part not in found:
            held = ", ".join(f"'{key}'" for key in file)
            raise DataError(f"{where} is missing; the file holds {held or 'nothing'}")
        if not isinstance(found.get(part, getlink=True), h5py.HardLink):
            raise DataError(f"{where} is a link; data must lie in the file itself")
        found = found[part]
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "fiu" or not found.shape:
        raise DataError(f"{where} must be an array of numbers with at least one axis")
    if found.is_virtual or found.external:
        raise DataError(f"{where} lies in another file; data must lie in the file itself")
    _check_storage(found, where)
    return found


def _check_storage(dataset: Any, where: str) -> None:
    """Refuse sizes that the bytes in the file cannot fill."""
    declared = dataset.size * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    filtered = dataset.id.get_create_plist().get_nfilters() > 0
    most = max(stored * MOST_COMPRESSION, IN_MEMORY) if filtered else stored
    if declared > most:
        raise DataError(f"{where} declares {declared} bytes, but the file holds {stored} of it")


def _some_rows(dataset: Any, rows: Rows) -> npt.NDArray[np.float32]:
    """Read rows in any order; HDF5 itself takes ascending ones only."""
    ascending = np.argsort(rows)
    values = np.empty((len(rows), *dataset.shape[1:]), np.float32)
    values[ascending] = dataset[rows[ascending]]
    return values

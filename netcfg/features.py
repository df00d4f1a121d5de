"""Values of blobs over a data set, as Caffe's ``extract_features`` stores them.

What a net says is kept in files without a name beside the outputs, which vanish with the process;
when the last batch has run, each output is written whole.
"""

import math
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import numpy.typing as npt

from netcfg.data.database import Pair
from netcfg.data.datum import encode_datum
from netcfg.data.new_database import BACKENDS, refuse_existing, write_database
from netcfg.errors import NetError, nearest
from netcfg.io.files import write_whole
from netcfg.layers.data import FeedLayer
from netcfg.net import Net
from netcfg.types import Shape

Values = npt.NDArray[np.float32]

FORMATS = (*BACKENDS, "hdf5", "npz")
ENDINGS = {".h5": "hdf5", ".hdf5": "hdf5", ".npz": "npz", ".leveldb": "leveldb"}

PIECE = 1 << 24
"""Bytes that are copied at once, about."""


@dataclass(frozen=True)
class Output:
    """What is written where.

    Attributes:
        path: a file, or the folder of a database.
        blobs: their names; a database holds one.
    """

    path: Path
    blobs: tuple[str, ...]


@dataclass(frozen=True)
class Passes:
    """How many batches run, and how many images of them count.

    Attributes:
        batches: number of forward passes.
        images: of them; what the last batch holds beyond is left out.
        batch_size: images per batch; 0 where all of them count.
    """

    batches: int
    images: int = 0
    batch_size: int = 0


class Spool:
    """Rows of one blob in a file without a name, all of one shape.

    Args:
        name: of the blob.
        folder: whose disk takes the file.

    Raises:
        NetError: the folder cannot be written.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.rows = 0
        self.shape: Shape = ()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see close
        except OSError as error:
            raise self._failure(error) from error

    def append(self, rows: Values) -> None:
        """Add rows.

        Raises:
            NetError: their shape differs from that of the rows before, or the disk is full.
        """
        shape = rows.shape[1:]
        if self.rows and shape != self.shape:
            raise NetError(
                f"blob '{self.name}' has the shape {shape} an image, before it was {self.shape}; "
                "features must have one shape"
            )
        self.shape = shape
        self.rows += len(rows)
        try:
            self._file.write(np.ascontiguousarray(rows, "<f4").data)
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error

    def pieces(self) -> Iterator[Values]:
        """Yield all rows, some at a time."""
        size = math.prod(self.shape)
        together = max(1, PIECE // (4 * max(1, size)))
        self._file.seek(0)
        for start in range(0, self.rows, together):
            count = min(together, self.rows - start)
            data = self._file.read(4 * count * size)
            yield np.frombuffer(data, "<f4").reshape(count, *self.shape)

    def close(self) -> None:
        """Forget the rows."""
        with suppress(OSError):  # what could not be written was told already
            self._file.close()

    def _failure(self, error: OSError) -> NetError:
        return NetError(f"cannot write features to folder '{self.folder}': {error.strerror}")


def extract_features(
    net: Net,
    outputs: Sequence[Output],
    passes: Passes,
    form: str = "lmdb",
    *,
    force: bool = False,
    on_batch: Callable[[], None] = lambda: None,
) -> dict[str, Shape]:
    """Run a net and write what some of its blobs hold, image by image.

    LMDB and LevelDB hold float Datums (C, H, W) under ``<image, 10 digits>``, as Caffe does;
    HDF5 and NPZ hold an array (N, …) for each blob, under its name.

    Args:
        net: built with ``keep`` of these blobs, its weights loaded.
        outputs: where the blobs go.
        passes: how many batches, as ``whole`` says for a data set.
        form: one of ``FORMATS``.
        force: replaces databases that are there already.
        on_batch: called after each batch.

    Returns:
        The shape (N, …) of each blob over all images.

    Raises:
        NetError: a blob is unknown or changes its shape, or an output cannot be written.
    """
    _check(net, outputs, form, force)
    with ExitStack() as stack:
        spools: dict[str, Spool] = {}
        for output in outputs:
            for name in output.blobs:
                spools[name] = Spool(name, output.path.parent)
                stack.callback(spools[name].close)
        _run(net, passes, spools, on_batch)
        for output in outputs:
            _write(output.path, [spools[name] for name in output.blobs], form, force)
        return {name: (spool.rows, *spool.shape) for name, spool in spools.items()}


def whole(net: Net) -> Passes:
    """Return the passes that show each record of the net's data once.

    Raises:
        NetError: no layer reads a data set, or several do, of different lengths.
    """
    sizes = {}
    for layer, shapes in zip(net.layers, net.top_shapes, strict=True):
        if isinstance(layer, FeedLayer) and layer.feed is not None:
            sizes[layer.name] = (len(layer.feed), shapes[0][0])
    if not sizes:
        raise NetError(
            "no layer of the net reads a data set, whose length would say how many batches there "
            "are; give NUM_BATCHES"
        )
    if len(set(sizes.values())) > 1:
        held = ", ".join(f"'{name}' {n} by {size}" for name, (n, size) in sizes.items())
        raise NetError(f"the layers read data of different lengths: {held}; give NUM_BATCHES")
    images, size = next(iter(sizes.values()))
    return Passes(-(-images // size), images, size)


def form_of(path: str | Path) -> str:
    """Return the format that the ending of a path means.

    >>> form_of("fc7.h5"), form_of("fc7")
    ('hdf5', 'lmdb')
    """
    return ENDINGS.get(Path(path).suffix.lower(), "lmdb")


def _check(net: Net, outputs: Sequence[Output], form: str, force: bool) -> None:
    known = list(dict.fromkeys(blob.name for blob in net.graph.blobs()))
    for name in (name for output in outputs for name in output.blobs):
        if name not in known:
            raise NetError(
                f"net '{net.name}' has no blob '{name}'{nearest(name, known)} "
                f"(blobs: {', '.join(known)})"
            )
    for output in outputs:
        if form in BACKENDS:
            refuse_existing(output.path, force=force)
        elif output.path.is_dir():
            raise NetError(f"'{output.path}' is a folder; {form} needs the name of a file")


def _run(net: Net, passes: Passes, spools: dict[str, Spool], on_batch: Callable[[], None]) -> None:
    left = passes.images
    last = max(
        i for i, node in enumerate(net.graph.nodes) if any(b.name in spools for b in node.tops)
    )
    for _ in range(passes.batches):
        net.forward(end=net.layers[last].name)
        blobs = net.blobs
        for name, spool in spools.items():
            values = net.engine.to_numpy(blobs[name])
            rows = values if values.ndim else values.reshape(1)
            spool.append(rows[: _counted(name, len(rows), left, passes.batch_size)])
        left -= passes.batch_size
        on_batch()


def _counted(name: str, rows: int, left: int, batch_size: int) -> int:
    """Return how many rows of a batch count, with ``left`` images to come.

    Raises:
        NetError: the batch must be cut, but the blob does not hold a row for each image.
    """
    if left >= batch_size:
        return rows
    if rows != batch_size:
        raise NetError(
            f"blob '{name}' holds no row for each image (its length is {rows}, that of a batch "
            f"{batch_size}), and only {left} images of the last batch count; give NUM_BATCHES"
        )
    return left


def _write(path: Path, spools: Sequence[Spool], form: str, force: bool) -> None:
    if form == "hdf5":
        _write_hdf5(path, spools)
    elif form == "npz":
        _write_npz(path, spools)
    else:
        write_database(path, _records(spools[0]), form, force=force)


def _records(spool: Spool) -> Iterator[Pair]:
    """Yield float Datums under the number of the image, 10 digits."""
    if len(spool.shape) > 3:
        raise NetError(
            f"blob '{spool.name}' has the shape {spool.shape} an image, more than the three axes "
            "of a Datum; hdf5 and npz take it"
        )
    shape = (*spool.shape, 1, 1, 1)[:3]
    i = 0
    for rows in spool.pieces():
        for row in rows:
            yield b"%010d" % i, encode_datum(row.reshape(shape))
            i += 1


def _write_hdf5(path: Path, spools: Sequence[Spool]) -> None:
    with write_whole(path) as out, h5py.File(out, "w") as file:
        for spool in spools:
            data = file.create_dataset(spool.name, (spool.rows, *spool.shape), "<f4")
            _copy(spool, data)


def _copy(spool: Spool, data: Any) -> None:
    start = 0
    for rows in spool.pieces():
        data[start : start + len(rows)] = rows
        start += len(rows)


def _write_npz(path: Path, spools: Sequence[Spool]) -> None:
    with write_whole(path) as out, zipfile.ZipFile(out, "w") as archive:
        for spool in spools:
            with archive.open(f"{spool.name}.npy", "w", force_zip64=True) as entry:
                head = {
                    "descr": "<f4",
                    "fortran_order": False,
                    "shape": (spool.rows, *spool.shape),
                }
                np.lib.format.write_array_header_2_0(entry, head)
                for rows in spool.pieces():
                    entry.write(rows.data)

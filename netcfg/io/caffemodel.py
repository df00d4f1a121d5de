"""Caffe's weights files, read by the few fields that mean the same in every fork.

Forks gave the same numbers to different fields, so no schema decodes all files. These are stable:
NetParameter ``layer`` 100 and ``layers`` 2 (of old files), the name, type and blobs of a layer, and
the values and shape of a blob.
"""

import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

import numpy as np

from netcfg.errors import WeightsError, nearest
from netcfg.io.blobs import blob_size, read_blob, write_blob
from netcfg.io.files import of_zoo, write_whole
from netcfg.io.preparation import FIELDS, Preparation, encode, with_field
from netcfg.io.wire import BYTES, VARINT, Data, Field, Reader, Values, bytes_field, header
from netcfg.netcfg_pb2 import V1LayerParameter

NET_NAME, NET_LAYERS, NET_LAYER = 1, 2, 100
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Numbers:
    """Field numbers of one generation of layer messages."""

    name: int
    type: int
    blobs: int


CURRENT = Numbers(name=1, type=2, blobs=7)
V1 = Numbers(name=4, type=5, blobs=6)
V0 = Numbers(name=1, type=2, blobs=50)
V1_NESTED_V0 = 1
"""Field of a V1 layer that holds a V0 layer."""


class Weights(dict[str, list[Values | None]]):
    """Arrays by the name of their layer, as a file holds them; read-only views of its bytes.

    HDF5 files leave out blobs that an earlier layer owns; None stands in their place.

    Attributes:
        path: of the file.
        name: of the net.
        types: type by layer name, for all layers, in the order of the file; those of V1 files are
            the enum's names, such as ``INNER_PRODUCT``.
        repeated: layers that the file holds more than once; the last one counts, as in Caffe.
        preparation: of images in training; None where the file does not say it.
    """

    def __init__(self, path: str = "") -> None:
        super().__init__()
        self.path = path
        self.name = ""
        self.types: dict[str, str] = {}
        self.repeated: list[str] = []
        self.preparation: Preparation | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(b.nbytes for blobs in self.values() for b in blobs if b is not None)

    def rename(self, names: Mapping[str, str]) -> "Weights":
        """Give layers other names, old name → new name, and return these weights.

        Raises:
            WeightsError: there are no weights of an old name, or some of a new one already.
        """
        for old, new in names.items():
            if old not in self:
                known = nearest(old, self)
                raise WeightsError(f"'{self.path}' has no layer '{old}' to rename{known}")
            if new in self and new not in names:
                raise WeightsError(f"'{self.path}' has a layer '{new}' besides '{old}'")
        blobs, types = dict(self), dict(self.types)
        self.clear()
        self.update({names.get(name, name): arrays for name, arrays in blobs.items()})
        self.types = {names.get(name, name): kind for name, kind in types.items()}
        return self


@dataclass(frozen=True)
class StoredLayer:
    """A layer as a weights file keeps it.

    Attributes:
        diffs: gradients of all blobs, or none.
        shared: indices of the blobs that an earlier layer owns; HDF5 files leave them out.
    """

    name: str
    type: str
    bottoms: Sequence[str] = ()
    tops: Sequence[str] = ()
    blobs: Sequence[np.ndarray] = ()
    diffs: Sequence[np.ndarray] = ()
    shared: Collection[int] = ()


def read_weights(path: str | Path) -> Weights:
    """Read a .caffemodel of any age and fork, or a .caffemodel.h5; the content decides.

    Raises:
        WeightsError: the file is missing, damaged or of another kind; the message says where.
    """
    path = of_zoo(path, "weights")
    try:
        with open(path, "rb") as file:
            hdf5 = file.peek(len(HDF5_MAGIC)).startswith(HDF5_MAGIC)
            data = b"" if hdf5 else _content(file)
    except OSError as error:
        raise _unreadable(path, error) from error
    if hdf5:
        from netcfg.io.hdf5 import read_weights_hdf5  # h5py takes long to import

        return read_weights_hdf5(path)
    return decode_weights(data, str(path))


def read_bytes(path: str | Path) -> Data:
    """Return the content of a file.

    Raises:
        WeightsError: it cannot be read.
    """
    path = of_zoo(path, "weights")
    try:
        with open(path, "rb") as file:
            return _content(file)
    except OSError as error:
        raise _unreadable(path, error) from error


def _content(file: BufferedReader) -> Data:
    """Return all bytes of a file from its beginning, in memory that NumPy has allocated.

    That is of huge pages where the system has them, which takes a fifth of the time of ``bytes``.
    """
    about = os.fstat(file.fileno())
    if not stat.S_ISREG(about.st_mode):
        return file.read()
    buffer = np.empty(about.st_size, np.uint8).data
    size = file.readinto(buffer)
    return buffer[:size].toreadonly() if size == about.st_size else bytes(buffer[:size])


def _unreadable(path: str | Path, error: OSError) -> WeightsError:
    return WeightsError(f"cannot read '{path}': {error.strerror or error}")


def decode_weights(data: Data, path: str) -> Weights:
    """Return the weights in the bytes of a .caffemodel; ``path`` is for messages."""
    if data[: len(HDF5_MAGIC)] == HDF5_MAGIC:
        raise WeightsError(f"'{path}' is an HDF5 file, not a .caffemodel")
    reader = Reader(data, path)
    weights = Weights(path)
    for item in reader.fields():
        if item.number == NET_NAME and item.kind == VARINT:
            raise WeightsError(
                f"'{path}' holds a solver state, not weights; the weights lie beside it in a "
                ".caffemodel, or go on from the state with --snapshot"
            )
        if item.number == NET_NAME:
            weights.name = reader.text(item)
        elif item.number == NET_LAYER:
            _read_layer(reader, item, CURRENT, weights)
        elif item.number == NET_LAYERS:
            _read_layer(reader, item, V1, weights)
        elif item.number in FIELDS:
            weights.preparation = with_field(reader, item, weights.preparation)
    if not weights.types:
        raise WeightsError(f"'{path}' holds no layers; is it a .caffemodel?")
    return weights


def write_weights(
    path: str | Path,
    net_name: str,
    layers: Iterable[StoredLayer],
    preparation: Preparation | None = None,
) -> str:
    """Write a .caffemodel as Caffe does, whole or not at all, one blob at a time.

    Args:
        path: of the file.
        net_name: name of the net.
        layers: what it keeps.
        preparation: of images for the net, in fields that Caffe passes over.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        NetError: the file cannot be written.
    """
    with write_whole(path) as file:
        out = HashingFile(file)
        out.write(bytes_field(NET_NAME, net_name.encode()))
        for piece in encode(preparation) if preparation is not None else ():
            out.write(piece)
        for layer in layers:
            for piece in _encode_layer(layer):
                out.write(piece)
    return out.hexdigest()


@dataclass
class HashingFile:
    """Passes bytes on to a file and hashes them on the way."""

    file: BinaryIO
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def write(self, piece: bytes | memoryview) -> None:
        """Write and hash a piece."""
        self._hash.update(piece)
        self.file.write(piece)

    def hexdigest(self) -> str:
        """Return the SHA-256 of what was written."""
        return self._hash.hexdigest()


def _read_layer(reader: Reader, at: Field, numbers: Numbers, weights: Weights) -> None:
    reader.expect(at, BYTES)
    name = kind = ""
    stored: list[Field] = []
    for item in reader.fields(at.start, at.end):
        if item.number == V1_NESTED_V0 and numbers is V1:
            _read_layer(reader, item, V0, weights)
            return
        if item.number == numbers.name:
            name = reader.text(item)
        elif item.number == numbers.type:
            kind = _v1_type(reader, item) if numbers is V1 else reader.text(item)
        elif item.number == numbers.blobs:
            reader.expect(item, BYTES)
            stored.append(item)
    weights.types.setdefault(name, kind)
    if stored:
        if name in weights:
            weights.repeated.append(name)
        weights.types[name] = kind
        weights[name] = [
            read_blob(reader, item, f"layer '{name}' blob {i}") for i, item in enumerate(stored)
        ]


def _v1_type(reader: Reader, item: Field) -> str:
    number = reader.varints(item)[0]
    names = V1LayerParameter.LayerType.DESCRIPTOR.values_by_number
    return names[number].name if number in names else str(number)


def _encode_layer(layer: StoredLayer) -> Iterator[bytes | memoryview]:
    head = bytes_field(CURRENT.name, layer.name.encode())
    head += bytes_field(CURRENT.type, layer.type.encode())
    head += b"".join(bytes_field(3, name.encode()) for name in layer.bottoms)
    head += b"".join(bytes_field(4, name.encode()) for name in layer.tops)
    nothing: Sequence[None] = [None] * len(layer.blobs)
    pairs = list(zip(layer.blobs, layer.diffs or nothing, strict=True))
    size = len(head) + sum(blob_size(blob, CURRENT.blobs, diff) for blob, diff in pairs)
    yield header(NET_LAYER, size) + head
    for blob, diff in pairs:
        yield from write_blob(blob, CURRENT.blobs, diff)

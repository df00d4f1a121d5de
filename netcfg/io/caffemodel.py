"""Caffe's weights files, read by the few fields that mean the same in every fork.

Forks gave the same numbers to different fields, so no schema decodes all files. These are stable:
NetParameter ``layer`` 100 and ``layers`` 2 (of old files), the name, type and blobs of a layer, and
the values and shape of a blob.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from netcfg.errors import WeightsError
from netcfg.io.blobs import blob_size, read_blob, write_blob
from netcfg.io.files import write_whole
from netcfg.io.wire import BYTES, VARINT, Field, Reader, Values, bytes_field, header
from netcfg.netcfg_pb2 import V1LayerParameter

NET_NAME, NET_LAYERS, NET_LAYER = 1, 2, 100
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class _Numbers:
    """Field numbers of one generation of layer messages."""

    name: int
    type: int
    blobs: int


CURRENT = _Numbers(name=1, type=2, blobs=7)
V1 = _Numbers(name=4, type=5, blobs=6)
V0 = _Numbers(name=1, type=2, blobs=50)
V1_NESTED_V0 = 1
"""Field of a V1 layer that holds a V0 layer."""


class Weights(dict[str, list[Values]]):
    """Arrays by the name of their layer, as a file holds them; read-only views of its bytes.

    Attributes:
        path: of the file.
        name: of the net.
        types: type by layer name, for all layers, in the order of the file; those of V1 files are
            the enum's names, such as ``INNER_PRODUCT``.
        repeated: layers that the file holds more than once; the last one counts, as in Caffe.
    """

    def __init__(self, path: str = "") -> None:
        super().__init__()
        self.path = path
        self.name = ""
        self.types: dict[str, str] = {}
        self.repeated: list[str] = []

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(blob.nbytes for blobs in self.values() for blob in blobs)


@dataclass(frozen=True)
class StoredLayer:
    """A layer as a weights file keeps it."""

    name: str
    type: str
    bottoms: Sequence[str] = ()
    tops: Sequence[str] = ()
    blobs: Sequence[np.ndarray] = ()


def read_weights(path: str | Path) -> Weights:
    """Read a .caffemodel of any age and fork, or a .caffemodel.h5; the content decides.

    Raises:
        WeightsError: the file is missing, damaged or of another kind; the message says where.
    """
    data = read_bytes(path)
    if data.startswith(HDF5_MAGIC):
        from netcfg.io.hdf5 import read_weights_hdf5  # h5py takes long to import

        return read_weights_hdf5(path)
    return decode_weights(data, str(path))


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read '{path}': {error.strerror or error}") from error


def decode_weights(data: bytes, path: str) -> Weights:
    """Return the weights in the bytes of a .caffemodel; ``path`` is for messages."""
    if data.startswith(HDF5_MAGIC):
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
    if not weights.types:
        raise WeightsError(f"'{path}' holds no layers; is it a .caffemodel?")
    return weights


def write_weights(path: str | Path, net_name: str, layers: Iterable[StoredLayer]) -> str:
    """Write a .caffemodel as Caffe does, whole or not at all, one blob at a time.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        NetError: the file cannot be written.
    """
    with write_whole(path) as file:
        out = HashingFile(file)
        out.write(bytes_field(NET_NAME, net_name.encode()))
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


def _read_layer(reader: Reader, at: Field, numbers: _Numbers, weights: Weights) -> None:
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
    size = len(head) + sum(blob_size(blob, CURRENT.blobs) for blob in layer.blobs)
    yield header(NET_LAYER, size) + head
    for blob in layer.blobs:
        yield from write_blob(blob, CURRENT.blobs)

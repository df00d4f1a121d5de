"""Caffe's BlobProto, the array of weights files and solver states, straight from and to bytes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from netcfg.io.wire import BYTES, Field, Reader, Values, bytes_field, header, varint
from netcfg.types import Shape

NUM, CHANNELS, HEIGHT, WIDTH, DATA, SHAPE, DOUBLE_DATA = 1, 2, 3, 4, 5, 7, 8
RAW_TYPE, RAW_DATA = 10, 12
RAW_TYPES = ("<f8", "<f4", "<f2")
"""NVCaffe's types of ``raw_data``, by number."""


@dataclass
class _Parts:
    """What a BlobProto says, as it is met."""

    legacy: dict[int, int] = field(default_factory=dict)
    dims: list[int] | None = None
    values: list[Values] = field(default_factory=list)
    raw: Field | None = None
    raw_type: int = 1


def read_blob(reader: Reader, at: Field, what: str) -> Values:
    """Return the array of a BlobProto, a read-only view of the file's bytes where it can be.

    Args:
        reader: of the file.
        at: the field that holds the BlobProto.
        what: the blob, for messages.

    Raises:
        WeightsError: the message is damaged, or its shape and the number of values differ.
    """
    parts = _Parts()
    for item in reader.fields(at.start, at.end):
        if item.number in (NUM, CHANNELS, HEIGHT, WIDTH):
            parts.legacy[item.number] = reader.varints(item)[0]
        elif item.number == SHAPE:
            reader.expect(item, BYTES)
            parts.dims = parts.dims or []
            for dim in reader.fields(item.start, item.end):
                parts.dims += reader.varints(dim) if dim.number == 1 else []
        elif item.number in (DATA, DOUBLE_DATA):
            parts.values.append(reader.floats(item, "<f4" if item.number == DATA else "<f8"))
        elif item.number == RAW_TYPE:
            parts.raw_type = reader.varints(item)[0]
        elif item.number == RAW_DATA:
            reader.expect(item, BYTES)
            parts.raw = item
    values = _values(reader, at, parts, what)
    shape = _shape(parts, values.size)
    if math.prod(shape) != values.size or min(shape, default=0) < 0:
        raise reader.error(
            at.at, f"{what} has shape {shape} = {math.prod(shape)} values, but holds {values.size}"
        )
    return values.reshape(shape)


def write_blob(array: np.ndarray, number: int) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a BlobProto field: float64 as ``double_data``, all else as ``data``."""
    double = array.dtype == np.float64
    data = np.ascontiguousarray(array, "<f8" if double else "<f4")
    dims = b"".join(varint(n) for n in array.shape)
    head = bytes_field(SHAPE, bytes_field(1, dims) if dims else b"")
    if data.size:
        head += header(DOUBLE_DATA if double else DATA, data.nbytes)
    yield header(number, len(head) + data.nbytes) + head
    if data.size:
        yield data.data.cast("B")


def blob_size(array: np.ndarray, number: int) -> int:
    """Return how many bytes ``write_blob`` yields."""
    width = 8 if array.dtype == np.float64 else 4
    dims = sum(len(varint(n)) for n in array.shape)
    inner = len(header(SHAPE, 0)) + (len(header(1, dims)) + dims if dims else 0)
    size = array.size * width
    inner += len(header(DATA, size)) + size if size else 0
    return len(header(number, inner)) + inner


def _values(reader: Reader, at: Field, parts: _Parts, what: str) -> Values:
    if parts.raw is not None and not parts.values:
        if not 0 <= parts.raw_type < len(RAW_TYPES):
            raise reader.error(at.at, f"{what} has values of the unknown type {parts.raw_type}")
        dtype = RAW_TYPES[parts.raw_type]
        size = parts.raw.end - parts.raw.start
        if size % np.dtype(dtype).itemsize:
            raise reader.error(parts.raw.at, f"{size} bytes are not whole {dtype} numbers")
        return np.frombuffer(reader.data, dtype, size // np.dtype(dtype).itemsize, parts.raw.start)
    if not parts.values:
        return np.zeros(0, np.float32)
    return parts.values[0] if len(parts.values) == 1 else np.concatenate(parts.values)


def _shape(parts: _Parts, count: int) -> Shape:
    """Return the declared shape: ``shape``, the four old fields, or none for a single value."""
    if parts.dims is not None:
        return tuple(parts.dims)
    if parts.legacy:
        return tuple(parts.legacy.get(i, 0) for i in (NUM, CHANNELS, HEIGHT, WIDTH))
    return () if count == 1 else (count,)

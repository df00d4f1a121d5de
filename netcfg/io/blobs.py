"""Caffe's BlobProto, the array of weights files and solver states, straight from and to bytes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from netcfg.errors import WeightsError
from netcfg.io.wire import BYTES, VARINT, Field, Reader, Values, bytes_field, header, varint
from netcfg.netcfg_pb2 import BlobProto
from netcfg.types import Shape

NUM, CHANNELS, HEIGHT, WIDTH, DATA, DIFF, SHAPE, DOUBLE_DATA, DOUBLE_DIFF = range(1, 10)
RAW_TYPE, RAW_DATA = 10, 12
RAW_TYPES = ("<f8", "<f4", "<f2")
"""NVCaffe's types of ``raw_data``, by number."""


OLD = (NUM, CHANNELS, HEIGHT, WIDTH)
VOLUME = (*OLD, DATA)
"""Where C3D keeps the five lengths of an array: its values are one field further on, in DIFF."""


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
        if item.number in OLD or (item.number == DATA and item.kind == VARINT):
            parts.legacy[item.number] = reader.varints(item)[0]
        elif DATA in parts.legacy:
            parts.values += [reader.floats(item, "<f4")] if item.number == DIFF else []
        elif item.number == SHAPE:
            parts.dims = (parts.dims or []) + _dims(reader, item)
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


def blob_array(blob: BlobProto, what: str) -> Values:
    """Return the array of a BlobProto that was read already, as ``read_blob`` does.

    Raises:
        WeightsError: its shape and the number of values differ.
    """
    data = bytes_field(1, blob.SerializeToString())
    try:
        return read_blob(Reader(data, ""), next(Reader(data, "").fields()), what)
    except WeightsError as error:
        raise WeightsError(str(error).removeprefix(": byte 0: ")) from None


def write_blob(
    array: np.ndarray, number: int, diff: np.ndarray | None = None
) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a BlobProto field: float64 as ``double_data``, all else as ``data``.

    Args:
        array: the values.
        number: of the field.
        diff: the gradient, of the same shape, where it is to be written too.
    """
    parts = _written(array, diff)
    dims = b"".join(varint(n) for n in array.shape)
    head = bytes_field(SHAPE, bytes_field(1, dims) if dims else b"")
    yield header(number, _inner_size(array, parts)) + head
    for key, part in parts.items():
        data = np.ascontiguousarray(part, "<f8" if part.dtype == np.float64 else "<f4")
        yield header(key, data.nbytes)
        yield data.data.cast("B")


def blob_size(array: np.ndarray, number: int, diff: np.ndarray | None = None) -> int:
    """Return how many bytes ``write_blob`` yields."""
    inner = _inner_size(array, _written(array, diff))
    return len(header(number, inner)) + inner


def _written(array: np.ndarray, diff: np.ndarray | None) -> dict[int, np.ndarray]:
    """Return the arrays with something in them by the number of their field."""
    double = array.dtype == np.float64
    parts = {DOUBLE_DATA if double else DATA: array}
    if diff is not None:
        parts[DOUBLE_DIFF if diff.dtype == np.float64 else DIFF] = diff
    return {key: part for key, part in parts.items() if part.size}


def _inner_size(array: np.ndarray, parts: dict[int, np.ndarray]) -> int:
    dims = sum(len(varint(n)) for n in array.shape)
    inner = len(header(SHAPE, 0)) + (len(header(1, dims)) + dims if dims else 0)
    for key, part in parts.items():
        size = part.size * (8 if part.dtype == np.float64 else 4)
        inner += len(header(key, size)) + size
    return inner


def _dims(reader: Reader, shape: Field) -> list[int]:
    """Return the lengths that a BlobShape holds."""
    reader.expect(shape, BYTES)
    fields = reader.fields(shape.start, shape.end)
    return [n for dim in fields if dim.number == 1 for n in reader.varints(dim)]


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
    """Return the declared shape: ``shape``, four old fields or C3D's five; none for one value."""
    if parts.dims is not None:
        return tuple(parts.dims)
    if parts.legacy:
        return tuple(parts.legacy.get(i, 0) for i in (VOLUME if DATA in parts.legacy else OLD))
    return () if count == 1 else (count,)

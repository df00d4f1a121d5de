"""Protobuf's wire format, as far as weights need it: fields in, fields out, no schema.

A message is a run of fields. Each begins with a varint ``number << 3 | kind``; kind 0 is a varint,
1 eight bytes, 2 a length and so many bytes, 5 four bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.errors import WeightsError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Values = npt.NDArray[np.floating[Any]]
Data = bytes | memoryview
"""Bytes of a file."""
LONGEST_VARINT = 10
"""Bytes of a 64-bit varint."""


@dataclass(frozen=True)
class Field:
    """One field of a message: the value of a varint, else where its bytes lie.

    A run of equal fixed-size fields without a length, as unpacked floats are stored, is one Field.

    Attributes:
        number: of the field in its message.
        kind: VARINT, FIXED64, BYTES or FIXED32.
        at: offset of the field in the file, for messages.
        start, end: of the bytes.
        value: of a varint.
        count: how many fields lie in the run.
    """

    number: int
    kind: int
    at: int
    start: int
    end: int
    value: int = 0
    count: int = 1


class Reader:
    """Fields of the messages in one file, and errors that name the file and the byte.

    Args:
        data: the bytes of the file.
        path: of the file, for messages.
    """

    def __init__(self, data: Data, path: str) -> None:
        self.data = data
        self.path = path

    def error(self, at: int, message: str) -> WeightsError:
        """Return an error that begins with the file and the byte offset."""
        return WeightsError(f"{self.path}: byte {at}: {message}")

    def fields(self, start: int = 0, end: int | None = None) -> Iterator[Field]:
        """Yield the fields of the message between two offsets.

        Raises:
            WeightsError: the bytes are not a message or end within a field.
        """
        end = len(self.data) if end is None else end
        position = start
        while position < end:
            field = self._field(position, end)
            yield field
            position = field.end

    def text(self, field: Field) -> str:
        """Return a string field."""
        self.expect(field, BYTES)
        return str(self.data[field.start : field.end], "utf-8", "replace")

    def expect(self, field: Field, *kinds: int) -> None:
        """Refuse a field of another kind than these."""
        if field.kind not in kinds:
            raise self.error(
                field.at, f"field {field.number} has wire type {field.kind}, expected {kinds[0]}"
            )

    def varints(self, field: Field) -> list[int]:
        """Return the integers of a repeated field, packed or not."""
        self.expect(field, BYTES, VARINT)
        if field.kind == VARINT:
            return [_signed(field.value)]
        values, position = [], field.start
        while position < field.end:
            value, position = self._varint(position, field.end)
            values.append(_signed(value))
        return values

    def floats(self, field: Field, dtype: str) -> Values:
        """Return a repeated ``float`` or ``double`` field: a view where it is packed, else a copy.

        Args:
            field: with the values.
            dtype: ``"<f4"`` or ``"<f8"``.
        """
        width = np.dtype(dtype).itemsize
        self.expect(field, BYTES, FIXED32 if width == 4 else FIXED64)
        size = field.end - field.start
        if field.kind == BYTES:
            if size % width:
                raise self.error(field.at, f"{size} bytes are not whole {width}-byte numbers")
            return np.frombuffer(self.data, dtype, size // width, field.start)
        # tag, value, tag, value, …: every field of the run has the same size
        rows = np.frombuffer(self.data, np.uint8, size, field.start).reshape(field.count, -1)
        return np.ascontiguousarray(rows[:, -width:]).view(dtype).reshape(-1)

    def _field(self, at: int, end: int) -> Field:
        key, start = self._varint(at, end)
        number, kind = key >> 3, key & 7
        if not number or number >= 1 << 29:
            raise self.error(at, f"damaged: there is no field number {number}")
        if kind == VARINT:
            value, stop = self._varint(start, end)
            return Field(number, kind, at, start, stop, value)
        if kind == BYTES:
            size, start = self._varint(start, end)
            return Field(number, kind, at, start, self._within(at, start, size, end))
        if kind in (FIXED32, FIXED64):
            stop = self._within(at, start, 4 if kind == FIXED32 else 8, end)
            count = self._run(at, start, stop, end)
            return Field(number, kind, at, at, at + count * (stop - at), 0, count)
        raise self.error(at, f"damaged: no wire type {kind} (field {number})")

    def _within(self, at: int, start: int, size: int, end: int) -> int:
        if size > end - start:
            raise self.error(
                at, f"cut off or damaged: {size} bytes are declared, {end - start} are there"
            )
        return start + size

    def _run(self, at: int, start: int, stop: int, end: int) -> int:
        """Count the fields from ``at`` on that repeat its tag, each of the same size."""
        tag, step = self.data[at:start], stop - at
        if self.data[stop : stop + len(tag)] != tag:
            return 1
        count = (end - at) // step
        rows = np.frombuffer(self.data, np.uint8, count * step, at).reshape(count, step)
        same = (rows[:, : len(tag)] == np.frombuffer(tag, np.uint8)).all(axis=1)
        return count if same.all() else int(np.argmin(same))

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        """Return the varint at ``position`` and the offset after it."""
        value = shift = 0
        data = self.data
        for i in range(position, min(position + LONGEST_VARINT, end)):
            byte = data[i]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, i + 1
            shift += 7
        if position + LONGEST_VARINT <= end:
            raise self.error(position, "damaged: a number is longer than 64 bits")
        raise self.error(position, "cut off or damaged: the data end within a number")


def varint(value: int) -> bytes:
    """Return the bytes of a non-negative number, seven bits each, the lowest first.

    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def header(number: int, size: int) -> bytes:
    """Return what stands before the ``size`` bytes of a field with a length."""
    return varint(number << 3 | BYTES) + varint(size)


def bytes_field(number: int, payload: bytes) -> bytes:
    """Return a field that holds bytes or a message."""
    return header(number, len(payload)) + payload


def _signed(value: int) -> int:
    """Return the int64 that a varint stores in two's complement."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value

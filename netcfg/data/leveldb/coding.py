"""The numbers and byte strings that all of LevelDB's files are made of."""

from pathlib import Path

from netcfg.errors import DataError

BROKEN = (IndexError, ValueError, OverflowError)
"""What the functions below raise about bytes that no writer wrote."""

TAG = 8
"""Bytes that end the key of an entry: 256 × sequence number + kind, the lowest byte first."""

DELETED, PUT = 0, 1
"""The kinds of entries."""


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at a position, seven bits a byte, the lowest first, and what follows it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def varint(value: int) -> bytes:
    """Return a number, seven bits a byte, the lowest first.

    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_string(data: bytes, position: int) -> tuple[bytes, int]:
    """Return the byte string at a position, its length first, and what follows it."""
    length, start = read_varint(data, position)
    if start + length > len(data):
        raise IndexError("a string that is longer than the rest")
    return data[start : start + length], start + length


def string(value: bytes) -> bytes:
    """Return a byte string with its length in front."""
    return varint(len(value)) + value


def entry_key(key: bytes, sequence: int, kind: int) -> bytes:
    """Return the key of an entry: the user's key and a tag."""
    return key + (sequence << 8 | kind).to_bytes(TAG, "little")


def order(key: bytes) -> tuple[bytes, int]:
    """Return what entries are sorted by: the user's key, of the same key the newest first."""
    return key[:-TAG], -int.from_bytes(key[-TAG:], "little")


def damaged(file: Path, what: str) -> DataError:
    """Return the error about a file."""
    return DataError(f"LevelDB file '{file}' is damaged: {what}")

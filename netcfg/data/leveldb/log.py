"""Log files, which manifests are too: records in fragments that fit blocks of 32 KiB."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from netcfg.data.leveldb.checksum import masked
from netcfg.data.leveldb.coding import damaged

BLOCK = 1 << 15
HEADER = struct.Struct("<IHB")
"""Checksum of kind and bytes, number of bytes, kind."""

FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def read_records(file: Path) -> Iterator[bytes]:
    """Yield the records of a log; one that was cut while it was written is left out.

    Raises:
        DataError: the log is damaged before its end.
        OSError: the file cannot be read.
    """
    parts: list[bytes] = []
    for kind, part in _fragments(file):
        if (kind in (FULL, FIRST)) == bool(parts):
            raise damaged(file, "a record lacks its beginning or its end")
        parts.append(part)
        if kind in (FULL, LAST):
            yield b"".join(parts)
            parts = []


def _fragments(file: Path) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as log:
        start = 0
        while block := log.read(BLOCK):
            position = 0
            while position + HEADER.size <= len(block):
                crc, length, kind = HEADER.unpack_from(block, position)
                if kind == length == 0:
                    break  # the file was given its size before it was written
                end = position + HEADER.size + length
                if end > len(block) < BLOCK:
                    return
                # The checksum covers the kind, the last byte of the header, too.
                if end > len(block) or masked(block[position + 6 : end]) != crc:
                    raise damaged(file, f"the checksum of byte {start + position} does not match")
                if not FULL <= kind <= LAST:
                    raise damaged(file, f"a fragment of unknown kind {kind}")
                yield kind, block[position + HEADER.size : end]
                position = end
            start += len(block)


def write_record(file: BinaryIO, record: bytes) -> None:
    """Add a record to a log."""
    written, first = 0, True
    while first or written < len(record):
        room = BLOCK - file.tell() % BLOCK
        if room < HEADER.size:
            file.write(bytes(room))
            room = BLOCK
        part = record[written : written + room - HEADER.size]
        written += len(part)
        last = written == len(record)
        kind = (FULL if last else FIRST) if first else (LAST if last else MIDDLE)
        tagged = bytes([kind]) + part
        file.write(HEADER.pack(masked(tagged), len(part), kind) + part)
        first = False

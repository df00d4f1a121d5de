"""Writing sorted tables."""

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from netcfg.data.leveldb.checksum import masked
from netcfg.data.leveldb.coding import varint
from netcfg.data.leveldb.manifest import File, table_name
from netcfg.data.leveldb.table import FOOTER, MAGIC, PLAIN, Entry

BLOCK = 1 << 16
"""Bytes after which a block ends, as in Caffe."""


class _Block:
    """Entries with whole keys: they are short beside what they name."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._starts: list[int] = []
        self.size = 0

    def add(self, key: bytes, value: bytes) -> None:
        head = b"\0" + varint(len(key)) + varint(len(value)) + key
        self._parts += (head, value)
        self._starts.append(self.size)
        self.size += len(head) + len(value)

    def finish(self) -> bytes:
        starts = self._starts or [0]
        return b"".join(self._parts) + b"".join(
            number.to_bytes(4, "little") for number in (*starts, len(starts))
        )


def write_table(folder: Path, number: int, entries: Iterator[Entry], limit: float) -> File | None:
    """Write sorted entries to a table until it holds ``limit`` bytes; None if there are none.

    Raises:
        OSError: the file cannot be written.
    """
    first = next(entries, None)
    if first is None:
        return None
    with (folder / table_name(number)).open("wb") as file:
        block, index = _Block(), _Block()
        for last, value in chain([first], entries):
            block.add(last, value)
            full = file.tell() + block.size >= limit
            if full or block.size >= BLOCK:
                index.add(last, _write(file, block))
                block = _Block()
            if full:
                break
        if block.size:
            index.add(last, _write(file, block))
        footer = _write(file, _Block()) + _write(file, index)
        file.write(footer.ljust(FOOTER - len(MAGIC), b"\0") + MAGIC)
        size = file.tell()
        file.flush()
        os.fsync(file.fileno())
    return File(number, size, first[0], last)


def _write(file: BinaryIO, block: _Block) -> bytes:
    """Write a block and return where it is."""
    start = file.tell()
    data = block.finish() + bytes([PLAIN])
    file.write(data + masked(data).to_bytes(4, "little"))
    return varint(start) + varint(len(data) - 1)

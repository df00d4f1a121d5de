"""Sorted tables: blocks of entries, an index of the last key of each, and a footer."""

import os
import weakref
from bisect import bisect_left
from pathlib import Path
from typing import TypeAlias

from netcfg.data.leveldb.checksum import masked
from netcfg.data.leveldb.coding import BROKEN, TAG, damaged, read_varint
from netcfg.data.leveldb.snappy import decompress
from netcfg.errors import DataError

Entry: TypeAlias = tuple[bytes, bytes]
"""Key of an entry, which ends with its tag, and value."""

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER = 48
TRAILER = 5
"""Bytes after a block: how it is compressed, and its checksum."""

PLAIN, SNAPPY = 0, 1


class Table:
    """A table, its index in memory; threads may read blocks at once.

    Blocks are read, not mapped: a file that shrinks or a disk that fails is an error then, and does
    not kill the process.

    Raises:
        DataError: the file is damaged or shorter than it should be.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDONLY)
        # A thread may still be reading when the interpreter ends.
        weakref.finalize(self, os.close, self._fd).atexit = False
        self._size = size
        held = os.fstat(self._fd).st_size
        if held < size or size < FOOTER:
            raise damaged(path, f"it needs {max(size, FOOTER)} bytes and holds {held}")
        footer = os.pread(self._fd, FOOTER, size - FOOTER)
        if footer[-len(MAGIC) :] != MAGIC:
            raise damaged(path, "it does not end as a table does")
        try:
            *_, start, length = _handles(footer, 4)
            index = self._entries(start, length)
            self._blocks = [tuple(_handles(handle, 2)) for _, handle in index]
        except BROKEN as error:
            raise damaged(path, f"its index cannot be read: {error}") from error
        self._lasts = [key[:-TAG] for key, _ in index]

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._blocks)

    def find(self, key: bytes) -> int:
        """Return the first block that may hold a key of the user's or a later one."""
        return bisect_left(self._lasts, key)

    def block(self, i: int) -> list[Entry]:
        """Return the entries of a block.

        Raises:
            DataError: the block is damaged.
            OSError: the file cannot be read.
        """
        start, length = self._blocks[i]
        return self._entries(start, length)

    def _entries(self, start: int, length: int) -> list[Entry]:
        if start + length + TRAILER > self._size:
            raise damaged(self.path, f"the block at byte {start} reaches beyond its end")
        data = os.pread(self._fd, length + TRAILER, start)
        if masked(data[:-4]) != int.from_bytes(data[-4:], "little"):
            raise damaged(self.path, f"the checksum of the block at byte {start} does not match")
        kind = data[length]
        if kind > SNAPPY:
            raise DataError(
                f"LevelDB file '{self.path}': the block at byte {start} has compression {kind}; "
                "only Snappy, 1, and none, 0, can be read"
            )
        try:
            return parse(decompress(data[:length]) if kind == SNAPPY else data[:length])
        except BROKEN as error:
            raise damaged(self.path, f"the block at byte {start} holds {error}") from error


def parse(block: bytes) -> list[Entry]:
    """Return the entries of a block: of each key, only what differs from the one before is there.

    Raises:
        IndexError: the block is cut or no block.
        ValueError: likewise.
    """
    # Behind the entries stand the places where keys are whole, which a binary search would need.
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    entries = []
    key = b""
    position = 0
    while position < end:
        shared, unshared, size = block[position], block[position + 1], block[position + 2]
        if shared | unshared | size < 128:
            position += 3
        else:
            shared, position = read_varint(block, position)
            unshared, position = read_varint(block, position)
            size, position = read_varint(block, position)
        if shared > len(key) or shared + unshared < TAG:
            raise ValueError("a key of impossible length")
        start = position + unshared
        key = key[:shared] + block[position:start]
        position = start + size
        entries.append((key, block[start:position]))
    if position != end:
        raise ValueError("an entry that reaches beyond it")
    return entries


def _handles(data: bytes, count: int) -> list[int]:
    position = 0
    numbers = []
    for _ in range(count):
        number, position = read_varint(data, position)
        numbers.append(number)
    return numbers

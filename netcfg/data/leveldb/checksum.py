"""CRC-32C, the checksum of LevelDB's blocks and records, in NumPy.

The register after a message is linear over GF(2) in the bits of the message, so a message is cut
into rows of 256 bytes, each byte adds (xor) what a table holds for its value and place, and the
registers of the rows, as bytes, are the message of the next level, whose rows stand for 64 times
as many bytes.
"""

from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

POLYNOMIAL = 0x82F63B78
"""Castagnoli's polynomial, lowest bit last."""

ROW = 256
"""Bytes of a row."""

TOGETHER = 256
"""Rows looked up at once: what that takes, twelve times as much, stays in the cache."""

MASK = 0xA282EAD8
"""Added to stored checksums, which LevelDB rotates, for sums of data that holds sums are weak."""

_PLACES = np.arange(0, ROW * 256, 256)


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    if len(data) < 4:
        return _short(data)
    size = -len(data) % ROW + len(data)  # zeros in front change nothing
    message = np.zeros(size, np.uint8)
    message[-len(data) :] = np.frombuffer(data, np.uint8)
    message[size - len(data) :][:4] ^= 255  # the register starts with all bits set
    level = 0
    while True:
        rows = _registers(message, level)
        if len(rows) == 1:
            return int(rows[0]) ^ 0xFFFFFFFF
        level += 1
        message = np.zeros(-len(rows) % (ROW // 4) + len(rows), "<u4")
        message[-len(rows) :] = rows
        message = message.view(np.uint8)


def masked(data: bytes) -> int:
    """Return the checksum of bytes as LevelDB stores it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF


def _registers(message: Array, level: int) -> Array:
    rows = message.reshape(-1, ROW)
    table = _table(level)
    out = np.empty(len(rows), np.uint32)
    for start in range(0, len(rows), TOGETHER):
        part = slice(start, start + TOGETHER)
        np.bitwise_xor.reduce(table.take(rows[part] + _PLACES), axis=1, out=out[part])
    return out


@cache
def _table(level: int) -> Array:
    """Return what a byte adds to the register of its row, at 256·place + value."""
    if level == 0:
        rows = [_byte_table()]
        while len(rows) < ROW:
            rows.append(_byte_table()[rows[-1] & 255] ^ rows[-1] >> 8)
    else:
        byte = np.arange(256, dtype=np.uint32)
        rows = [byte << 24, byte << 16, byte << 8, byte]
        while len(rows) < ROW:
            rows += [_pass_row(row, level - 1) for row in rows[-4:]]
    return np.concatenate(rows[::-1])


def _pass_row(registers: Array, level: int) -> Array:
    """Return registers after as many zero bytes as a row of a level stands for."""
    if level:
        # The first place of a row is 63 of its parts away from the end, and a part is a lower row.
        registers = _pass_row(registers, level - 1)
    table = _table(level)
    first = [table[256 * i : 256 * i + 256][registers >> 8 * i & 255] for i in range(4)]
    return np.bitwise_xor.reduce(first, axis=0)


@cache
def _byte_table() -> Array:
    """Return the register after one byte, from zero."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(POLYNOMIAL), table >> 1)
    return table.astype(np.uint32)


def _short(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register = int(_byte_table()[(register ^ byte) & 255]) ^ register >> 8
    return register ^ 0xFFFFFFFF

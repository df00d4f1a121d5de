import random

import pytest

from netcfg.data.leveldb.checksum import crc32c, masked


def bit_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "crc"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_published_sums(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 255, 256, 257, 16383, 16384, 16385, 66000])
def test_any_length(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert crc32c(data) == bit_by_bit(data)


def test_several_levels_of_rows() -> None:
    data = random.Random(1).randbytes((1 << 20) + 300)
    assert crc32c(data) == bit_by_bit(data)


def test_stored_sums_are_rotated() -> None:
    crc = crc32c(b"foo")
    assert masked(b"foo") == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32

import pytest

from netcfg.data.leveldb.coding import varint
from netcfg.data.leveldb.snappy import decompress

LONG = bytes(range(256)) * 300


def literal(data: bytes, width: int = 0) -> bytes:
    """Return an element that holds bytes; ``width`` is how many bytes its length takes."""
    size = len(data) - 1
    number = size.to_bytes(width, "little") if width else b""
    return bytes([(59 + width if width else size) << 2]) + number + data


def near(size: int, back: int) -> bytes:
    return bytes([back >> 8 << 5 | size - 4 << 2 | 1, back & 255])


def far(size: int, back: int, width: int = 2) -> bytes:
    return bytes([size - 1 << 2 | (2 if width == 2 else 3)]) + back.to_bytes(width, "little")


@pytest.mark.parametrize(
    ("elements", "want"),
    [
        (b"", b""),
        (literal(b"abc"), b"abc"),
        (literal(LONG[:60]), LONG[:60]),
        (literal(LONG[:61], 1), LONG[:61]),
        (literal(LONG[:300], 2), LONG[:300]),
        (literal(LONG[:70000], 3), LONG[:70000]),
        (literal(LONG[:70000], 4), LONG[:70000]),
        (literal(b"abcdef") + near(4, 5), b"abcdefbcde"),
        (literal(LONG[:2000], 2) + near(11, 1999), LONG[:2000] + LONG[1:12]),
        (literal(b"ab") + near(4, 1), b"abbbbb"),
        (literal(b"ab") + near(7, 2), b"ababababa"),
        (literal(b"abc") + far(64, 3), b"abc" + (b"abc" * 22)[:64]),
        (literal(b"abc") + far(1, 3) + far(2, 2), b"abcaca"),
        (literal(LONG[:70000], 3) + far(64, 69999, 4), LONG[:70000] + LONG[1:65]),
    ],
)
def test_elements(elements: bytes, want: bytes) -> None:
    assert decompress(varint(len(want)) + elements) == want


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"", "no Snappy block"),
        (varint(4) + literal(b"abc"), "a Snappy block of 3 bytes, not 4"),
        (varint(3) + literal(b"abc")[:-1], "no Snappy block"),
        (varint(7) + literal(b"abc") + near(4, 4), "no Snappy block"),
        (varint(7) + literal(b"abc") + far(4, 0), "no Snappy block"),
        (varint(7) + literal(b"abc") + far(4, 3)[:-1], "no Snappy block"),
        (varint(7) + literal(b"abc") + far(4, 3, 4)[:-2], "no Snappy block"),
    ],
)
def test_what_is_no_block(block: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decompress(block)

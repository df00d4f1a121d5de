import pytest

from netcfg.data.leveldb.coding import (
    BROKEN,
    DELETED,
    PUT,
    entry_key,
    order,
    read_string,
    read_varint,
    string,
    varint,
)


@pytest.mark.parametrize(
    ("number", "held"), [(0, "00"), (127, "7f"), (128, "8001"), (2**64 - 1, "ff" * 9 + "01")]
)
def test_numbers(number: int, held: str) -> None:
    assert varint(number).hex() == held
    assert read_varint(b"x" + varint(number) + b"y", 1) == (number, 1 + len(held) // 2)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 10 + b"\x01"])
def test_what_is_no_number(data: bytes) -> None:
    with pytest.raises(BROKEN):
        read_varint(data, 0)


def test_strings() -> None:
    long = bytes(range(200))
    assert read_string(b"x" + string(long) + b"y", 1) == (long, 203)
    with pytest.raises(IndexError, match="longer than the rest"):
        read_string(string(long)[:-1], 0)


def test_of_one_key_the_newest_entry_comes_first() -> None:
    assert entry_key(b"a", 0x0102, PUT) == b"a\x01\x02\x01" + bytes(5)
    old, new = entry_key(b"a", 300, PUT), entry_key(b"a", 301, DELETED)
    longer = entry_key(b"a\0", 1, PUT)
    assert sorted([longer, old, new], key=order) == [new, old, longer]

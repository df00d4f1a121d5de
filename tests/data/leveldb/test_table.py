from itertools import chain
from pathlib import Path

import pytest

from netcfg.data.leveldb import build
from netcfg.data.leveldb.build import write_table
from netcfg.data.leveldb.checksum import masked
from netcfg.data.leveldb.coding import BROKEN, PUT, entry_key
from netcfg.data.leveldb.table import FOOTER, Table, parse
from netcfg.errors import DataError

ENTRIES = [(entry_key(b"%04d" % (2 * i), 9, PUT), b"v%d" % i * 50) for i in range(100)]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of blocks of a few entries."""
    monkeypatch.setattr(build, "BLOCK", 1000)
    write_table(tmp_path, 1, iter(ENTRIES), 1 << 20)
    return tmp_path / "000001.ldb"


def opened(path: Path) -> Table:
    return Table(path, path.stat().st_size)


def test_blocks(path: Path) -> None:
    table = opened(path)
    blocks = [table.block(i) for i in range(len(table))]
    assert len(blocks) > 10
    assert list(chain(*blocks)) == ENTRIES


@pytest.mark.parametrize("number", [0, 1, 2, 55, 100, 197, 198])
def test_the_first_block_of_a_key(path: Path, number: int) -> None:
    table = opened(path)
    key = b"%04d" % number
    i = table.find(key)
    assert table.block(i)[-1][0][:-8] >= key
    assert i == 0 or table.block(i - 1)[-1][0][:-8] < key
    assert table.find(b"0199") == len(table)


def test_keys_share_their_beginnings() -> None:
    tag = b"\x01" + bytes(7)
    block = b"\0\x0a\x01ab" + tag + b"1" + b"\x01\x09\x02x" + tag + b"22" + bytes(4) + b"\1\0\0\0"
    assert parse(block) == [(b"ab" + tag, b"1"), (b"ax" + tag, b"22")]


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\0\0\0",
        b"\0\0\0\0\xff\xff\0\0",
        b"\0\x09\x05a\x01" + bytes(7) + b"v" + bytes(4) + b"\1\0\0\0",
        b"\x01\x09\x01a\x01" + bytes(7) + b"v" + bytes(4) + b"\1\0\0\0",
        b"\0\x03\x01abcv" + bytes(4) + b"\1\0\0\0",
        b"\xff" * 30 + bytes(4) + b"\1\0\0\0",
    ],
)
def test_what_is_no_block(block: bytes) -> None:
    with pytest.raises(BROKEN):
        parse(block)


def test_a_damaged_block(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    table = opened(path)
    with pytest.raises(
        DataError, match=r"'.*000001\.ldb' is damaged: the checksum of the block at byte 0 does"
    ):
        table.block(0)
    assert table.block(1)


def test_blocks_that_lie(path: Path) -> None:
    """The checksums are right."""
    data = bytearray(path.read_bytes())
    end = opened(path)._blocks[0][1]
    for kind, message in (
        (1, "the block at byte 0 holds no Snappy block|the block at byte 0 holds a Snappy block"),
        (2, "the block at byte 0 has compression 2; only Snappy, 1, and none, 0, can be read"),
    ):
        data[end] = kind
        data[end + 1 : end + 5] = masked(bytes(data[: end + 1])).to_bytes(4, "little")
        path.write_bytes(data)
        with pytest.raises(DataError, match=message):
            opened(path).block(0)


def test_files_that_are_no_table(path: Path) -> None:
    data = path.read_bytes()
    size = len(data)
    path.write_bytes(data[:-100])
    with pytest.raises(DataError, match=f"damaged: it needs {size} bytes and holds {size - 100}"):
        Table(path, size)
    with pytest.raises(DataError, match="it does not end as a table does"):
        Table(path, size - 100)
    path.write_bytes(b"x" * 20)
    with pytest.raises(DataError, match="it needs 48 bytes and holds 20"):
        Table(path, 20)
    path.write_bytes(data[:-FOOTER] + b"\x80" * 40 + data[-8:])
    with pytest.raises(DataError, match="its index cannot be read"):
        opened(path)
    far = b"\0\0" + b"\xff" * 8 + b"\x7f\x01"
    path.write_bytes(data[:-FOOTER] + far.ljust(40, b"\0") + data[-8:])
    with pytest.raises(DataError, match="reaches beyond its end"):
        opened(path)

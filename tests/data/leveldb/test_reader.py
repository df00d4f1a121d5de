import gc
import os
import random
import threading
from pathlib import Path

import pytest

from netcfg.data.leveldb import reader, writer
from netcfg.data.leveldb.coding import string
from netcfg.data.leveldb.log import write_record
from netcfg.data.leveldb.reader import Reader, read_log
from netcfg.errors import DataError
from tests.data.leveldb import real
from tests.shared import shared

CONTENT = real.content()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return real.unpack(tmp_path / "db")


def test_what_leveldb_wrote(folder: Path) -> None:
    got = list(Reader(folder).pairs(None))
    assert got == list(CONTENT.items())
    assert len(got) == 72
    assert list(Reader(folder).keys(None)) == list(CONTENT)


def test_the_database_has_what_a_reader_may_meet(folder: Path) -> None:
    made = Reader(folder)
    assert len(made._tables._runs) == 3
    assert len(made._recent) == len(real.changes(real.ROUNDS - 1)) == 24
    entries = [key for key, _ in made._tables.entries(b"")]
    assert {key[-8] for key in entries} == {0, 1}
    assert len({key[:-8] for key in entries}) < len(entries)


@pytest.mark.parametrize("number", [0, 1, 3, 15, 50, 77, 118, 119, 200])
def test_any_key_can_be_first(folder: Path, number: int) -> None:
    first = b"key%04d" % number
    want = [pair for pair in CONTENT.items() if pair[0] >= first]
    made = Reader(folder)
    assert list(made.pairs(first)) == want
    assert list(made.pairs(first + b"\0")) == [pair for pair in want if pair[0] != first]


def test_the_older_name_of_tables(folder: Path) -> None:
    for path in folder.glob("*.ldb"):
        path.rename(path.with_suffix(".sst"))
    assert dict(Reader(folder).pairs(None)) == CONTENT


def test_nothing_is_written_or_locked(folder: Path) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    folder.chmod(0o555)
    first, second = Reader(folder), Reader(folder)
    both = zip(first.pairs(None), second.pairs(None), strict=True)
    assert all(a == b for a, b in both)
    folder.chmod(0o755)
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


def test_files_are_closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    close = os.close
    monkeypatch.setattr(os, "close", lambda fd: (closed.append(fd), close(fd)))
    made = Reader(folder)
    list(made.pairs(None))
    made.close()
    assert len(closed) == 3
    assert next(made.pairs(None)) == next(iter(CONTENT.items()))
    gc.disable()
    try:
        del made  # no cycle holds it
        assert len(closed) == 6
    finally:
        gc.enable()


def test_few_tables_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "OPEN_TABLES", 2)
    monkeypatch.setattr(reader, "KEPT_BLOCKS", 1)
    monkeypatch.setattr(writer, "SIZE", 5000)
    records = [(b"%04d" % i, random.Random(i).randbytes(1000)) for i in range(50)]
    writer.fill(tmp_path, records)
    assert len(list(tmp_path.glob("*.ldb"))) == 10
    made = Reader(tmp_path)
    assert list(made.pairs(None)) == records
    assert list(made.pairs(b"0023")) == records[23:]
    assert made._tables._open.cache_info().currsize == 2


def test_threads(folder: Path) -> None:
    made = Reader(folder)
    got: list[dict[bytes, bytes]] = []
    threads = [
        threading.Thread(target=lambda: got.append(dict(made.pairs(None)))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [CONTENT] * 8


def test_a_missing_table(folder: Path) -> None:
    (folder / "000013.ldb").unlink()
    with pytest.raises(
        DataError, match=r"CURRENT' is damaged: table 000013\.ldb of its manifest is missing"
    ):
        Reader(folder)


def test_a_table_that_a_writer_removes_while_it_is_read(folder: Path) -> None:
    made = Reader(folder)
    (folder / "000013.ldb").unlink()
    with pytest.raises(FileNotFoundError, match=r"000013\.ldb"):
        list(made.pairs(None))


def test_a_damaged_table(folder: Path) -> None:
    path = folder / "000009.ldb"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    made = Reader(folder)
    with pytest.raises(DataError, match=r"000009\.ldb' is damaged: the checksum of the block"):
        list(made.pairs(None))


def test_a_log_that_was_cut(folder: Path) -> None:
    (log,) = folder.glob("*.log")
    os.truncate(log, log.stat().st_size - 3)
    last = real.changes(real.ROUNDS - 1)[1::2][-1][0]  # all others were written before
    got = dict(Reader(folder).pairs(None))
    assert {k: v for k, v in got.items() if k != last} == {
        k: v for k, v in CONTENT.items() if k != last
    }
    assert got.get(last) != CONTENT.get(last)


def test_a_damaged_log(folder: Path) -> None:
    (log,) = folder.glob("*.log")
    data = bytearray(log.read_bytes())
    data[30] ^= 1
    log.write_bytes(data)
    with pytest.raises(DataError, match=rf"{log.name}' is damaged: the checksum of byte 0 does"):
        Reader(folder)


HEAD = (7).to_bytes(8, "little") + (2).to_bytes(4, "little")
PUT_A, DELETE_B = b"\1" + string(b"a") + string(b"v"), b"\0" + string(b"b")


def test_batches(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        write_record(file, HEAD + PUT_A + DELETE_B)
    tags = [n.to_bytes(8, "little") for n in (7 << 8 | 1, 8 << 8)]
    assert list(read_log(tmp_path / "log")) == [(b"a" + tags[0], b"v"), (b"b" + tags[1], b"")]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (HEAD + PUT_A, "a batch cannot be read"),
        (HEAD + PUT_A + DELETE_B + b"x", "1 bytes behind its last entry"),
        (HEAD + PUT_A + b"\2" + string(b"b"), "an entry of unknown kind 2"),
        (HEAD + PUT_A + DELETE_B[:-1], "longer than the rest"),
        (b"\xff" * 8 + HEAD[8:] + PUT_A + DELETE_B, "a batch cannot be read"),
    ],
)
def test_what_is_no_batch(tmp_path: Path, batch: bytes, message: str) -> None:
    with (tmp_path / "log").open("wb") as file:
        write_record(file, batch)
    with pytest.raises(DataError, match=message):
        list(read_log(tmp_path / "log"))


def test_the_golden_database() -> None:
    keys = list(Reader(shared("golden/data/raw_leveldb")).keys(None))
    assert len(keys) == 7
    assert keys == sorted(keys)


@pytest.mark.parametrize("compression", ["snappy", None])
def test_what_leveldb_writes_today(tmp_path: Path, compression: str | None) -> None:
    """Several tables to a level, and values larger than blocks."""
    plyvel = pytest.importorskip("plyvel")
    draws = random.Random(1)
    content: dict[bytes, bytes] = {}
    db = plyvel.DB(
        str(tmp_path),
        create_if_missing=True,
        compression=compression,
        write_buffer_size=1 << 16,
        max_file_size=1 << 20,
    )
    for i in range(6000):
        key = b"%d" % draws.randrange(2000)
        if i % 9 == 0:
            db.delete(key)
            content.pop(key, None)
        else:
            value = draws.randbytes(20) * draws.randrange(40) + draws.randbytes(i % 97 * 20)
            db.put(key, value)
            content[key] = value
        if i == 4000:
            db.compact_range(start=b"0", stop=b"a")
    db.close()
    made = Reader(tmp_path)
    assert list(made.pairs(None)) == sorted(content.items())
    assert list(made.pairs(b"15")) == sorted(p for p in content.items() if p[0] >= b"15")


def test_a_writer_that_is_still_there(tmp_path: Path) -> None:
    plyvel = pytest.importorskip("plyvel")
    with plyvel.DB(str(tmp_path), create_if_missing=True) as db:
        for i in range(100):
            db.put(b"%03d" % i, bytes(3000))
        assert list(Reader(tmp_path).pairs(None)) == list(db)
        db.put(b"later", b"")
        assert len(list(Reader(tmp_path).keys(None))) == 101


def test_the_stored_database_is_what_leveldb_makes(tmp_path: Path) -> None:
    plyvel = pytest.importorskip("plyvel")
    real.make(plyvel, tmp_path)
    assert dict(Reader(tmp_path).pairs(None)) == CONTENT
    with plyvel.DB(str(tmp_path)) as db:
        assert dict(db) == CONTENT

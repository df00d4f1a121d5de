import random
from itertools import pairwise
from pathlib import Path

import pytest

from netcfg.data.leveldb import writer
from netcfg.data.leveldb.manifest import read_version
from netcfg.data.leveldb.reader import Reader
from netcfg.data.leveldb.writer import fill
from netcfg.errors import DataError

RECORDS = [(b"%04d" % i, random.Random(i).randbytes(i % 50 * 40)) for i in range(200)]


def shuffled() -> list[tuple[bytes, bytes]]:
    return random.Random(1).sample(RECORDS, len(RECORDS))


def tables(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.ldb"))


@pytest.mark.parametrize("size", [1 << 25, 20000, 1])
@pytest.mark.parametrize("records", [RECORDS, RECORDS[::-1], shuffled()], ids=["up", "down", "any"])
def test_keys_in_any_order(
    tmp_path: Path,
    records: list[tuple[bytes, bytes]],
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "SIZE", size)
    assert fill(tmp_path, iter(records)) == 200
    assert list(Reader(tmp_path).pairs(None)) == RECORDS
    version = read_version(tmp_path)
    files = sorted(version.tables.values(), key=lambda file: file.start)
    assert {level for level, _ in version.tables} == {6}
    assert all(a.end < b.start for a, b in pairwise(files))
    assert tables(tmp_path) == sorted(f"{file.number:06d}.ldb" for file in files)
    assert (len(files) == 1) is (size == 1 << 25)


def test_an_empty_database(tmp_path: Path) -> None:
    assert fill(tmp_path, []) == 0
    assert list(Reader(tmp_path).pairs(None)) == []


@pytest.mark.parametrize("size", [1 << 25, 1000])
def test_a_key_that_comes_twice(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SIZE", size)
    with pytest.raises(DataError, match="key '0007' comes twice"):
        fill(tmp_path, [*RECORDS, (b"0007", b"")])


def test_keys_that_begin_others(tmp_path: Path) -> None:
    keys = [b"", b"\0", b"a", b"a\0", b"a\0\0", b"a\1", b"a\xff", b"b"]
    fill(tmp_path, [(key, b"v") for key in reversed(keys)])
    assert list(Reader(tmp_path).keys(None)) == keys


@pytest.mark.parametrize("size", [1 << 25, 20000])
def test_leveldb_reads_and_changes_it(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plyvel = pytest.importorskip("plyvel")
    monkeypatch.setattr(writer, "SIZE", size)
    fill(tmp_path, shuffled())
    written = tables(tmp_path)
    for _ in range(2):
        with plyvel.DB(str(tmp_path), paranoid_checks=True) as db:
            assert list(db.iterator(verify_checksums=True)) == RECORDS
            assert all(db.get(key) == value for key, value in RECORDS)
            with db.iterator(start=b"0150", include_value=False) as keys:
                assert next(keys) == b"0150"
        assert tables(tmp_path) == written
    with plyvel.DB(str(tmp_path)) as db:
        db.put(b"0003", b"new")
        db.delete(b"0004")
        db.put(b"9", b"more")
    want = dict(RECORDS) | {b"0003": b"new", b"9": b"more"}
    del want[b"0004"]
    assert dict(Reader(tmp_path).pairs(None)) == want


def test_leveldb_reads_an_empty_one(tmp_path: Path) -> None:
    plyvel = pytest.importorskip("plyvel")
    fill(tmp_path, [])
    with plyvel.DB(str(tmp_path), create_if_missing=False, paranoid_checks=True) as db:
        assert list(db) == []

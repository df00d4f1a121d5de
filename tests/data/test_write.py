from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb
import pytest

from netcfg.data import write
from netcfg.data.database import LevelDb, Lmdb
from netcfg.data.write import write_leveldb, write_lmdb
from netcfg.errors import DataError, NetError

Writer = Callable[..., int]

both = pytest.mark.parametrize("write_to", [write_lmdb, write_leveldb])


def held(path: Path) -> list[tuple[bytes, bytes]]:
    database = (Lmdb if (path / "data.mdb").exists() else LevelDb)(path)
    try:
        return database.read(0, database.size)
    finally:
        database.close()


@both
def test_records_come_back_in_the_order_of_keys(tmp_path: Path, write_to: Writer) -> None:
    assert write_to(tmp_path / "a/db", [(b"2", b"x"), (b"1", b"y")]) == 2
    assert held(tmp_path / "a/db") == [(b"1", b"y"), (b"2", b"x")]
    assert (tmp_path / "a/db").stat().st_mode & 0o777 == 0o777 & ~write._umask()


def test_the_files_of_each_kind(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "lmdb", [(b"1", b"")])
    assert [p.name for p in (tmp_path / "lmdb").iterdir()] == ["data.mdb"]
    write_leveldb(tmp_path / "leveldb", [(b"1", b"")])
    names = {p.name for p in (tmp_path / "leveldb").iterdir()}
    assert names == {"000001.ldb", "000003.log", "CURRENT", "LOCK", "MANIFEST-000002"}


def test_a_full_map_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "FIRST_SIZE", 1 << 16)
    monkeypatch.setattr(write, "TOGETHER", 7)
    records = [(b"%04d" % i, bytes(5000)) for i in range(100)]
    assert write_lmdb(tmp_path / "db", records) == 100
    assert held(tmp_path / "db") == records


@both
def test_an_error_leaves_the_old_database(tmp_path: Path, write_to: Writer) -> None:
    write_to(tmp_path / "db", [(b"1", b"old")])

    def failing() -> Iterator[tuple[bytes, bytes]]:
        yield b"1", b"new"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_to(tmp_path / "db", failing())
    assert held(tmp_path / "db") == [(b"1", b"old")]
    assert [p.name for p in tmp_path.iterdir()] == ["db"]
    write_to(tmp_path / "db", [(b"1", b"new")])
    assert held(tmp_path / "db") == [(b"1", b"new")]
    assert [p.name for p in tmp_path.iterdir()] == ["db"]


@both
def test_what_cannot_be_written(tmp_path: Path, write_to: Writer) -> None:
    with pytest.raises(DataError, match="key '1' comes twice"):
        write_to(tmp_path / "db", [(b"1", b""), (b"1", b"")])
    with pytest.raises(DataError, match="there are no records"):
        write_to(tmp_path / "db", [])
    (tmp_path / "file").write_text("")
    with pytest.raises(NetError, match="cannot write"):
        write_to(tmp_path / "file/db", [(b"1", b"")])
    assert not (tmp_path / "db").exists()


def test_keys_that_an_lmdb_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(NetError, match=r"cannot write '.*db': .*BAD_VALSIZE"):
        write_lmdb(tmp_path / "db", [(b"k" * 600, b"")])
    assert write_leveldb(tmp_path / "db", [(b"k" * 600, b"v")]) == 1
    assert held(tmp_path / "db") == [(b"k" * 600, b"v")]


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise lmdb.Error("mdb_txn_commit: Input/output error")

    monkeypatch.setattr(write, "_put", full)
    with pytest.raises(NetError, match=r"cannot write '.*db': .*; is the disk full\?"):
        write_lmdb(tmp_path / "db", [(b"1", b"")])
    assert list(tmp_path.iterdir()) == []

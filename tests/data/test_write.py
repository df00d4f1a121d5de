from collections.abc import Iterator
from pathlib import Path

import pytest

from netcfg.data import write
from netcfg.data.database import Lmdb
from netcfg.data.write import write_lmdb
from netcfg.errors import DataError, NetError


def held(path: Path) -> list[tuple[bytes, bytes]]:
    database = Lmdb(path)
    try:
        return database.read(0, database.size)
    finally:
        database.close()


def test_records_come_back_in_the_order_of_keys(tmp_path: Path) -> None:
    assert write_lmdb(tmp_path / "a/db", [(b"2", b"x"), (b"1", b"y")]) == 2
    assert held(tmp_path / "a/db") == [(b"1", b"y"), (b"2", b"x")]
    assert [p.name for p in (tmp_path / "a/db").iterdir()] == ["data.mdb"]
    assert (tmp_path / "a/db").stat().st_mode & 0o777 == 0o777 & ~write._umask()


def test_a_full_map_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "FIRST_SIZE", 1 << 16)
    monkeypatch.setattr(write, "TOGETHER", 7)
    records = [(b"%04d" % i, bytes(5000)) for i in range(100)]
    assert write_lmdb(tmp_path / "db", records) == 100
    assert held(tmp_path / "db") == records


def test_an_error_leaves_the_old_database(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "db", [(b"1", b"old")])

    def failing() -> Iterator[tuple[bytes, bytes]]:
        yield b"1", b"new"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_lmdb(tmp_path / "db", failing())
    assert held(tmp_path / "db") == [(b"1", b"old")]
    assert [p.name for p in tmp_path.iterdir()] == ["db"]
    write_lmdb(tmp_path / "db", [(b"1", b"new")])
    assert held(tmp_path / "db") == [(b"1", b"new")]
    assert [p.name for p in tmp_path.iterdir()] == ["db"]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="key '1' comes twice"):
        write_lmdb(tmp_path / "db", [(b"1", b""), (b"1", b"")])
    with pytest.raises(DataError, match="there are no records"):
        write_lmdb(tmp_path / "db", [])
    with pytest.raises(NetError, match=r"cannot write '.*db': .*BAD_VALSIZE"):
        write_lmdb(tmp_path / "db", [(b"k" * 600, b"")])
    (tmp_path / "file").write_text("")
    with pytest.raises(NetError, match="cannot write"):
        write_lmdb(tmp_path / "file/db", [(b"1", b"")])
    assert not (tmp_path / "db").exists()

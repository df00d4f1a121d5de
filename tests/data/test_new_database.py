from pathlib import Path

import pytest

from netcfg.data.database import open_database
from netcfg.data.new_database import BACKENDS, refuse_existing, write_database
from netcfg.errors import DataError


@pytest.mark.parametrize("backend", BACKENDS)
def test_records_come_back(backend: str, tmp_path: Path) -> None:
    assert write_database(tmp_path / "db", [(b"1", b"x"), (b"2", b"y")], backend) == 2
    database = open_database(tmp_path / "db", backend.upper())
    assert database.read(0, len(database)) == [(b"1", b"x"), (b"2", b"y")]
    database.close()


def test_only_force_replaces_a_database(tmp_path: Path) -> None:
    write_database(tmp_path / "db", [(b"1", b"x")])
    with pytest.raises(DataError, match=r"'.*db' is there already; --force replaces it"):
        write_database(tmp_path / "db", [(b"1", b"y")])
    write_database(tmp_path / "db", [(b"1", b"y")], force=True)
    database = open_database(tmp_path / "db", "LMDB")
    assert database.read(0, 1) == [(b"1", b"y")]
    database.close()


def test_nothing_else_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter").write_text("dear")
    for path in (tmp_path / "home", tmp_path / "home/letter"):
        with pytest.raises(DataError, match="is no database; choose another name"):
            write_database(path, [(b"1", b"y")], force=True)
    refuse_existing(tmp_path / "new")
    assert (tmp_path / "home/letter").read_text() == "dear"

"""New databases of either kind, which take nobody's place unasked."""

from collections.abc import Iterable
from pathlib import Path

from netcfg.data.database import Pair
from netcfg.data.write import write_leveldb, write_lmdb
from netcfg.errors import DataError

BACKENDS = ("lmdb", "leveldb")


def write_database(
    path: str | Path, records: Iterable[Pair], backend: str = "lmdb", *, force: bool = False
) -> int:
    """Write records to a database and return their number.

    Args:
        path: the folder of the database, which appears whole or not at all.
        records: keys and values.
        backend: ``lmdb`` or ``leveldb``.
        force: replaces a database that is there already.

    Raises:
        DataError: a key comes twice, or there is no record.
        NetError: something is there already, or the folder cannot be written.
    """
    refuse_existing(path, force=force)
    return (write_leveldb if backend == "leveldb" else write_lmdb)(path, records)


def refuse_existing(path: str | Path, *, force: bool = False) -> None:
    """Refuse to replace anything, or with ``force`` anything but a database.

    Raises:
        DataError: something is there already.
    """
    path = Path(path)
    if not path.exists() and not path.is_symlink():
        return
    if not (path / "data.mdb").is_file() and not (path / "CURRENT").is_file():
        raise DataError(f"'{path}' is there already and is no database; choose another name")
    if not force:
        raise DataError(f"database '{path}' is there already; --force replaces it")

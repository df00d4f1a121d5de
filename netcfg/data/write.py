"""Writing LMDB and LevelDB databases that appear whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import lmdb

from netcfg.data.database import Pair
from netcfg.data.leveldb.writer import fill as fill_leveldb
from netcfg.errors import DataError, NetError

FIRST_SIZE = 1 << 26
"""Bytes that a new database may take; doubled whenever it is full, up to what the disk holds."""

TOGETHER = 1000
"""Records per transaction."""


def write_lmdb(path: str | Path, records: Iterable[Pair]) -> int:
    """Write records to an LMDB folder and return their number.

    The database is built in a folder beside ``path`` and renamed when it is complete; one that
    was there before is replaced then.

    Args:
        path: the folder that will hold ``data.mdb``.
        records: keys and values; readers will meet them in the order of their keys.

    Raises:
        DataError: a key comes twice, or there is no record.
        NetError: the folder cannot be written.
    """
    return _write_whole(Path(path), records, _fill_lmdb)


def write_leveldb(path: str | Path, records: Iterable[Pair]) -> int:
    """Write records to a LevelDB folder and return their number; otherwise as ``write_lmdb``."""
    return _write_whole(Path(path), records, fill_leveldb)


def _write_whole(
    path: Path, records: Iterable[Pair], fill: Callable[[Path, Iterable[Pair]], int]
) -> int:
    """Fill a new folder and give it its name."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    except OSError as error:
        raise NetError(f"cannot write '{path}': {error.strerror}") from error
    try:
        count = fill(folder, records)
        if count == 0:
            raise DataError(f"cannot write '{path}': there are no records")
        folder.chmod(0o777 & ~_umask())
        _take_place(folder, path)
    except OSError as error:
        raise NetError(f"cannot write '{path}': {error.strerror or error}") from error
    except lmdb.Error as error:
        # LMDB writes what still fits, and then calls a full disk this.
        hint = "; is the disk full?" if "Input/output error" in str(error) else ""
        raise NetError(f"cannot write '{path}': {error}{hint}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return count


def _fill_lmdb(folder: Path, records: Iterable[Pair]) -> int:
    source = iter(records)
    size = FIRST_SIZE
    # No lock file and no sync per transaction: nobody else sees the folder before it is whole.
    environment = lmdb.open(str(folder), map_size=size, lock=False, sync=False, metasync=False)
    count = 0
    with environment:
        while part := list(islice(source, TOGETHER)):
            while not _put(environment, part):
                size *= 2
                environment.set_mapsize(size)
            count += len(part)
        environment.sync(True)
    return count


def _put(environment: Any, part: list[Pair]) -> bool:
    """Write records in one transaction; False if the map is full."""
    try:
        with environment.begin(write=True) as transaction:
            for key, value in part:
                if not transaction.put(key, value, overwrite=False):
                    raise DataError(f"key '{key.decode(errors='backslashreplace')}' comes twice")
    except lmdb.MapFullError:
        return False
    return True


def _take_place(folder: Path, path: Path) -> None:
    """Rename ``folder`` to ``path``, moving an older one aside first."""
    old = folder.with_suffix(".old")
    if path.exists():
        path.rename(old)
    folder.rename(path)
    shutil.rmtree(old, ignore_errors=True)
    fd = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

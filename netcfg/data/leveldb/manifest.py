"""The manifest: which tables and logs make up a database."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netcfg.data.leveldb.coding import (
    BROKEN,
    TAG,
    damaged,
    read_string,
    read_varint,
    string,
    varint,
)
from netcfg.data.leveldb.log import read_records, write_record
from netcfg.errors import DataError

COMPARATOR = b"leveldb.BytewiseComparator"
"""The order of keys: that of their bytes."""

COMPARED, LOG, NEXT, SEQUENCE, POINTER, REMOVED, ADDED, PREVIOUS_LOG = 1, 2, 3, 4, 5, 6, 7, 9
"""What a field of an edit says."""


@dataclass(frozen=True)
class File:
    """A table: its number, size in bytes, and the keys of its first and last entry."""

    number: int
    size: int
    first: bytes
    last: bytes

    @property
    def start(self) -> bytes:
        """The first key of the user's."""
        return self.first[:-TAG]

    @property
    def end(self) -> bytes:
        """The last key of the user's."""
        return self.last[:-TAG]


@dataclass
class Version:
    """The state of a database: tables by level and number, and other numbers by their field."""

    tables: dict[tuple[int, int], File] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def has_log(self, number: int) -> bool:
        """Whether a log holds what is in no table yet."""
        return number >= self.numbers[LOG] or number == self.numbers.get(PREVIOUS_LOG)


def read_version(folder: Path) -> Version:
    """Return the state that a database is in.

    Raises:
        DataError: the folder holds no LevelDB, or its manifest is missing or damaged, or keys have
            an order of their own.
    """
    current = folder / "CURRENT"
    if not current.is_file():
        raise DataError(f"'{folder}' is no LevelDB: it holds no file CURRENT")
    name = current.read_bytes().decode(errors="replace")
    if not re.fullmatch(r"MANIFEST-\d+\n", name):
        raise damaged(current, "it names no manifest")
    manifest = folder / name.strip()
    if not manifest.is_file():
        raise damaged(current, f"it names {manifest.name}, which is missing")
    version = Version()
    for edit in read_records(manifest):
        try:
            _apply(version, edit)
        except BROKEN as error:
            raise damaged(manifest, f"an edit cannot be read: {error}") from error
        except DataError as error:
            raise error.at(str(manifest)) from error
    if not version.numbers.keys() >= {LOG, NEXT, SEQUENCE}:
        raise damaged(manifest, "it was cut before the end of its first edit")
    return version


def _apply(version: Version, edit: bytes) -> None:
    position = 0
    while position < len(edit):
        what, position = read_varint(edit, position)
        if what == COMPARED:
            name, position = read_string(edit, position)
            if name != COMPARATOR:
                raise DataError(
                    f"keys are ordered by '{name.decode(errors='replace')}'; only the order of "
                    f"bytes, '{COMPARATOR.decode()}', can be read"
                )
        elif what in (LOG, NEXT, SEQUENCE, PREVIOUS_LOG):
            number, position = read_varint(edit, position)
            version.numbers[what] = number
        elif what == POINTER:
            _, position = read_varint(edit, position)
            _, position = read_string(edit, position)
        elif what == REMOVED:
            (level, number), position = _numbers(edit, position, 2)
            version.tables.pop((level, number), None)
        elif what == ADDED:
            (level, number, size), position = _numbers(edit, position, 3)
            first, position = read_string(edit, position)
            last, position = read_string(edit, position)
            version.tables[level, number] = File(number, size, first, last)
        else:
            raise ValueError(f"unknown field {what}")


def _numbers(edit: bytes, position: int, count: int) -> tuple[list[int], int]:
    numbers = []
    for _ in range(count):
        number, position = read_varint(edit, position)
        numbers.append(number)
    return numbers, position


def table_name(number: int) -> str:
    """Return the name of a table file."""
    return f"{number:06d}.ldb"


def write_version(folder: Path, level: int, tables: Sequence[File], records: int) -> None:
    """Write the manifest of a database whose tables, at one level, never overlap.

    An empty log and LOCK are there too, as LevelDB leaves them.
    """
    following = max((file.number for file in tables), default=0) + 1
    manifest = folder / f"MANIFEST-{following:06d}"
    log = folder / f"{following + 1:06d}.log"
    edit = _fields(
        (COMPARED, string(COMPARATOR)),
        (LOG, varint(following + 1)),
        (PREVIOUS_LOG, varint(0)),
        (NEXT, varint(following + 2)),
        (SEQUENCE, varint(records)),
        *((ADDED, _added(level, file)) for file in tables),
    )
    with manifest.open("wb") as out:
        write_record(out, edit)
    log.touch()
    (folder / "LOCK").touch()
    (folder / "CURRENT").write_text(f"{manifest.name}\n")


def _fields(*fields: tuple[int, bytes]) -> bytes:
    return b"".join(varint(what) + value for what, value in fields)


def _added(level: int, file: File) -> bytes:
    numbers = varint(level) + varint(file.number) + varint(file.size)
    return numbers + string(file.first) + string(file.last)

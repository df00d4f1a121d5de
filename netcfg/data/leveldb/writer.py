"""Writing a LevelDB from scratch."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import inf
from operator import itemgetter
from pathlib import Path

from netcfg.data.leveldb.build import write_table
from netcfg.data.leveldb.coding import PUT, TAG, entry_key
from netcfg.data.leveldb.manifest import File, table_name, write_version
from netcfg.data.leveldb.reader import Tables
from netcfg.data.leveldb.table import Entry
from netcfg.errors import DataError

SIZE = 1 << 25
"""Bytes of records that are sorted in memory and make a table."""

LEVEL = 6
"""The last level: LevelDB leaves the tables there as they are."""


def fill(folder: Path, records: Iterable[Entry]) -> int:
    """Write records to an empty folder and return their number.

    Keys may come in any order; where that makes tables overlap, they are merged in the end, for
    which the disk must hold everything twice.

    Raises:
        DataError: a key comes twice.
        OSError: the folder cannot be written.
    """
    tables: list[File] = []
    count = 0
    for part in _parts(records):
        part.sort(key=itemgetter(0))
        entries = ((entry_key(key, count + i, PUT), v) for i, (key, v) in enumerate(part, 1))
        table = write_table(folder, len(tables) + 1, _unique(entries), inf)
        tables += [table] if table else []
        count += len(part)
    tables.sort(key=lambda file: file.start)
    if any(a.end >= b.start for a, b in pairwise(tables)):
        tables = _merge(folder, tables)
    write_version(folder, LEVEL, tables, count)
    return count


def _parts(records: Iterable[Entry]) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    size = 0
    for key, value in records:
        part.append((key, value))
        size += len(key) + len(value)
        if size >= SIZE:
            yield part
            part, size = [], 0
    yield part


def _merge(folder: Path, tables: list[File]) -> list[File]:
    """Write the entries of tables to new ones that do not overlap, and remove the old ones."""
    paths = {file: folder / table_name(file.number) for file in tables}
    source = Tables(paths)
    entries = _unique(source.entries(b""))
    merged: list[File] = []
    while table := write_table(folder, len(tables) + len(merged) + 1, entries, SIZE):
        merged.append(table)
    source.close()
    for path in paths.values():
        path.unlink()
    return merged


def _unique(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield sorted entries.

    Raises:
        DataError: two of them have the same key.
    """
    last = None
    for entry in entries:
        key = entry[0][:-TAG]
        if key == last:
            raise DataError(f"key '{key.decode(errors='backslashreplace')}' comes twice")
        last = key
        yield entry

"""Reading a LevelDB in the order of keys, while it stays untouched."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from heapq import merge
from pathlib import Path

from netcfg.data.leveldb.coding import (
    BROKEN,
    DELETED,
    PUT,
    TAG,
    damaged,
    entry_key,
    order,
    read_string,
)
from netcfg.data.leveldb.log import read_records
from netcfg.data.leveldb.manifest import File, read_version, table_name
from netcfg.data.leveldb.table import Entry, Table

OPEN_TABLES = 128
"""Tables kept open."""

KEPT_BLOCKS = 32
"""Blocks kept in memory, for the batch that goes on where another ended."""


class Reader:
    """A LevelDB in the state it was in when it was opened.

    Neither locks nor writes anything, so it may be write-protected or open elsewhere; only a writer
    that merges tables meanwhile takes them away. What logs hold is in memory. Several threads may
    walk through it at once.

    Raises:
        DataError: the folder holds no LevelDB, or a damaged one.
        OSError: a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        version = read_version(folder)
        names = {path.name for path in folder.iterdir()}
        self._tables = Tables(
            {file: _find(folder, names, file.number) for file in version.tables.values()}
        )
        logs = [n for n in names if n.endswith(".log") and n[:-4].isdigit()]
        self._recent = sorted(
            (e for n in logs if version.has_log(int(n[:-4])) for e in read_log(folder / n)),
            key=entry_order,
        )

    def keys(self, first: bytes | None) -> Iterator[bytes]:
        """Yield keys, from ``first`` or the key that would follow it."""
        return (key for key, _ in self.pairs(first))

    def pairs(self, first: bytes | None) -> Iterator[Entry]:
        """Yield keys and values, from ``first`` or the key that would follow it.

        Raises:
            DataError: a table is damaged.
            OSError: a table cannot be read.
        """
        start = first or b""
        entries = self._tables.entries(start)
        if self._recent:
            position = bisect_left(self._recent, start, key=lambda entry: entry[0][:-TAG])
            recent = (self._recent[i] for i in range(position, len(self._recent)))
            entries = merge(entries, recent, key=entry_order)
        seen = None
        for key, value in entries:
            user = key[:-TAG]
            if user != seen:  # of one key, the newest entry comes first
                seen = user
                if key[-TAG] == PUT:
                    yield user, value

    def close(self) -> None:
        """Close the tables as soon as nobody walks through them."""
        self._tables.close()


class Tables:
    """Tables of overlapping keys as one sequence of entries; few of them are open at a time."""

    def __init__(self, paths: Mapping[File, Path]) -> None:
        self._runs = _runs(paths)

        @lru_cache(OPEN_TABLES)
        def opened(file: File) -> Table:
            return Table(paths[file], file.size)

        # The caches know tables but not this object, so all files are closed when it is forgotten.
        self._open = opened
        self._block = lru_cache(KEPT_BLOCKS)(Table.block)

    def entries(self, start: bytes) -> Iterator[Entry]:
        """Yield entries from a key of the user's on, of one key the newest first."""
        runs = [self._walk(run, start) for run in self._runs]
        return runs[0] if len(runs) == 1 else merge(*runs, key=entry_order)

    def close(self) -> None:
        """Forget tables and blocks."""
        self._open.cache_clear()
        self._block.cache_clear()

    def _walk(self, run: list[File], start: bytes) -> Iterator[Entry]:
        for file in run[bisect_left(run, start, key=lambda f: f.end) :]:
            for i in range(self._open(file).find(start), len(self._open(file))):
                entries = self._block(self._open(file), i)
                if entries and entries[0][0][:-TAG] < start:
                    yield from (entry for entry in entries if entry[0][:-TAG] >= start)
                else:
                    yield from entries


def entry_order(entry: Entry) -> tuple[bytes, int]:
    """Return what entries are sorted by."""
    return order(entry[0])


def read_log(file: Path) -> Iterator[Entry]:
    """Yield the entries of a log: batches of keys, put with values or deleted.

    Raises:
        DataError: the log is damaged.
        OSError: the file cannot be read.
    """
    for batch in read_records(file):
        sequence = int.from_bytes(batch[:8], "little")
        count = int.from_bytes(batch[8:12], "little")
        position = 12
        try:
            for number in range(sequence, sequence + count):
                kind = batch[position]
                key, position = read_string(batch, position + 1)
                value = b""
                if kind == PUT:
                    value, position = read_string(batch, position)
                elif kind != DELETED:
                    raise ValueError(f"an entry of unknown kind {kind}")
                yield entry_key(key, number, kind), value
            if position != len(batch):
                raise ValueError(f"{len(batch) - position} bytes behind its last entry")
        except BROKEN as error:
            raise damaged(file, f"a batch cannot be read: {error}") from error


def _find(folder: Path, names: set[str], number: int) -> Path:
    name = table_name(number)
    for known in (name, name.replace(".ldb", ".sst")):  # the older name
        if known in names:
            return folder / known
    raise damaged(folder / "CURRENT", f"table {name} of its manifest is missing")


def _runs(files: Iterable[File]) -> list[list[File]]:
    """Put tables into as few rows as possible whose keys follow each other."""
    runs: list[list[File]] = []
    for file in sorted(files, key=lambda f: f.start):
        for run in runs:
            if run[-1].end < file.start:
                run.append(file)
                break
        else:
            runs.append([file])
    return runs

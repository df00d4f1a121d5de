"""LMDB and LevelDB databases of Datum records, read in the order of their keys."""

import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

import lmdb

from netcfg.data.datum import (
    Buffer,
    Image,
    Labels,
    Record,
    decode_alike,
    decode_datum,
    is_encoded,
)
from netcfg.data.draws import Draws
from netcfg.data.leveldb.reader import Reader
from netcfg.data.source import Source
from netcfg.errors import DataError

Pair: TypeAlias = tuple[bytes, bytes]
"""Key and value of a record."""

View: TypeAlias = tuple[Buffer, Buffer]
"""The same, perhaps where they lie in the store."""

STRIDE = 16
"""Every so many keys are remembered, so that any position is found after a short walk."""

HEAVY = 1 << 16
"""Records of more bytes than this are worth several threads."""


class Cursor(Protocol):
    """Walks over a store, in the order of keys, from the first one or from a given one."""

    def keys(self, first: bytes | None) -> Iterator[bytes]:
        """Yield keys without touching values."""
        ...

    def pairs(self, first: bytes | None) -> Iterator[View]:
        """Yield keys and values, which may last no longer than the walk."""
        ...


class Database(Source):
    """Records of a key-value store by their position in the order of keys.

    Stores find keys, not positions: the keys met on the way are remembered, every 16th of them,
    and the number of records is known once the end was met. With ``shuffle`` each epoch has an
    order of its own.
    """

    kind: ClassVar[str] = ""

    def __init__(self, path: Path, color: bool | None = None) -> None:
        self.path = path
        self.color = color
        self.shuffle: Draws | None = None
        self._marks: list[bytes] = []
        self._size: int | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.size

    @property
    def size(self) -> int:
        """Number of records; LevelDB counts them, which takes a walk through the database."""
        while self._size is None:
            with self._cursor() as cursor:
                self._locate(cursor, STRIDE * len(self._marks) + STRIDE)
        return self._size

    @property
    def heavy(self) -> bool:
        """Whether records are encoded or large, going by the first."""
        return len(self.read(0, 1)[0][1]) > HEAVY or self.encoded

    @property
    def encoded(self) -> bool:
        """Whether records are image files, going by the first."""
        return is_encoded(self.read(0, 1)[0][1])

    def read(self, start: int, count: int) -> list[Pair]:
        """Return ``count`` records from position ``start`` on; after the last comes the first.

        Raises:
            DataError: the database is empty or damaged.
        """
        with self.lend(start, count) as records:
            return [(bytes(key), bytes(value)) for key, value in records]

    @contextmanager
    def lend(self, start: int, count: int) -> Iterator[list[View]]:
        """Return what ``read`` does, as views of the store that end with the context."""
        take = self._in_a_row if self.shuffle is None else self._shuffled
        with self._cursor() as cursor:
            yield take(cursor, start, count)

    def _in_a_row(self, cursor: Cursor, start: int, count: int) -> list[View]:
        records: list[View] = []
        while len(records) < count:
            start, key = self._locate(cursor, start)
            part = list(islice(cursor.pairs(key), count - len(records)))
            self._remember(start, part)
            records += part
            start += len(part)
            if len(records) < count:
                self._end_at(start)
        return records

    def _shuffled(self, cursor: Cursor, start: int, count: int) -> list[View]:
        assert self.shuffle is not None  # noqa: S101 - whoever calls has asked
        size, records = self.size, list[View]()
        for epoch, place in (divmod(p, size) for p in range(start, start + count)):
            _, key = self._locate(cursor, int(self.shuffle.order(size, epoch)[place]))
            records += islice(cursor.pairs(key), 1)
        return records

    def decode_alike(self, raws: Sequence[View]) -> tuple[Image, Labels] | None:
        """Decode raw records of one size at once; None where they are something else."""
        return decode_alike([value for _, value in raws])

    def all_keys(self) -> list[bytes]:
        """Return the keys of all records, without reading these."""
        with self._cursor() as cursor:
            return list(cursor.keys(None))

    def decode(self, raw: View) -> Record:
        """Decode the Datum of a record."""
        return decode_datum(raw[1], self.color)

    def where(self, raw: View) -> str:
        """Return path and key of a record."""
        key = bytes(raw[0]).decode(errors="backslashreplace")
        return f"{self.path}: record '{key}'"

    def close(self) -> None:
        """Close the store."""

    def _cursor(self) -> AbstractContextManager[Cursor]:
        """Open a walk that one thread uses; errors of the store become DataErrors."""
        raise NotImplementedError

    def _locate(self, cursor: Cursor, start: int) -> tuple[int, bytes | None]:
        """Return ``start`` counted from the first record, and its key; None for the first."""
        if self._size is not None:
            start %= self._size
        mark = min(start // STRIDE, len(self._marks) - 1)
        position, known = (mark * STRIDE, self._marks[mark]) if mark >= 0 else (0, None)
        if position == start:
            return start, known
        for key in cursor.keys(known):
            if position % STRIDE == 0:
                self._mark(position, key)
            if position == start:
                return start, key
            position += 1
        self._end_at(position)
        return self._locate(cursor, start)

    def _remember(self, start: int, pairs: Sequence[View]) -> None:
        for i in range(-start % STRIDE, len(pairs), STRIDE):
            self._mark(start + i, bytes(pairs[i][0]))

    def _mark(self, position: int, key: bytes) -> None:
        with self._lock:
            if position // STRIDE == len(self._marks):
                self._marks.append(key)

    def _end_at(self, size: int) -> None:
        if size == 0:
            raise DataError(f"{self.kind} '{self.path}' is empty")
        self._size = size


def open_database(
    path: Path, backend: str, color: bool | None = None, shuffle: Draws | None = None
) -> Database:
    """Open a database of Datum records.

    Args:
        path: the folder, or for LMDB a single file.
        backend: LMDB or LEVELDB.
        color: see ``decode_datum``.
        shuffle: gives every epoch its order; None keeps that of the keys.

    Raises:
        DataError: there is no such database, or one of the other kind.
    """
    is_lmdb = path.is_file() or (path / "data.mdb").is_file()
    if backend == "LEVELDB" and is_lmdb:
        raise DataError(f"'{path}' is an LMDB, not a LevelDB: set backend: LMDB")
    if backend != "LEVELDB" and not is_lmdb and (path / "CURRENT").is_file():
        raise DataError(f"'{path}' is a LevelDB, not an LMDB: set backend: LEVELDB")
    database = (LevelDb if backend == "LEVELDB" else Lmdb)(path, color)
    database.shuffle = shuffle
    return database


class Lmdb(Database):
    """An LMDB, a folder with ``data.mdb`` or a single file, opened for reading without locks."""

    kind = "LMDB"

    def __init__(self, path: Path, color: bool | None = None) -> None:
        super().__init__(path, color)
        self._file = path / "data.mdb" if path.is_dir() else path
        self._environment = _borrow(self._file)
        self._release = weakref.finalize(self, _give_back, self._file.resolve())
        self._release.atexit = False  # a thread may still be reading then
        self._end_at(self._environment.stat()["entries"])

    def close(self) -> None:
        """Close the environment unless another reader of this process uses it."""
        self._release()

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        try:
            with (
                self._environment.begin(buffers=True) as transaction,
                transaction.cursor() as cursor,
            ):
                yield _LmdbCursor(cursor)
        except lmdb.Error as error:
            raise DataError(f"LMDB '{self.path}' cannot be read: {error}") from error


class _LmdbCursor:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def keys(self, first: bytes | None) -> Iterator[bytes]:
        self._move(first)
        return map(bytes, self._cursor.iternext(keys=True, values=False))

    def pairs(self, first: bytes | None) -> Iterator[View]:
        self._move(first)
        return self._cursor.iternext(keys=True, values=True)

    def _move(self, first: bytes | None) -> None:
        if not (self._cursor.first() if first is None else self._cursor.set_key(first)):
            raise lmdb.Error("a record disappeared while the database was read")


# One process may open an LMDB file only once, and a training and a test net often share one.
_environments: dict[Path, tuple[Any, int]] = {}
_environments_lock = threading.Lock()


def _borrow(file: Path) -> Any:
    """Return the environment of an LMDB file, opened once per process.

    Raises:
        DataError: the file is no LMDB, or it is shorter than it says.
    """
    key = file.resolve()
    with _environments_lock:
        environment, users = _environments.get(key, (None, 0))
        if environment is None:
            environment = _open_environment(file)
        _environments[key] = (environment, users + 1)
    return environment


def _give_back(file: Path) -> None:
    """Close the environment of a file, named as it was when it was opened, if it has no user."""
    with _environments_lock:
        environment, users = _environments.pop(file)
        if users > 1:
            _environments[file] = (environment, users - 1)
        else:
            environment.close()


def _open_environment(file: Path) -> Any:
    if not file.is_file():
        raise DataError(f"'{file.parent}' is no LMDB: it holds no data.mdb")
    try:
        environment = lmdb.open(str(file), subdir=False, readonly=True, lock=False)
    except lmdb.Error as error:
        raise DataError(f"'{file}' is no LMDB, or a damaged one: {error}") from error
    needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    held = file.stat().st_size
    if held < needed:
        # The file is mapped into memory: reading past its end would kill the process.
        environment.close()
        raise DataError(f"LMDB '{file}' is cut short: it needs {needed} bytes and holds {held}")
    return environment


class LevelDb(Database):
    """A LevelDB, read without locks and left untouched."""

    kind = "LevelDB"

    def __init__(self, path: Path, color: bool | None = None) -> None:
        super().__init__(path, color)
        with self._named_errors():
            self._reader = Reader(path)

    def close(self) -> None:
        """Close the tables."""
        self._reader.close()

    @contextmanager
    def _cursor(self) -> Iterator[Cursor]:
        with self._named_errors():
            yield self._reader

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"LevelDB '{self.path}' cannot be read: {error}") from error

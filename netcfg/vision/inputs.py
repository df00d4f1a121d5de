"""Which pictures are meant: files, folders, patterns, lists and databases."""

import glob
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcfg.data.database import Database, open_database
from netcfg.errors import NetError
from netcfg.io.files import find_file
from netcfg.vision.pictures import ENDINGS, Picture, datum_picture, picture_of

LIST = ".txt"
"""Ending of the files that name pictures."""


@dataclass(frozen=True, slots=True)
class Item:
    """A picture that can be had.

    Attributes:
        name: its path, or database and key.
        source: a path, an image, or the database that holds it.
        position: in the database.
    """

    name: str
    source: Any
    position: int = 0

    def picture(self) -> Picture:
        """Read and decode it.

        Raises:
            DataError: it cannot be.
        """
        if isinstance(self.source, Database):
            return datum_picture(self.source.read(self.position, 1)[0][1])
        return picture_of(self.source)


def collect(words: Sequence[str], lists: Sequence[str] = ()) -> list[Item]:
    """Return the pictures that inputs of a command line name, in their order.

    Args:
        words: files, folders (with all within), patterns, ``.txt`` lists, databases of Datum
            records, or ``-`` for paths on standard input.
        lists: files with a path a line, of any ending.

    Raises:
        NetError: one names nothing.
    """
    items: list[Item] = []
    for word in words:
        try:
            items += _items(word)
        except OSError as error:  # such as a folder that may not be entered
            raise NetError(f"cannot read '{word}': {error.strerror}") from error
    for path in lists:
        items += _listed(path)
    if not items:
        raise NetError("no pictures are named; give files, folders, patterns, a list or a database")
    return items


def of_images(images: Iterable[Any]) -> list[Item]:
    """Return items of paths, images of Pillow and arrays, under their paths or numbers."""
    return [
        Item(str(image) if isinstance(image, str | Path) else str(i), image)
        for i, image in enumerate(images)
    ]


def _items(word: str) -> list[Item]:
    if not word:
        raise NetError("an input is empty; a dot means the working directory")
    if word == "-":
        return _paths(line.rstrip("\r\n") for line in sys.stdin)
    path = Path(word)
    if path.is_dir():
        kind = _database_kind(path)
        return _records(path, kind) if kind else _folder(path)
    if path.exists():
        if path.suffix.lower() == LIST:
            return _listed(word)
        return _records(path, "LMDB") if path.suffix.lower() == ".mdb" else [Item(word, path)]
    if glob.has_magic(word):
        found = sorted(glob.glob(word, recursive=True))
        files = [Item(name, Path(name)) for name in found if Path(name).is_file()]
        if not files:
            raise NetError(f"no file has a name like '{word}'")
        return files
    return [Item(word, find_file(word))]


def _database_kind(path: Path) -> str:
    """Return LMDB, LEVELDB or nothing for a folder."""
    if (path / "data.mdb").is_file():
        return "LMDB"
    return "LEVELDB" if (path / "CURRENT").is_file() else ""


def _folder(path: Path) -> list[Item]:
    """Return the pictures below a folder, also behind links; each folder is entered once."""
    found: list[str] = []
    entered: set[str] = set()
    for folder, folders, files in os.walk(path, onerror=_refuse_folder, followlinks=True):
        place = os.path.realpath(folder)
        if place in entered:
            folders.clear()
            continue
        entered.add(place)
        folders.sort()
        for name in sorted(files):
            file, known = os.path.join(folder, name), Path(name).suffix.lower() in ENDINGS
            if known and not name.startswith(".") and not _is_no_file(file):
                found.append(file)
    if not found:
        raise NetError(
            f"folder '{path}' holds no pictures; files that end in "
            f"{', '.join(sorted(ENDINGS))} are taken"
        )
    return [Item(name, Path(name)) for name in found]


def _is_no_file(path: str) -> bool:
    """Return whether a path is a pipe or a device; a link to nothing is told in its turn."""
    return os.path.exists(path) and not os.path.isfile(path)


def _refuse_folder(error: OSError) -> None:
    """Refuse a folder that cannot be looked into: its pictures would be missing unseen."""
    raise NetError(f"cannot read folder '{error.filename}': {error.strerror}") from error


def _records(path: Path, backend: str) -> list[Item]:
    database = open_database(path, backend)
    names = [key.decode(errors="backslashreplace") for key in database.all_keys()]
    return [Item(f"{path}:{name}", database, i) for i, name in enumerate(names)]


def _listed(path: str) -> list[Item]:
    try:
        text = find_file(path).read_text("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise NetError(f"cannot read list '{path}': {error.strerror}") from error
    items = _paths(text.splitlines(), Path(path).parent)
    if not items:
        raise NetError(f"list '{path}' names no pictures")
    return items


def _paths(lines: Iterable[str], folder: Path = Path()) -> list[Item]:
    """Return the pictures of lines, each a path that a label may follow.

    A path is looked for from the working directory, else from ``folder``. What is missing is told
    when its turn comes.
    """
    return [_line(line, folder) for line in lines if line.strip()]


def _line(line: str, folder: Path) -> Item:
    path, _, label = line.rpartition(" ")
    names = [line, path.rstrip()] if path and label.lstrip("-").isdecimal() else [line]
    for name in names:
        for place in (Path(name), folder / name):
            if place.is_file():
                return Item(name, place)
    return Item(names[-1], Path(names[-1]))

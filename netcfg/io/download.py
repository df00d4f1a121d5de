"""Files from the network: checked, whole or not there at all, and resumed where they broke off.

What has come so far waits beside the file under its name with ``.part`` at the end.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tqdm import tqdm

from netcfg.errors import NetError
from netcfg.io.files import write_whole

SECONDS = 30
"""How long a server may be silent."""

TRIES = 4
"""How often a server is asked in a row without sending anything new."""

PAUSE = 1.0
"""Seconds before a server is asked again; twice as many each time after that."""

BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""What servers answer that may do better a moment later."""

DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})
"""Errors of the disk."""

PIECE = 1 << 16


class UnwritableError(NetError):
    """A file cannot be written; what has come so far stays."""


@dataclass(frozen=True)
class File:
    """A file to download.

    Attributes:
        name: what it is called here.
        size: bytes that it has at most; None where nobody knows.
        check: raises NetError unless the file is what it should be.
    """

    name: str
    size: int | None
    check: Callable[[Path], None]


def find(file: File, given: Path | None, mirrors: Sequence[str], folder: Path) -> Path:
    """Return a checked file: from the folder given, else from ``folder``, else downloaded to it.

    Args:
        file: its name is the same on every mirror.
        given: a folder that holds it.
        mirrors: addresses of folders.
        folder: where it is kept.

    Raises:
        NetError: it is nowhere to be had; the message says what each mirror did.
    """
    if given is not None:
        return take(file, given)
    path = folder / file.name
    if path.is_file():
        file.check(path)
        return path
    return download(file, [f"{mirror.rstrip('/')}/{file.name}" for mirror in mirrors], folder)


def take(file: File, given: Path) -> Path:
    """Return a checked file of a folder.

    Raises:
        NetError: it is not there, or not what it should be.
    """
    path = given / file.name
    if not path.is_file():
        raise NetError(f"'{path}' is missing; --from needs a folder that holds it")
    file.check(path)
    return path


def keep(
    file: File, urls: Sequence[str], folder: Path, given: Path | None = None
) -> tuple[Path, bool]:
    """Put a checked file into a folder unless it is there.

    Args:
        file: what it is called in the folder.
        urls: where it is to be had.
        folder: where it is kept.
        given: a folder to copy it from, in place of the network.

    Returns:
        Where it is, and whether it was there already.

    Raises:
        NetError: it is not to be had, or is not what it should be.
    """
    path = folder / file.name
    if path.is_file():
        try:
            file.check(path)
        except NetError as error:
            raise NetError(f"{error}; move it away to have it fetched") from None
        return path, True
    if given is None:
        return download(file, urls, folder), False
    with open(take(file, given), "rb") as source, write_whole(path) as target:
        shutil.copyfileobj(source, target)
    return path, False


def download(file: File, urls: Sequence[str], folder: Path) -> Path:
    """Download a file to a folder from the first address that sends it.

    Raises:
        NetError: none does; the message says what each did.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    with _alone(folder):
        if (folder / file.name).is_file():  # another process has fetched it meanwhile
            file.check(folder / file.name)
            return folder / file.name
        for url in urls:
            try:
                return _download(url, file, folder / file.name)
            except UnwritableError:
                raise
            except (OSError, HTTPException, NetError) as error:
                failures.append(f"{url}: {' '.join(str(error).split())}")
    raise NetError(f"cannot download {file.name}: {'; '.join(failures)}")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from downloading to a folder; wait until those that do have ended."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _download(url: str, file: File, path: Path, again: bool = True) -> Path:
    """Download to ``path``; with ``again`` what was put together wrongly is fetched anew."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise NetError("an address must begin with http:// or https://")
    part = path.with_name(f"{path.name}.part")
    resumed = _size(part) > 0
    try:
        resumed = _fetch_all(url, file, part) or resumed
        file.check(part)
    except UnwritableError:
        raise
    except NetError:
        part.unlink(missing_ok=True)  # what is wrong will not become right by going on
        if not (resumed and again):
            raise
        return _download(url, file, path, again=False)
    part.replace(path)
    return path


def _fetch_all(url: str, file: File, part: Path) -> bool:
    """Ask until nothing is missing; return whether the file came in several pieces.

    Raises:
        OSError: the server cannot be reached, or sends nothing new time after time.
    """
    tries, most = 0, _size(part)
    while True:
        try:
            _fetch(url, file, part)
            return tries > 0
        except (OSError, HTTPException) as error:
            came = _size(part) > most
            tries, most = 1 if came else tries + 1, max(most, _size(part))
            if tries >= TRIES or not (came or _may_pass(error)):
                raise
        time.sleep(PAUSE * 2 ** (tries - 1))


def _may_pass(error: Exception) -> bool:
    """Whether asking again may help: not where there is no such server or file."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in BUSY
    return not isinstance(error, urllib.error.URLError) or isinstance(error.reason, TimeoutError)


def _fetch(url: str, file: File, part: Path) -> None:
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:
                return  # nothing is missing: the check decides
        raise
    with response:
        went_on = response.status == 206 and _starts_at(response, have)
        if response.status == 206 and not went_on:
            part.unlink(missing_ok=True)
            raise ConnectionError("the server sent another part of the file than was asked for")
        with _writing(part), open(part, "ab" if went_on else "wb") as out:
            _copy(response, out, file, have if went_on else 0)


@contextmanager
def _writing(part: Path) -> Iterator[None]:
    """Tell errors of the disk, which no other server mends, from those of the network.

    Raises:
        UnwritableError: the disk is full, or the like.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK:
            raise
        raise UnwritableError(f"cannot write '{part}': {error.strerror}") from error


def _starts_at(response: Any, have: int) -> bool:
    """Whether an answer goes on where the file ends; one that does not say so is believed."""
    told = response.headers.get("Content-Range", f"bytes {have}-")
    return str(told).startswith(f"bytes {have}-")


def _copy(response: Any, out: Any, file: File, have: int) -> None:
    length = response.length
    total = have + length if length is not None else None
    with tqdm(None, file.name, total, unit="B", unit_scale=True, initial=have) as progress:
        while piece := response.read(PIECE):
            have += len(piece)
            if file.size is not None and have > file.size:
                raise NetError(f"{file.name} is larger than {file.size} bytes")
            out.write(piece)
            progress.update(len(piece))
        out.flush()
        os.fsync(out.fileno())
    if total is not None and have < total:
        raise ConnectionError(f"the connection ended after {have} of {total} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


# Checks ----------------------------------------------------------------------------------------


def check_hash(path: Path, expected: str, kind: str = "sha256") -> None:
    """Refuse a file with another hash.

    Raises:
        NetError: the message names the file and both hashes.
    """
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    refuse_hash(path, found, expected, kind, "; it is a web page" if _is_page(path) else "")


def refuse_page(path: Path) -> None:
    """Refuse a web page, with which servers like to answer in place of the file.

    Raises:
        NetError: the message names the file.
    """
    if _is_page(path):
        name = path.name.removesuffix(".part")
        raise NetError(f"'{path.with_name(name)}' is a web page, not the file it should be")


def _is_page(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(256).lstrip().lower().startswith((b"<!doctype html", b"<html"))


def refuse_hash(
    path: Path, found: str, expected: str, kind: str = "sha256", hint: str = ""
) -> None:
    """Refuse a hash that differs from the expected one."""
    if found != expected:
        name = path.name.removesuffix(".part")
        raise NetError(
            f"'{path.with_name(name)}' is not the file it should be: {kind} {found}, not "
            f"{expected}{hint}"
        )

"""What the scripts of this folder share: downloads that are checked, databases that are whole."""

import argparse
import hashlib
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

# So that the scripts work in a checkout without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netcfg.data.database import Lmdb
from netcfg.data.datum import encode_datum
from netcfg.data.write import write_lmdb
from netcfg.errors import NetError

Images: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.uint8]

SECONDS = 30
"""How long a server may be silent."""

PIECE = 1 << 16


@dataclass(frozen=True)
class File:
    """A file to download.

    Attributes:
        name: what it is called, here and on every mirror.
        size: bytes that it has at most.
        check: raises NetError unless the file is what it should be.
    """

    name: str
    size: int
    check: Callable[[Path], None]


def arguments(description: str, out: str) -> argparse.ArgumentParser:
    """Return a parser with what all scripts have in common."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=Path(out), help="folder of the databases")
    parser.add_argument("--force", action="store_true", help="build them again if they are there")
    return parser


def download_arguments(parser: argparse.ArgumentParser, mirrors: Sequence[str]) -> None:
    """Add the arguments of scripts that download."""
    parser.add_argument(
        "--from", dest="given", type=Path, metavar="DIR", help="take the files from a folder"
    )
    parser.add_argument(
        "--mirror",
        dest="mirrors",
        action="append",
        metavar="URL",
        help=f"folder to download from, in place of {', '.join(mirrors)}",
    )


def run(main: Callable[[], None]) -> None:
    """Run a script; what the user can mend is one line and exit status 2."""
    try:
        main()
    except NetError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


# Databases -------------------------------------------------------------------------------------


def is_built(path: Path, count: int, force: bool) -> bool:
    """Whether a database is there already, whole, and may stay."""
    if force or not (path / "data.mdb").is_file():
        return False
    held = _count(path)
    if held != count:
        raise NetError(f"'{path}' holds {held} records instead of {count}; --force replaces it")
    print(f"{path}: {count} records, there already (--force builds it again)")
    return True


def build(path: Path, images: Images, labels: Labels) -> None:
    """Write images (n, C, H, W) with labels to an LMDB under the keys 00000000, 00000001, …."""

    def records() -> Iterator[tuple[bytes, bytes]]:
        pairs = zip(images, labels, strict=True)
        for i, (image, label) in enumerate(tqdm(pairs, str(path), len(images), unit=" records")):
            yield f"{i:08d}".encode(), encode_datum(image, int(label))

    print(f"{path}: wrote {write_lmdb(path, records())} records")


def _count(path: Path) -> int:
    database = Lmdb(path)
    try:
        return database.size
    finally:
        database.close()


# Downloads -------------------------------------------------------------------------------------


def find(file: File, given: Path | None, mirrors: Sequence[str], folder: Path) -> Path:
    """Return a checked file: from the folder given, else from ``folder``, else downloaded to it.

    Raises:
        NetError: it is nowhere to be had; the message says what each mirror did.
    """
    if given is not None:
        path = given / file.name
        if not path.is_file():
            raise NetError(f"'{path}' is missing; --from needs a folder that holds it")
        file.check(path)
        return path
    path = folder / file.name
    if path.is_file():
        file.check(path)
        return path
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file.name}"
        try:
            return _download(url, file, path)
        except (OSError, HTTPException, NetError) as error:
            failures.append(f"{url}: {error}")
    raise NetError(f"cannot download {file.name}: {'; '.join(failures)}")


def _download(url: str, file: File, path: Path) -> Path:
    """Download to ``path``, going on where an earlier attempt ended."""
    part = path.with_name(f"{path.name}.part")
    resumed = part.exists() and part.stat().st_size > 0
    try:
        _fetch(url, file, part)
        file.check(part)
    except NetError:
        part.unlink(missing_ok=True)  # what is wrong will not become right by going on
        if not resumed:
            raise
        return _download(url, file, path)
    part.rename(path)
    return path


def _fetch(url: str, file: File, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:
                return  # nothing is missing: the check decides
        raise
    with response:
        have = have if response.status == 206 else 0
        with open(part, "ab" if have else "wb") as out:
            _copy(response, out, file, have)


def _copy(response: Any, out: Any, file: File, have: int) -> None:
    length = response.length
    total = have + length if length is not None else None
    with tqdm(None, file.name, total, unit="B", unit_scale=True, initial=have) as progress:
        while piece := response.read(PIECE):
            have += len(piece)
            if have > file.size:
                raise NetError(f"{file.name} is larger than {file.size} bytes")
            out.write(piece)
            progress.update(len(piece))
    if total is not None and have < total:
        raise ConnectionError(f"the connection ended after {have} of {total} bytes")


def check_sha256(path: Path, expected: str) -> None:
    """Refuse a file with another hash.

    Raises:
        NetError: the message names the file and both hashes.
    """
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    refuse_hash(path, found, expected)


def refuse_hash(path: Path, found: str, expected: str) -> None:
    """Refuse a hash that differs from the expected one."""
    if found != expected:
        raise NetError(f"'{path}' is not the file it should be: sha256 {found}, not {expected}")

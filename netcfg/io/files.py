"""Finding files that configurations name, and writing files whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netcfg.errors import NetError, nearest


def of_zoo(path: str | Path, default: str = "deploy.prototxt") -> str | Path:
    """Return the file that ``zoo:NAME`` or ``zoo:NAME/FILE`` means, any other path as it is.

    Args:
        path: as a user gives it.
        default: the FILE that is meant where only the model is named.

    Raises:
        NetError: there is no such model or file, or it cannot be fetched.
    """
    text = str(path)
    if not text.startswith("zoo:"):
        return path
    from netcfg.zoo.store import resolve  # brings the network with it, which few need

    return resolve(text, default)


def find_file(path: str, near: str = "") -> Path:
    """Return ``path`` as found from the working directory, else from the folder of ``near``.

    Raises:
        NetError: there is no such file; the message names the closest one in its folder.
    """
    path = str(of_zoo(path))
    given = Path(path).expanduser()
    places = [given]
    if near and not given.is_absolute():
        places.append(Path(near).parent / given)
    for place in places:
        if place.exists():
            return place
    looked = " and ".join(f"'{p.parent}'" for p in dict.fromkeys(places))
    siblings = [f.name for p in places if p.parent.is_dir() for f in p.parent.iterdir()]
    raise NetError(f"file '{path}' not found; looked in {looked}{nearest(given.name, siblings)}")


@contextmanager
def write_whole(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under ``path`` only when the block ends well.

    The bytes go to a temporary file in the same folder, are synced, and take the name at once;
    after an error or a kill the old file, if any, is untouched.

    Raises:
        NetError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with os.fdopen(fd, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = ""
        _sync_folder(path.parent)
    except OSError as error:
        raise NetError(f"cannot write '{path}': {error.strerror or error}") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

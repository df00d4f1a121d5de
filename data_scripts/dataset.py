"""What the scripts of this folder share: their arguments, and databases that are whole."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

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

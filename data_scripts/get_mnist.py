"""Download MNIST and build LMDBs of it.

    python data_scripts/get_mnist.py [--out data/mnist] [--from DIR]

60 000 handwritten digits for training and 10 000 for testing, 28 x 28 gray pixels (Y. LeCun,
C. Cortes, C. J. C. Burges). About 11 MB are downloaded, to OUT/download; --from takes the four
``*-ubyte.gz`` files from a folder instead.
"""

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np
from dataset import (
    Images,
    Labels,
    arguments,
    build,
    download_arguments,
    is_built,
    run,
)

from netcfg.errors import NetError
from netcfg.io.download import File, find, refuse_hash

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
COUNTS = {"train": 60000, "test": 10000}
STEMS = {"train": "train", "test": "t10k"}
SIDE = 28

HASHES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""sha256 of the files unpacked: mirrors pack the same files differently."""

MOST_PACKED = 16_000_000


def main() -> None:
    """Build what is missing."""
    parser = arguments(__doc__ or "", "data/mnist")
    download_arguments(parser, MIRRORS)
    args = parser.parse_args()
    mirrors = args.mirrors or MIRRORS
    for name, count in COUNTS.items():
        if is_built(args.out / name, count, args.force):
            continue
        arrays = []
        for kind in ("images-idx3", "labels-idx1"):
            file = idx_file(f"{STEMS[name]}-{kind}-ubyte")
            arrays.append(unpack(find(file, args.given, mirrors, args.out / "download")))
        build(args.out / name, images_of(arrays[0], count), labels_of(arrays[1], count))


def idx_file(name: str) -> File:
    """Describe one of the four files."""

    def check(path: Path) -> None:
        refuse_hash(path, hashlib.sha256(unpack(path)).hexdigest(), HASHES[name])

    return File(f"{name}.gz", MOST_PACKED, check)


def unpack(path: Path) -> bytes:
    """Return the contents of a gzip file, which must not be larger than the largest of MNIST."""
    most = 16 + COUNTS["train"] * SIDE * SIDE
    try:
        with gzip.open(path) as file:
            data = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NetError(f"'{path}' cannot be unpacked: {error}") from error
    if len(data) > most:
        raise NetError(f"'{path}' is larger than any file of MNIST")
    return data


def images_of(data: bytes, count: int) -> Images:
    """Return the images of an IDX file as (n, 1, 28, 28)."""
    return _values(data, (count, SIDE, SIDE)).reshape(count, 1, SIDE, SIDE)


def labels_of(data: bytes, count: int) -> Labels:
    """Return the labels of an IDX file."""
    return _values(data, (count,))


def _values(data: bytes, shape: tuple[int, ...]) -> Images:
    """Return the bytes of an IDX file after its header: two zeros, type 8, rank, sizes."""
    header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes()
    values = np.frombuffer(data[len(header) :], np.uint8)
    if not data.startswith(header) or values.size != np.prod(shape):
        raise NetError(f"an IDX file of shape {shape} is needed; it begins with {data[:16].hex()}")
    return values.reshape(shape)


if __name__ == "__main__":
    run(main)

"""Download CIFAR-10 and build LMDBs and the mean image of it.

    python data_scripts/get_cifar10.py [--out data/cifar10] [--from DIR]

50 000 pictures of ten classes for training and 10 000 for testing, 32 x 32 pixels, channels in
the order of the files: red, green, blue (A. Krizhevsky: Learning Multiple Layers of Features from
Tiny Images, 2009). About 170 MB are downloaded, to OUT/download; --from takes
``cifar-10-binary.tar.gz`` from a folder instead.
"""

import tarfile
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

from netcfg.data.mean import write_mean
from netcfg.errors import NetError
from netcfg.io.download import File, check_hash, find

MIRRORS = ("https://www.cs.toronto.edu/~kriz",)
ARCHIVE = "cifar-10-binary.tar.gz"
BYTES = 170_052_171
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"

COUNTS = {"train": 50000, "test": 10000}
FOLDER = "cifar-10-batches-bin"
MEMBERS = {
    "train": [f"{FOLDER}/data_batch_{i}.bin" for i in range(1, 6)],
    "test": [f"{FOLDER}/test_batch.bin"],
}
MEAN = "mean.binaryproto"
IMAGE = (3, 32, 32)
PER_MEMBER = 10000


def main() -> None:
    """Build what is missing."""
    parser = arguments(__doc__ or "", "data/cifar10")
    download_arguments(parser, MIRRORS)
    args = parser.parse_args()
    missing = [s for s, n in COUNTS.items() if not is_built(args.out / s, n, args.force)]
    mean = args.out / MEAN
    if mean.is_file() and "train" not in missing:
        print(f"{mean}: there already (--force writes it again)")
    elif "train" not in missing:
        missing.append("train")
    if not missing:
        return
    archive = find(
        File(ARCHIVE, BYTES, check), args.given, args.mirrors or MIRRORS, args.out / "download"
    )
    members = read_members(archive, [m for name in missing for m in MEMBERS[name]])
    for name in missing:
        images, labels = records_of(b"".join(members[m] for m in MEMBERS[name]))
        build(args.out / name, images, labels)
        if name == "train":
            write_mean(mean, images.mean(axis=0))
            print(f"{mean}: wrote the mean image")


def check(path: Path) -> None:
    """Refuse anything but the archive."""
    check_hash(path, SHA256)


def read_members(archive: Path, names: list[str]) -> dict[str, bytes]:
    """Read files of an archive into memory; nothing is unpacked to disk.

    Raises:
        NetError: the archive is damaged, or a file is missing or not of its size.
    """
    size = PER_MEMBER * (1 + int(np.prod(IMAGE)))
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.name in names and member.isreg() and member.size == size:
                    file = tar.extractfile(member)
                    found[member.name] = file.read() if file else b""
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise NetError(f"'{archive}' cannot be unpacked: {error}") from error
    for name in names:
        if len(found.get(name, b"")) != size:
            raise NetError(f"'{archive}' holds no '{name}' of {size} bytes")
    return found


def records_of(data: bytes) -> tuple[Images, Labels]:
    """Return images (n, 3, 32, 32) and labels of records: a byte of label, then the pixels."""
    records = np.frombuffer(data, np.uint8).reshape(-1, 1 + int(np.prod(IMAGE)))
    return records[:, 1:].reshape(-1, *IMAGE), records[:, 0]


if __name__ == "__main__":
    run(main)

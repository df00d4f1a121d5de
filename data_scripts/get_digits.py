"""Build LMDBs of the handwritten digits that come with scikit-learn; nothing is downloaded.

    python data_scripts/get_digits.py [--out data/digits]

1 797 digits of 43 writers, 8 x 8 pixels of 17 gray levels (E. Alpaydin, C. Kaynak: Optical
Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998), resized to 28 x 28 so
that LeNet takes them. 1 437 are for training, 360 for testing, each class in proportion.
"""

import hashlib

import numpy as np
from dataset import Images, Labels, arguments, build, is_built, run

from netcfg.errors import NetError
from netcfg.io.image import resize_image

COUNTS = {"train": 1437, "test": 360}
SIZE = 28
EVERY = 5
"""One digit in so many is for testing."""


def main() -> None:
    """Build what is missing."""
    args = arguments(__doc__ or "", "data/digits").parse_args()
    missing = [s for s, n in COUNTS.items() if not is_built(args.out / s, n, args.force)]
    if not missing:
        return
    images, labels = read_digits()
    chosen = split(labels)
    for name in missing:
        build(args.out / name, images[chosen[name]], labels[chosen[name]])


def read_digits() -> tuple[Images, Labels]:
    """Return the images as (1797, 1, 28, 28) and their labels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise NetError("the digits come with scikit-learn: pip install scikit-learn") from error
    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return resize_image(images, SIZE, SIZE)[:, np.newaxis], digits.target.astype(np.uint8)


def split(labels: Labels) -> dict[str, list[int]]:
    """Return shuffled indices for training and testing, the same on every machine.

    Sorted by class, every fifth digit is for testing. The order comes from hashes of the indices
    because generators of random numbers change between versions.
    """

    def shuffled(i: int) -> bytes:
        return hashlib.sha256(f"digit {i}".encode()).digest()

    order = sorted(range(len(labels)), key=lambda i: (labels[i], shuffled(i)))
    test = set(order[::EVERY])
    mixed = sorted(order, key=shuffled)
    return {"train": [i for i in mixed if i not in test], "test": [i for i in mixed if i in test]}


if __name__ == "__main__":
    run(main)

"""Small databases of images with objects for tests."""

from pathlib import Path

import numpy as np

from netcfg.data.annotated import encode_annotated
from netcfg.data.write import write_leveldb, write_lmdb
from netcfg.netcfg_pb2 import AnnotatedDatum, Datum
from tests.data.databases import encoded, images

BOXES = [
    [[2, 0, 0.25, 0.25, 0.5, 0.75, 0], [1, 0, 0.5, 0, 1, 0.5, 1], [2, 1, 0, 0, 0.25, 0.25, 0]],
    [],
    [[3, 0, 0, 0.5, 0.5, 1, 0]],
    [[1, 0, 0.75, 0.75, 1, 1, 0]],
]
"""Objects of the images, over and over."""


def objects(i: int) -> np.ndarray:
    """Return the objects of image ``i`` as a database holds them, in the order of classes."""
    rows = np.array(BOXES[i % len(BOXES)], np.float32).reshape(-1, 7)
    return rows[np.argsort(rows[:, 0], kind="stable")]


def datum(image: np.ndarray, label: int = 0) -> Datum:
    """Return a Datum with a PNG."""
    return Datum(data=encoded(image), encoded=True, label=label)


def make_annotated(
    path: Path, count: int = 8, shape: tuple[int, ...] = (3, 20, 24), backend: str = "lmdb"
) -> np.ndarray:
    """Write a database and return its images."""
    values = images(count, shape)
    records = [
        (b"%08d" % i, encode_annotated(datum(image, i), objects(i)))
        for i, image in enumerate(values)
    ]
    (write_lmdb if backend == "lmdb" else write_leveldb)(path, records)
    return values


def without_boxes(path: Path, count: int = 4) -> np.ndarray:
    """Write a database of AnnotatedDatum records that have labels alone."""
    values = images(count)
    records = [
        (b"%08d" % i, AnnotatedDatum(datum=datum(image, i)).SerializeToString())
        for i, image in enumerate(values)
    ]
    write_lmdb(path, records)
    return values

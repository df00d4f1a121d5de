"""Small databases for tests."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from netcfg.data.datum import encode_datum
from netcfg.data.write import write_leveldb, write_lmdb
from netcfg.netcfg_pb2 import Datum


def images(count: int, shape: tuple[int, ...] = (3, 6, 5), seed: int = 1) -> np.ndarray:
    """Return random uint8 images; image ``i`` holds ``i`` in its first pixel."""
    values = np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)
    values[:, 0, 0, 0] = np.arange(count)
    return values


def records(values: np.ndarray) -> list[tuple[bytes, bytes]]:
    """Return records with keys 00000000, 00000001, … and the index as the label."""
    return [(b"%08d" % i, encode_datum(value, i)) for i, value in enumerate(values)]


def make_lmdb(path: Path, values: np.ndarray) -> Path:
    """Write images to an LMDB, labelled by their index."""
    write_lmdb(path, records(values))
    return path


def make_leveldb(path: Path, values: np.ndarray) -> Path:
    """Write images to a LevelDB, labelled by their index."""
    write_leveldb(path, records(values))
    return path


def encoded(image: np.ndarray, kind: str = "PNG") -> bytes:
    """Return the bytes of an image file for a (C, H, W) image in B, G, R."""
    pixels = image[0] if len(image) == 1 else image[::-1].transpose(1, 2, 0)
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def encoded_datum(image: np.ndarray, label: int, kind: str = "PNG") -> bytes:
    """Return a serialized Datum that holds an image file."""
    return Datum(data=encoded(image, kind), label=label, encoded=True).SerializeToString()

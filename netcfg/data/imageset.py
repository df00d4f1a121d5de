"""Databases of images that a text file lists, as Caffe's ``convert_imageset`` makes them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from netcfg.data.database import Pair
from netcfg.data.datum import encode_datum
from netcfg.data.image_list import ImageList
from netcfg.data.new_database import refuse_existing, write_database
from netcfg.data.ordered import in_order
from netcfg.errors import DataError
from netcfg.io.image import ENCODINGS, decode_image, encode_image
from netcfg.netcfg_pb2 import Datum
from netcfg.types import Shape

LABELS = range(-(1 << 31), 1 << 31)
"""What the label of a Datum can be."""

LONGEST_KEY = 511
"""Bytes; LMDB takes no longer ones."""


@dataclass
class Conversion:
    """What became of the lines of a list.

    Attributes:
        written: number of records.
        skipped: images that could not be used: the line of the list and what is wrong.
    """

    written: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Image:
    """An image as it goes into the database, or what is wrong with it."""

    value: bytes = b""
    shape: Shape = ()
    error: str = ""


def convert_imageset(
    images: ImageList,
    path: str | Path,
    *,
    backend: str = "lmdb",
    encode: str | None = None,
    check_size: bool = False,
    skip_bad: bool = False,
    force: bool = False,
    threads: int | None = None,
    on_image: Callable[[], None] = lambda: None,
) -> Conversion:
    """Write the images of a list into a database, image i with the key ``<i, 8 digits>_<path>``.

    Args:
        images: the list, which also says whether images are gray, resized and shuffled.
        path: the database, which appears whole or not at all.
        backend: ``lmdb`` or ``leveldb``.
        encode: format of the image files to store, such as ``jpg``; empty for that of each file
            itself; None stores pixels, (C, H, W) in B, G, R.
        check_size: refuses an image whose shape differs from that of the first.
        skip_bad: leaves out what cannot be used instead of ending there.
        force: replaces a database that is there already.
        threads: how many read images; one for each core where None.
        on_image: called after each line of the list.

    Raises:
        DataError: an image cannot be used; the message names the line of the list.
        NetError: the database is there already or cannot be written.
    """
    refuse_existing(path, force=force)
    result = Conversion()
    lines = images.read(0, len(images))

    def make(line: int) -> _Image:
        try:
            return _convert(images, line, encode)
        except DataError as error:
            return _Image(error=str(error))

    def records() -> Iterator[Pair]:
        like: Shape = ()
        for i, image in enumerate(in_order(make, lines, threads)):
            error = image.error or (check_size and _misfit(image.shape, like or image.shape))
            if not error:
                like = like or image.shape
                yield key(i, images.files[lines[i]]), image.value
            elif skip_bad:
                result.skipped.append((images.where(lines[i]), error))
            else:
                raise DataError(f"{images.where(lines[i])}: {error}")
            on_image()

    result.written = write_database(path, records(), backend, force=force)
    return result


def key(i: int, path: str) -> bytes:
    """Return the key of image ``i``.

    >>> key(3, "cats/a b.jpg")
    b'00000003_cats/a b.jpg'
    """
    return b"%08d_%s" % (i, os.fsencode(path))


def _convert(images: ImageList, line: int, encode: str | None) -> _Image:
    """Return the record of a line.

    Raises:
        DataError: it cannot be used; the message does not name the line.
    """
    label = images.labels[line]
    if label not in LABELS:
        raise DataError(f"a label must fit 32 bits; given {label}")
    excess = len(key(line, images.files[line])) - LONGEST_KEY
    if excess > 0:
        raise DataError(
            f"the path, which becomes the key, is {excess} bytes too long; move its beginning to "
            "ROOTFOLDER"
        )
    if encode is None:
        image = images.image(line)
        return _Image(images.serialize(line, encode_datum(image, label)), image.shape)
    data, shape = _encoded(images, line, encode.lower())
    value = Datum(data=data, label=label, encoded=True).SerializeToString()
    return _Image(images.serialize(line, value), shape)


def _encoded(images: ImageList, line: int, kind: str) -> tuple[bytes, Shape]:
    """Return an image file of the wanted kind, and the shape of its image.

    Unlike Caffe, which keeps the bytes of every file of the kind, a colored one is written anew
    where gray is wanted and the other way round: what is read back must not depend on the file.
    """
    file = images.file(line)
    ending = file.suffix[1:].lower()
    kind = kind or ending
    if kind not in ENCODINGS:
        raise DataError(
            f"images cannot be stored as '{kind}', the ending of '{file.name}'; choose "
            f"--encode-type of {', '.join(ENCODINGS)}"
        )
    if images.size is None and ENCODINGS.get(ending) == ENCODINGS[kind]:
        try:
            data = file.read_bytes()
            shape = decode_image(data).shape
        except (OSError, DataError):
            pass  # decode, below, names it, or makes 8 bits of 16
        else:
            if shape[0] == (3 if images.color else 1):
                return data, shape
    image = images.image(line)
    return encode_image(image, kind), image.shape


def _misfit(shape: Shape, like: Shape) -> str:
    if shape == like:
        return ""
    return (
        f"the image has shape {shape}, the first one {like}; --resize-width and --resize-height "
        "make them equal"
    )

"""Folders of images in another size, as Caffe's ``resize_and_crop_images.py`` makes them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from netcfg.data.image_list import LINE
from netcfg.data.ordered import in_order
from netcfg.errors import DataError
from netcfg.io.files import write_whole
from netcfg.io.image import (
    ENCODINGS,
    JPEG_QUALITY,
    UNREADABLE,
    Pixels,
    decode_image,
    encode_image,
    resize_image,
)

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "opencv": None,
}
"""Ways to resize: Pillow's smooth when an image shrinks, OpenCV's bilinear, Caffe's, does not."""

ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held."""


@dataclass(frozen=True)
class Size:
    """What images become.

    Attributes:
        width, height: in pixels; with neither ``exact`` nor ``crop`` the least of each side.
        exact: stretches images to just this size.
        crop: keeps their proportions and takes the center.
    """

    width: int
    height: int
    exact: bool = False
    crop: bool = False

    def scaled(self, width: int, height: int) -> tuple[int, int]:
        """Return the size that an image is resized to, before it is cropped.

        >>> Size(256, 256).scaled(640, 480), Size(256, 256, exact=True).scaled(640, 480)
        ((341, 256), (256, 256))
        """
        if self.exact and not self.crop:
            return self.width, self.height
        if self.width * height >= self.height * width:
            return self.width, max(self.height, self.width * height // width)
        return max(self.width, self.height * width // height), self.height

    def fits(self, width: int, height: int) -> bool:
        """Whether an image can be a result."""
        if self.exact or self.crop:
            return (width, height) == (self.width, self.height)
        return width >= self.width and height >= self.height and self._least(width, height)

    def _least(self, width: int, height: int) -> bool:
        return width == self.width or height == self.height


@dataclass
class Resized:
    """What became of images.

    Attributes:
        written: number of files.
        kept: files that were there already.
        skipped: images that could not be used: the file and what is wrong.
    """

    written: int = 0
    kept: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)


def resize_images(
    pairs: Sequence[tuple[Path, Path]],
    size: Size,
    *,
    method: str = "bilinear",
    quality: int = JPEG_QUALITY,
    skip_bad: bool = False,
    force: bool = False,
    threads: int | None = None,
    on_image: Callable[[], None] = lambda: None,
) -> Resized:
    """Write images in another size, in color and upright as the camera was held.

    A result that is there, is not older than its image and has the size is kept, so that a run
    goes on where another one ended.

    Args:
        pairs: images and where they go, in the format of that ending.
        size: of the results.
        method: a key of ``FILTERS``.
        quality: of JPEG and WebP, 1 to 100.
        skip_bad: leaves out what cannot be read instead of ending there.
        force: writes all results anew.
        threads: how many work; one for each core where None.
        on_image: called after each image.

    Raises:
        DataError: an image cannot be read.
        NetError: a result cannot be written.
    """
    result = Resized()

    def make(pair: tuple[Path, Path]) -> bool | str:
        source, target = pair
        if not force and _is_made(source, target, size):
            return False
        try:
            image = _resized(_upright(source), size, method)
        except DataError as error:
            return str(error)
        with write_whole(target) as file:
            file.write(encode_image(image, target.suffix[1:].lower(), quality))
        return True

    for (source, _), made in zip(pairs, in_order(make, pairs, threads), strict=True):
        if isinstance(made, str):
            if not skip_bad:
                raise DataError(f"{source}: {made}")
            result.skipped.append((str(source), made))
        elif made:
            result.written += 1
        else:
            result.kept += 1
        on_image()
    return result


def images_below(folder: Path) -> list[str]:
    """Return the paths of all image files below a folder, relative to it, by their endings."""
    found = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        here = os.path.relpath(place, folder)
        found += [
            os.path.normpath(os.path.join(here, name))
            for name in sorted(names)
            if Path(name).suffix[1:].lower() in ENCODINGS
        ]
    return found


def listed_images(path: Path, folder: Path) -> list[str]:
    """Return the paths in a list, one a line; a label may follow and is passed over."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        name = line.strip()
        match = LINE.fullmatch(name)
        if match is not None and not (folder / name).exists():
            name = match["path"]
        if name:
            found.append(name.lstrip("/"))
    return found


def pair_up(
    names: Sequence[str], source: Path, target: Path, ending: str = ""
) -> list[tuple[Path, Path]]:
    """Return images and where they go: the same place below ``target``.

    Args:
        names: relative to ``source``.
        source: folder of the images.
        target: folder of the results.
        ending: of the results, a key of ``ENCODINGS``; empty for that of each image.

    Raises:
        DataError: a result would lie outside ``target``, is of an unknown kind, or two are one.
    """
    taken: dict[Path, str] = {}
    for name in names:
        out = target / name
        if ending:
            out = out.with_suffix(f".{ending}")
        if ".." in Path(name).parts:
            raise DataError(f"'{name}' leads out of the folder")
        if out.suffix[1:].lower() not in ENCODINGS:
            known = ", ".join(ENCODINGS)
            raise DataError(f"'{name}' has none of the endings {known}; --format gives one")
        if out in taken and taken[out] != name:
            raise DataError(f"'{taken[out]}' and '{name}' would both become '{out}'")
        taken[out] = name
    return [(source / name, out) for out, name in taken.items()]


def _is_made(source: Path, target: Path, size: Size) -> bool:
    try:
        if target.stat().st_mtime_ns < source.stat().st_mtime_ns:
            return False
        with Image.open(target) as image:
            return size.fits(*image.size)
    except UNREADABLE:
        return False


def _upright(path: Path) -> Pixels:
    """Read an image, (3, H, W), turned as its orientation tag says.

    Raises:
        DataError: it cannot be read; the message does not name it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(error.strerror or str(error)) from error
    image = decode_image(data, True)
    with Image.open(BytesIO(data)) as header:
        tag = header.getexif().get(ORIENTATION, 1)
    if tag in (5, 6, 7, 8):
        image = image.swapaxes(1, 2)
    if tag in (2, 3, 6, 7):
        image = image[:, :, ::-1]
    if tag in (3, 4, 7, 8):
        image = image[:, ::-1]
    return image


def _resized(image: Pixels, size: Size, method: str) -> Pixels:
    _, height, width = image.shape
    wide, high = size.scaled(width, height)
    resample = FILTERS[method]
    scaled: Any
    if resample is None:
        scaled = resize_image(image, high, wide)
    else:
        pixels = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
        scaled = np.asarray(pixels.resize((wide, high), resample)).transpose(2, 0, 1)
    if not size.crop:
        return scaled
    top, left = (high - size.height) // 2, (wide - size.width) // 2
    return scaled[:, top : top + size.height, left : left + size.width]

"""Images with an image of labels for each: a list of both, and batches that are cut alike."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from netcfg.data.draws import Draws
from netcfg.data.feed import Batch
from netcfg.data.image_list import join_root, usual_root
from netcfg.data.mean import Mean
from netcfg.errors import DataError
from netcfg.io.image import FORMATS, UNREADABLE, Pixels, read_image, resize_image
from netcfg.types import Shape

Labels = npt.NDArray[np.int32]

_HALF = np.uint64(1 << 63)

_FACTOR = 3
"""Which of a record's four random numbers decides by what factor it is resized."""


def read_labels(path: str | Path) -> Labels:
    """Read an image whose pixels are labels, (H, W); one with a palette holds its indices.

    Raises:
        DataError: the file is missing, damaged, or has colours.
    """
    try:
        with Pillow.open(BytesIO(Path(path).read_bytes()), formats=FORMATS) as image:
            if image.mode not in ("1", "L", "P") and not image.mode.startswith("I"):
                raise DataError(
                    f"labels '{path}' must be one number for each pixel (gray or a palette); the "
                    f"image has mode {image.mode}"
                )
            return np.asarray(image).astype(np.int32)
    except UNREADABLE as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read labels '{path}': {reason}") from error


class SegmentationList:
    """Images and labels named by a text file, ``image labels`` a line.

    Args:
        path: the text file.
        labels: what its second column is: ``pixel`` for a path of an image of labels, ``image`` for
            a number that all pixels have, ``none`` for nothing.
        root: put in front of every path; where it is empty, paths are relative to the working
            directory or else to the list.
        color: 3 channels or 1.
        size: height and width that images are resized to, if any; labels take the nearest pixel.
        shuffle: gives every epoch its order; None keeps that of the file.
        blank: the label of all pixels where there are none.

    Raises:
        DataError: the list is empty or a line lacks a column.
    """

    def __init__(
        self,
        path: Path,
        *,
        labels: str = "pixel",
        root: str = "",
        color: bool = True,
        size: tuple[int, int] | None = None,
        shuffle: Draws | None = None,
        blank: int = 255,
    ) -> None:
        self.path, self.labels, self.color, self.size = path, labels, color, size
        self.shuffle, self.blank = shuffle, blank
        self.lines: list[tuple[int, str, str]] = list(self._parse())
        if not self.lines:
            raise DataError(f"list '{path}' is empty")
        self.root = root or usual_root(path, self.lines[0][1])

    def __len__(self) -> int:
        return len(self.lines)

    def line(self, position: int) -> int:
        """Return which line stands at a position, counted on through the epochs."""
        size = len(self.lines)
        if self.shuffle is None:
            return position % size
        return int(self.shuffle.order(size, position // size)[position % size])

    def where(self, line: int) -> str:
        """Return the list and the line in it."""
        return f"{self.path}:{self.lines[line][0]}"

    def read(self, line: int) -> tuple[Pixels, Labels]:
        """Return image (C, H, W) and labels (H, W) of a line.

        Raises:
            DataError: a file cannot be read, or the two differ in size.
        """
        _, name, second = self.lines[line]
        image = read_image(join_root(self.root, name), self.color)
        shape = image.shape[1:]
        if self.labels == "pixel":
            labels = read_labels(join_root(self.root, second))
            if labels.shape != shape and self.size is None:
                raise DataError(f"labels of {labels.shape} do not fit an image of {shape}")
        else:
            value = int(second) if self.labels == "image" else self.blank
            labels = np.full(shape, value, np.int32)
        if self.size is not None:
            image, labels = resize_image(image, *self.size), nearest(labels, *self.size)
        return image, labels

    def _parse(self) -> Any:
        try:
            text = self.path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise DataError(f"cannot read list '{self.path}': {error.strerror}") from error
        want = {"pixel": 2, "image": 2, "none": 1}[self.labels]
        for number, line in enumerate(text.split("\n"), 1):
            words = line.split()
            if not words:
                continue
            number_like = len(words) > 1 and words[1].lstrip("-").isdigit()
            if len(words) < want or (self.labels == "image" and not number_like):
                what = {"pixel": "the path of its labels", "image": "a label"}.get(self.labels)
                raise DataError(
                    f"{self.path}:{number}: a line must be the path of an image, a space and "
                    f"{what}; given '{line.strip()[:80]}'"
                )
            yield number, words[0], words[1] if want == 2 else ""


def nearest(labels: Labels, height: int, width: int) -> Labels:
    """Return labels resized: pixel i of n comes from ⌊i · old / n⌋."""
    rows = np.arange(height) * labels.shape[0] // height
    columns = np.arange(width) * labels.shape[1] // width
    return labels[rows[:, None], columns]


@dataclass
class Cutting:
    """y = (x - mean) · scale of a crop of image and labels, both mirrored or not.

    Where the crop is larger, zeros after the mean stand below and to the right, with the label
    ``fill``. The crop is random if ``random``, else in the middle.

    Attributes:
        crop: height and width, 0 to keep what the image has.
        mirror: turn every second image, by chance.
        random: whether crops are.
        scale: factor of each value.
        mean: (C, 1, 1), or an image of the size of all images; None for none.
        fill: label beside the image.
        factors: of the size, of which one is drawn for each image; labels take the nearest pixel.
    """

    crop: tuple[int, int] = (0, 0)
    mirror: bool = False
    random: bool = False
    scale: float = 1
    mean: Mean | None = None
    fill: int = 255
    factors: tuple[float, ...] = ()

    def scaled(self, image: Pixels, labels: Labels, numbers: Any) -> tuple[Pixels, Labels]:
        """Return image and labels resized by one of ``factors``; see ``__call__``."""
        if not self.factors:
            return image, labels
        factor = np.float32(self.factors[int(numbers[_FACTOR]) % len(self.factors)])
        size = [max(1, int(np.float32(n) * factor)) for n in labels.shape]
        return resize_image(image, *size), nearest(labels, *size)

    def __call__(self, image: Pixels, labels: Labels, numbers: Any) -> tuple[Any, Any]:
        """Return image (C, H, W) and labels (1, H, W).

        Args:
            image: the pixels.
            labels: as many.
            numbers: four random numbers.

        Raises:
            DataError: the mean does not fit the image.
        """
        mean = np.float32(0) if self.mean is None else self.mean
        try:
            x = (image.astype(np.float32) - mean) * np.float32(self.scale)
        except ValueError:
            raise DataError(
                f"the mean has shape {np.shape(mean)}, the image {image.shape}"
            ) from None
        height, width = (c or n for c, n in zip(self.crop, labels.shape, strict=True))
        below, right = (max(0, c - n) for c, n in zip((height, width), labels.shape, strict=True))
        x = np.pad(x, ((0, 0), (0, below), (0, right)))
        y = np.pad(labels, ((0, below), (0, right)), constant_values=self.fill)
        room = y.shape[0] - height, y.shape[1] - width
        top, left = (r // 2 for r in room)
        if self.random:
            top, left = (int(n) % (r + 1) for n, r in zip(numbers[1:3], room, strict=True))
        x, y = (
            x[:, top : top + height, left : left + width],
            y[top : top + height, left : left + width],
        )
        if self.mirror and numbers[0] >= _HALF:
            x, y = x[:, :, ::-1], y[:, ::-1]
        return x, y[None]


class SegmentationFeed:
    """Batch ``k`` holds records k·N … (k + 1)·N - 1 of a list; a function of ``k`` alone.

    Args:
        source: the list.
        cutting: what is done to each image and its labels.
        size: N, records per batch.
        draws: the random numbers of the layer.
        skip: records passed over at the start.
        tolerate: how many unreadable records may be replaced by the next good one.
    """

    def __init__(
        self,
        source: SegmentationList,
        cutting: Cutting,
        size: int,
        draws: Draws,
        *,
        skip: int = 0,
        tolerate: int = 0,
    ) -> None:
        self.source, self.cutting, self.size, self.draws = source, cutting, size, draws
        self.skip, self.tolerate = skip, tolerate

    def __len__(self) -> int:
        return len(self.source)

    def shapes(self) -> tuple[Shape, Shape, Shape]:
        """Return the shapes of the first batch."""
        batch = Batch(())
        x, y, _ = self._record(self.skip, batch)
        return (self.size, *x.shape), (self.size, *y.shape), (self.size, 1, 1, 2)

    def __call__(self, k: int) -> Batch:
        """Return batch ``k``: images (N, C, H, W), labels (N, 1, H, W), and (N, 1, 1, 2) heights
        and widths of the images, at most those of the crop.

        Raises:
            DataError: a record cannot be read or its shape differs from that of the others.
        """
        start, batch = self.skip + k * self.size, Batch(())
        records = [self._record(start + i, batch) for i in range(self.size)]
        shape = records[0][0].shape
        for i, (x, _, _) in enumerate(records):
            if x.shape != shape:
                where = self.source.where(self.source.line(start + i))
                raise DataError(
                    f"{where}: the image becomes {x.shape}, the first of the batch {shape}; images "
                    "of one batch must have one shape (a crop, new_height and new_width, or "
                    "batch_size 1)"
                )
        images, labels, sizes = (np.stack(a).astype(np.float32) for a in zip(*records, strict=True))
        batch.arrays = (images, labels, sizes.reshape(-1, 1, 1, 2))
        return batch

    def _record(self, position: int, batch: Batch) -> tuple[Any, Any, Any]:
        """Read a record, or the next good one where some may be passed over."""
        numbers = self.draws.numbers(position, 1)[0]
        for ahead in range(self.tolerate + 1):
            line = self.source.line(position + ahead)
            try:
                image, labels = self.cutting.scaled(*self.source.read(line), numbers)
                x, y = self.cutting(image, labels, numbers)
            except DataError as error:
                if not self.tolerate:
                    raise DataError(f"{self.source.where(line)}: {error}") from error
                batch.bad.append((self.source.where(line), str(error)))
            else:
                return x, y, np.minimum(labels.shape, y.shape[1:])
        raise DataError(
            f"{batch.bad[-1][0]}: {batch.bad[-1][1]}; more than the {self.tolerate} records "
            "that skip_bad_data passes over cannot be used"
        )

    def close(self) -> None:
        """Nothing is open between reads."""

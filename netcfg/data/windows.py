"""R-CNN's lists of windows in images, and batches of objects and background drawn from them."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.data.draws import Draws
from netcfg.data.feed import Batch
from netcfg.data.image_list import join_root, usual_root
from netcfg.data.warp import Warp
from netcfg.errors import DataError
from netcfg.io.image import Pixels, decode_image, read_image

Lines: TypeAlias = Iterator[tuple[int, str]]
Windows: TypeAlias = npt.NDArray[np.int64]
"""A row for each window: image, label, x1, y1, x2, y2, line in the file."""

HEADER = re.compile(r"#\s+\d+")
COLOURS = 3
NUMBERS = 6
OVERLAP = 1
MOST = 2.0**31

_HALF = np.uint64(1 << 63)
_MIRROR, _WINDOW = 0, 1
"""What each random number of a window decides."""


class WindowList:
    """Images and the windows in them, from a file with a block for each image::

        # 0
        path/of/image.jpg
        3
        375
        500
        2
        15 0.82 10 20 110 220
        0 0.1 0 0 99 99

    That is: number, path, channels, height and width of an image, then how many windows follow,
    each with class, overlap with the nearest object, x1, y1, x2 and y2.

    Args:
        path: of the file.
        root: put in front of every path; where it is empty, paths are relative to the working
            directory or else to the list.
        objects: windows that overlap by at least this much are objects.
        background: those that overlap by less than this are background, of class 0.

    Attributes:
        files: of the images.
        objects, background: the windows.

    Raises:
        DataError: a line is wrong; the message names it.
    """

    def __init__(
        self, path: Path, *, root: str = "", objects: float = 0.5, background: float = 0.5
    ) -> None:
        self.path = path
        self.files: list[str] = []
        self._thresholds = np.float32(objects), np.float32(background)
        chosen = [self._choose(*block) for block in self._blocks()]
        if not chosen:
            raise DataError(f"list of windows '{path}' is empty")
        self.objects: Windows = np.concatenate([pair[0] for pair in chosen])
        self.background: Windows = np.concatenate([pair[1] for pair in chosen])
        self.root = root or usual_root(path, self.files[0])

    def file(self, image: int) -> str:
        """Return the path of an image."""
        return join_root(self.root, self.files[image])

    def _blocks(self) -> Iterator[tuple[npt.NDArray[np.float64], list[int]]]:
        """Yield the numbers of the windows of each image, and the lines where they stand."""
        try:
            with self.path.open(encoding="utf-8", errors="surrogateescape") as file:
                lines = ((n, line.strip()) for n, line in enumerate(file, 1) if line.strip())
                for number, header in lines:
                    if not HEADER.fullmatch(header):
                        raise self._wrong(number, "an image must begin with '# NUMBER'", header)
                    yield self._windows(lines, self._image(lines, number))
        except OSError as error:
            message = f"cannot read list of windows '{self.path}': {error.strerror}"
            raise DataError(message) from error

    def _image(self, lines: Lines, number: int) -> int:
        """Read path and sizes of an image; return how many windows it has."""
        number, path = next(lines, (number, ""))
        sizes: list[str] = []
        while path and len(sizes) < 4:
            number, text = next(lines, (number, ""))
            if not text:
                break
            sizes += text.split()
        if len(sizes) != 4 or not all(size.isdecimal() for size in sizes):
            what = "path, channels, height, width and number of windows must follow '# NUMBER'"
            raise self._wrong(number, what, " ".join(sizes) or "the end of the file")
        if int(sizes[0]) != COLOURS:
            raise self._wrong(number, "images are read in colour, with 3 channels", sizes[0])
        self.files.append(path)
        return int(sizes[3])

    def _windows(self, lines: Lines, count: int) -> tuple[npt.NDArray[np.float64], list[int]]:
        block = list(islice(lines, count))
        rows = [line.split() for _, line in block]
        for (number, line), row in zip(block, rows, strict=True):
            if len(row) != NUMBERS:
                what = "a window must be class, overlap, x1, y1, x2 and y2"
                raise self._wrong(number, what, line)
        if len(block) < count:
            raise DataError(
                f"{self.path}: image '{self.files[-1]}' has {count} windows by its head, but the "
                f"file ends after {len(block)}"
            )
        numbers = [number for number, _ in block]
        try:
            table = np.array(rows, np.float64).reshape(count, NUMBERS)
        except ValueError:
            table = np.array([[_number(word) for word in row] for row in rows])
        wholes = np.delete(table, OVERLAP, axis=1)
        right = (np.abs(wholes) < MOST) & (wholes == np.rint(wholes))
        bad = np.flatnonzero(~right.all(1) | ~np.isfinite(table[:, OVERLAP]))
        if bad.size:
            number, line = block[bad[0]]
            what = "all numbers of a window but the overlap must be whole"
            raise self._wrong(number, what, line)
        return table, numbers

    def _choose(
        self, table: npt.NDArray[np.float64], numbers: list[int]
    ) -> tuple[Windows, Windows]:
        """Return the objects and the background among the windows of the latest image."""
        overlap = table[:, OVERLAP].astype(np.float32)
        image = np.full(len(table), len(self.files) - 1)
        windows = np.column_stack([image, np.delete(table, OVERLAP, axis=1), numbers])
        windows = windows.astype(np.int64)
        is_object = overlap >= self._thresholds[0]
        unnamed = np.flatnonzero(is_object & (windows[:, 1] < 1))
        if unnamed.size:
            row = windows[unnamed[0]]
            what = "the class of an object must be at least 1, as 0 is the background"
            raise self._wrong(int(row[-1]), what, str(row[1]))
        background = windows[~is_object & (overlap < self._thresholds[1])]
        background[:, 1] = 0
        return windows[is_object], background

    def _wrong(self, number: int, what: str, given: str) -> DataError:
        return DataError(f"{self.path}:{number}: {what}; given '{given[:80]}'")


class WindowFeed:
    """Batch ``k`` holds windows drawn at random: background, then objects.

    It is a function of ``k`` alone, for any number of threads.

    Args:
        windows: to draw from.
        warp: makes squares of them.
        size: N, windows per batch.
        share: of objects; their number is cut down to a whole one.
        draws: the random numbers of the layer.
        mirror: whether every second window, by chance, is mirrored.
        keep: whether image files stay in memory once they were read.
        tolerate: how many windows that cannot be read may be replaced by the next good one.

    Raises:
        DataError: there is nothing to draw from.
    """

    def __init__(
        self,
        windows: WindowList,
        warp: Warp,
        size: int,
        share: float,
        draws: Draws,
        *,
        mirror: bool = False,
        keep: bool = False,
        tolerate: int = 0,
    ) -> None:
        self.windows = windows
        self.warp = warp
        self.size = size
        self.objects = int(np.float32(size) * np.float32(share))
        self.draws = draws
        self.mirror = mirror
        self.tolerate = tolerate
        self._kept: dict[int, bytes] | None = {} if keep else None
        for pool, count, what in (
            (windows.objects, self.objects, "objects: none reaches fg_threshold"),
            (windows.background, size - self.objects, "background: none is below bg_threshold"),
        ):
            if count and not len(pool):
                raise DataError(f"{windows.path} has no windows of {what}")

    def __len__(self) -> int:
        return len(self.windows.objects) + len(self.windows.background)

    def __call__(self, k: int) -> Batch:
        """Return batch ``k``: windows (N, 3, size, size) and classes (N,).

        Raises:
            DataError: an image cannot be read, or a window does not lie in its image.
        """
        edge = self.warp.size
        data = np.empty((self.size, COLOURS, edge, edge), np.float32)
        labels = np.empty(self.size, np.float32)
        batch = Batch((data, labels))
        for i, numbers in enumerate(self.draws.numbers(k * self.size, self.size)):
            is_object = i >= self.size - self.objects
            pool = self.windows.objects if is_object else self.windows.background
            index = int(numbers[_WINDOW] % np.uint64(len(pool)))
            mirrored = self.mirror and bool(numbers[_MIRROR] >= _HALF)
            data[i], labels[i] = self._window(pool, index, mirrored, batch)
        return batch

    def close(self) -> None:
        """Forget what was kept; no file is open between reads."""
        if self._kept:
            self._kept.clear()

    def _window(
        self, pool: Windows, index: int, mirrored: bool, batch: Batch
    ) -> tuple[npt.NDArray[np.float32], int]:
        """Return a window and its class, or the next good one where some may be passed over."""
        for ahead in range(self.tolerate + 1):
            image, label, x1, y1, x2, y2, line = pool[(index + ahead) % len(pool)].tolist()
            try:
                return self.warp(self._image(image), (x1, y1, x2, y2), mirrored), label
            except DataError as error:
                where = f"{self.windows.path}:{line}"
                if not self.tolerate:
                    raise DataError(f"{where}: {error}") from error
                batch.bad.append((where, str(error)))
        raise DataError(
            f"{batch.bad[-1][0]}: {batch.bad[-1][1]}; more than the {self.tolerate} records "
            "that skip_bad_data passes over cannot be used"
        )

    def _image(self, index: int) -> Pixels:
        path = self.windows.file(index)
        if self._kept is None:
            return read_image(path, True)
        data = self._kept.get(index)
        if data is None:
            try:
                data = self._kept[index] = Path(path).read_bytes()
            except OSError as error:
                raise DataError(f"cannot read image '{path}': {error.strerror}") from error
        try:
            return decode_image(data, True)
        except DataError as error:
            raise DataError(f"cannot read image '{path}': {error}") from error


def _number(word: str) -> float:
    """Return a number, NaN where it is none."""
    try:
        return float(word)
    except ValueError:
        return float("nan")

"""Lists of image files with one label each."""

import os
import re
from pathlib import Path
from typing import ClassVar

from netcfg.data.datum import Record
from netcfg.data.draws import Draws
from netcfg.data.source import Source
from netcfg.errors import DataError
from netcfg.io.image import Pixels, read_image, resize_image

LINE = re.compile(r"(?P<path>.*\S)[ \t]+(?P<label>[-+]?\d+)")


class ImageList(Source):
    """Images named by a text file, one ``path label`` a line; paths may contain spaces.

    Args:
        path: the text file.
        root: put in front of every path; where it is empty, paths are relative to the working
            directory or else to the list.
        color: 3 channels or 1.
        size: height and width that images are resized to, if any.
        draft: decode JPEGs no larger than that takes; see ``decode_image``.
        shuffle: gives every epoch its order; None keeps that of the file.

    Raises:
        DataError: the list is empty or a line is no path and label.
    """

    heavy = True
    line: ClassVar[re.Pattern[str]] = LINE
    needs: ClassVar[str] = "a path, a space and an integer label"

    def __init__(
        self,
        path: Path,
        *,
        root: str = "",
        color: bool = True,
        size: tuple[int, int] | None = None,
        draft: bool = False,
        shuffle: Draws | None = None,
    ) -> None:
        self.path = path
        self.color = color
        self.size = size
        self.draft = size if draft else None
        self.shuffle = shuffle
        self.files: list[str] = []
        self.labels: list[int] = []
        self.lines: list[int] = []
        self._parse()
        self.root = root or usual_root(path, self.files[0])

    def __len__(self) -> int:
        return len(self.files)

    def read(self, start: int, count: int) -> list[int]:
        """Return indices into the list."""
        positions = range(start, start + count)
        size = len(self.files)
        if self.shuffle is None:
            return [p % size for p in positions]
        return [int(self.shuffle.order(size, p // size)[p % size]) for p in positions]

    def decode(self, raw: int) -> Record:
        """Return the image and the label of a line."""
        return self.image(raw), self.labels[raw]

    def image(self, raw: int) -> Pixels:
        """Read the file and resize its image."""
        image = read_image(self.file(raw), self.color, self.draft)
        return image if self.size is None else resize_image(image, *self.size)

    def file(self, raw: int) -> Path:
        """Return the image file of a line."""
        return Path(join_root(self.root, self.files[raw]))

    def where(self, raw: int) -> str:
        """Return the list and the line in it."""
        return f"{self.path}:{self.lines[raw]}"

    def serialize(self, raw: int, value: bytes) -> bytes:
        """Return the record of a line for a database, given the Datum of its image."""
        return value

    def close(self) -> None:
        """Nothing is open between reads."""

    def _keep(self, label: str) -> None:
        """Keep the second word of a line."""
        self.labels.append(int(label))

    def _parse(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise DataError(f"cannot read list '{self.path}': {error.strerror}") from error
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            match = self.line.fullmatch(line.strip())
            if match is None:
                raise DataError(
                    f"{self.path}:{number}: a line must be {self.needs}; "
                    f"given '{line.strip()[:80]}'"
                )
            self.files.append(match["path"])
            self.lines.append(number)
            self._keep(match["label"])
        if not self.files:
            raise DataError(f"list '{self.path}' is empty")


def usual_root(list_path: Path, first: str) -> str:
    """Return where relative paths begin: here, or at the list if only there the first is."""
    beside = list_path.parent / first
    return str(list_path.parent) if not os.path.exists(first) and beside.exists() else ""


def join_root(root: str, path: str) -> str:
    """Put root and path together; a path that begins with a slash stays below the root."""
    if not root or root.endswith("/") or path.startswith("/"):
        return root + path
    return f"{root}/{path}"

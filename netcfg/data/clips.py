"""Clips of films whose frames are image files in a folder each."""

import re
from pathlib import Path
from typing import ClassVar

import numpy as np

from netcfg.data.datum import Record
from netcfg.data.draws import Draws
from netcfg.data.image_list import join_root, usual_root
from netcfg.data.source import Source
from netcfg.errors import DataError, NetError
from netcfg.io.image import read_image, resize_image

LINE = re.compile(r"(?P<path>.*\S)[ \t]+(?P<frames>\d+)[ \t]+(?P<label>[-+]?\d+)")

_CLIP = 3
"""Which of a record's four random numbers decides where clips begin."""


class ClipList(Source):
    """Films named by a text file, ``folder frames label`` a line; a record has a clip of each part.

    A film is divided into ``segments`` parts of ⌊frames / segments⌋ frames. From each come
    ``length`` frames in a row, at a random place in ``draws``, else from its middle; where a part
    is shorter than a clip, all clips begin with the film. Frames are counted from 1 and stand one
    behind the other as channels.

    Args:
        path: the text file.
        pattern: how frames are called, in the style of printf: ``img_%05d.jpg``, or for optical
            flow ``flow_%c_%05d.jpg``, which is read for x and for y.
        flow: whether it is optical flow: two gray images for each frame.
        segments: parts of a film.
        length: frames of a clip.
        color: 3 channels or 1.
        root: put in front of every path.
        size: height and width that images are resized to, if any.
        shuffle: gives every epoch its order; None keeps that of the file.
        draws: for random clips.

    Raises:
        NetError: the pattern does not name frames.
        DataError: the list is empty, or a line is not as said.
    """

    heavy = True
    needs: ClassVar[str] = "a folder, the number of its frames and an integer label"

    def __init__(
        self,
        path: Path,
        pattern: str,
        *,
        flow: bool = False,
        segments: int = 1,
        length: int = 1,
        color: bool = True,
        root: str = "",
        size: tuple[int, int] | None = None,
        shuffle: Draws | None = None,
        draws: Draws | None = None,
    ) -> None:
        self.path, self.pattern, self.flow = path, pattern, flow
        self.segments, self.length, self.color, self.size = segments, length, color, size
        self.shuffle, self.draws = shuffle, draws
        try:
            self._names(1)
        except (TypeError, ValueError):
            sample = "flow_%c_%05d.jpg" if flow else "img_%05d.jpg"
            raise NetError(
                f"name_pattern must name frames, such as '{sample}'; given '{pattern}'"
            ) from None
        self.films = self._parse()
        self.root = root or usual_root(path, self.films[0][1])

    def __len__(self) -> int:
        return len(self.films)

    def read(self, start: int, count: int) -> list[tuple[int, int]]:
        """Return indices into the list, with positions."""
        size, found = len(self.films), []
        for p in range(start, start + count):
            film = int(self.shuffle.order(size, p // size)[p % size]) if self.shuffle else p % size
            found.append((film, p))
        return found

    def decode(self, raw: tuple[int, int]) -> Record:
        """Return the frames, (segments · length · channels, H, W), and the label."""
        film, position = raw
        _, folder, frames, label = self.films[film]
        planes = []
        for first in self.starts(frames, position):
            for i in range(self.length):
                for name in self._names(first + i + 1):
                    file = join_root(self.root, f"{folder}/{name}")
                    image = read_image(file, self.color and not self.flow)
                    planes.append(image if self.size is None else resize_image(image, *self.size))
        if any(plane.shape != planes[0].shape for plane in planes):
            raise DataError("the frames of a film must have one size")
        return np.concatenate(planes), label

    def starts(self, frames: int, position: int) -> list[int]:
        """Return how many frames stand before each clip.

        Args:
            frames: of the film.
            position: of the record; it decides what is random.
        """
        part = frames // self.segments
        room = part - self.length + 1
        if room < 1:
            return [0] * self.segments
        shifts = np.full(self.segments, room // 2)
        if self.draws is not None:
            seed = int(self.draws.numbers(position, 1)[0, _CLIP])
            shifts = np.random.default_rng(seed).integers(room, size=self.segments)
        return [i * part + int(shift) for i, shift in enumerate(shifts)]

    def where(self, raw: tuple[int, int]) -> str:
        """Return the list and the line in it."""
        return f"{self.path}:{self.films[raw[0]][0]}"

    def close(self) -> None:
        """Nothing is open between reads."""

    def _names(self, frame: int) -> list[str]:
        """Return the files of a frame, counted from 1."""
        if self.flow:
            return [self.pattern % (axis, frame) for axis in "xy"]
        return [self.pattern % frame]

    def _parse(self) -> list[tuple[int, str, int, int]]:
        try:
            text = self.path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise DataError(f"cannot read list '{self.path}': {error.strerror}") from error
        films = []
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            match = LINE.fullmatch(line.strip())
            if match is None:
                raise DataError(
                    f"{self.path}:{number}: a line must be {self.needs}; "
                    f"given '{line.strip()[:80]}'"
                )
            films.append((number, match["path"], int(match["frames"]), int(match["label"])))
        if not films:
            raise DataError(f"list '{self.path}' is empty")
        return films


class FrameList(ClipList):
    """Clips named by a text file, ``folder frame label`` a line: so many frames from that one on.

    As C3D has them; arguments are those of ``ClipList``.
    """

    needs = "a folder, the number of its first frame and an integer label"

    def starts(self, frames: int, position: int) -> list[int]:
        """Return how many frames stand before the clip; ``frames`` is the first one's number."""
        return [frames - 1]

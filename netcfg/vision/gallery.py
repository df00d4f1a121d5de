"""Pictures of results: annotated ones for detections, masks for segments, a sheet for classes."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from netcfg.errors import NetError
from netcfg.io.files import write_whole
from netcfg.vision.annotate import draw_boxes, mask_image, overlay
from netcfg.vision.classifier import Classifier
from netcfg.vision.detector import Detector
from netcfg.vision.pictures import Picture
from netcfg.vision.segmenter import Segmenter
from netcfg.vision.sheet import thumbnail, write_sheet
from netcfg.vision.task import THUMB, Record, Task

QUALITY = 90

MOST = 100
"""Bytes of a picture's name that the names of its results keep."""


class Gallery(ABC):
    """Pictures of the results of a run.

    Args:
        folder: where they go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def show(self, picture: Picture, result: Any, stem: str) -> Record:
        """Write pictures of a result, named after ``stem``, and return what its record needs."""

    def finish(self, records: Iterable[Record], count: int) -> None:
        """Write what shows all ``count`` results at once; by default nothing."""
        return

    def _save(self, image: Image.Image, name: str, kind: str) -> None:
        file = BytesIO()
        image.save(file, kind, quality=QUALITY)
        with write_whole(self.folder / name) as out:
            out.write(file.getvalue())


class Sheet(Gallery):
    """Thumbnails with classes and scores, in HTML."""

    def show(self, picture: Picture, result: Any, stem: str) -> Record:
        return {THUMB: thumbnail(picture)}

    def finish(self, records: Iterable[Record], count: int) -> None:
        write_sheet(self.folder, "netcfg classify", records, count)


class Boxes(Gallery):
    """Pictures with their boxes, names and scores."""

    def show(self, picture: Picture, result: Any, stem: str) -> Record:
        self._save(draw_boxes(picture, result), f"{stem}.jpg", "JPEG")
        return {}


class Masks(Gallery):
    """Masks as PNG with a palette, and pictures under the colours of their masks."""

    def show(self, picture: Picture, result: Any, stem: str) -> Record:
        self._save(mask_image(result.mask), f"{stem}.png", "PNG")
        self._save(overlay(picture, result.mask), f"{stem}_overlay.jpg", "JPEG")
        return {"mask": f"{stem}.png"}


def gallery(task: Task[Any], folder: Path) -> Gallery:
    """Return what shows the results of a task.

    Raises:
        NetError: nothing does.
    """
    for kind, cls in ((Classifier, Sheet), (Detector, Boxes), (Segmenter, Masks)):
        if isinstance(task, kind):
            return cls(folder)
    raise NetError("features have no pictures")


def stem_of(index: int, name: str) -> str:
    """Return a file name without ending for the pictures of an item; no two are alike.

    >>> stem_of(3, "a/b c.jpg")
    '000003_b_c'
    """
    plain = re.sub(r"[^\w-]+", "_", Path(name).stem).encode()[:MOST].decode(errors="ignore")
    return f"{index:06d}_{plain}"

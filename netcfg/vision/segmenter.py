"""Which class each pixel of a picture belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.engines.base import Engine
from netcfg.errors import NetError
from netcfg.io.image import resize_image
from netcfg.vision.labels import name_of
from netcfg.vision.model import Arrays, Model, Source
from netcfg.vision.outline import Outline
from netcfg.vision.preprocess import Floats
from netcfg.vision.settings import Settings
from netcfg.vision.stream import Frame
from netcfg.vision.task import Batch, Column, Record, Task
from netcfg.zoo.card import Card

Mask: TypeAlias = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Segmentation:
    """The class of each pixel, (H, W), and the share of the pixels that each class has."""

    mask: Mask
    shares: Floats


class Segmenter(Task[Segmentation]):
    """Tells the class of each pixel: the one whose score, resized to the picture, is largest.

    Args:
        source: a prototxt, a folder with a card, ``zoo:NAME``, or a net.
        settings: weights, and how pictures are prepared.
        blob: that holds the scores; the card's, or the net's only output, where empty.
        engine: where the net runs.
        batch, workers: as ``Task`` takes them.

    Raises:
        NetError: something is missing, or does not fit.
    """

    columns = (Column("width", "int"), Column("height", "int"), Column("share", "float"))

    def __init__(
        self,
        source: Source,
        settings: Settings | None = None,
        *,
        blob: str = "",
        engine: Engine | None = None,
        batch: Batch = "auto",
        workers: int | None = None,
    ) -> None:
        def choose(outline: Outline, card: Card | None) -> list[str]:
            name = blob or (card.output.blob if card else "")
            return [outline.check(name or outline.only("scores"))]

        super().__init__(Model(source, settings or Settings(), choose, engine), batch, workers)
        whole(self.model)

    def identity(self) -> dict[str, str]:
        return {**super().identity(), "options": f"blob {self.model.blobs}"}

    def results(self, frames: Sequence[Frame], outputs: Arrays) -> list[Segmentation]:
        values = outputs[self.model.blobs[0]]
        if values.ndim != 4 or len(values) != len(frames) or values.shape[1] < 2:
            raise NetError(
                f"blob '{self.model.blobs[0]}' must hold scores (N, classes, H, W) of "
                f"{len(frames)} pictures and at least 2 classes; given {values.shape}"
            )
        return [_segment(scores, f) for scores, f in zip(values, frames, strict=True)]

    def record(self, result: Segmentation) -> Record:
        height, width = result.mask.shape
        return {"width": width, "height": height, "classes": self._classes(result.shares)}

    def _classes(self, shares: Floats) -> list[Record]:
        labels = self.model.labels
        return [
            {"label": k, "name": name_of(labels, k), "share": round(float(share), 6)}
            for k, share in enumerate(shares)
        ]

    def rows(self, record: Record) -> list[Record]:
        shares = [one["share"] for one in record["classes"]]
        return [{"width": record["width"], "height": record["height"], "share": shares}]


def whole(model: Model) -> None:
    """Refuse settings that show a net less than the whole picture, or show it several times.

    Raises:
        NetError: there is a crop.
    """
    plan = model.preprocess
    if plan.oversample or (plan.size and (plan.keep_aspect or plan.canvas != plan.size)):
        raise NetError(
            "places are told in the whole picture, so the net must see all of it: leave out "
            "--resize, --keep-aspect and --oversample, and set its input with --size"
        )


def _segment(scores: np.ndarray, frame: Frame) -> Segmentation:
    """Return the largest of resized scores (K, h, w), a class at a time."""
    size = frame.height, frame.width
    best = resize_image(scores[0].astype(np.float32), *size)
    mask = np.zeros(size, np.uint16)
    for k, plane in enumerate(scores[1:], 1):
        values = resize_image(plane.astype(np.float32), *size)
        mask[values > best] = k
        np.maximum(best, values, out=best)
    counts = np.bincount(mask.ravel(), minlength=len(scores))
    return Segmentation(mask, (counts / mask.size).astype(np.float32))

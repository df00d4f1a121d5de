"""Where things are in a picture, and what they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netcfg.engines.base import Engine
from netcfg.vision.boxes import FILE, Decoding, read_decoding
from netcfg.vision.heads import Head, find_head
from netcfg.vision.labels import name_of, with_background
from netcfg.vision.model import Arrays, Model, Source
from netcfg.vision.outline import Outline
from netcfg.vision.segmenter import whole
from netcfg.vision.settings import Settings
from netcfg.vision.stream import Frame
from netcfg.vision.task import Batch, Column, Record, Task
from netcfg.zoo.card import Card

THRESHOLD = 0.5


@dataclass(frozen=True)
class Box:
    """A thing that was found.

    Attributes:
        label: its class; 0 is the background.
        name: of the class, its number where no name is known.
        score: 0 to 1.
        corners: x1, y1, x2, y2 in pixels of the picture.
    """

    label: int
    name: str
    score: float
    corners: tuple[float, float, float, float]


@dataclass(frozen=True)
class Detection:
    """The boxes of a picture, best first, and its size."""

    width: int
    height: int
    boxes: tuple[Box, ...]


class Detector(Task[Detection]):
    """Finds things in pictures.

    Args:
        source: a prototxt, a folder with a card, ``zoo:NAME``, or a net.
        settings: weights, and how pictures are prepared.
        blob: that holds rows (image, label, score, x1, y1, x2, y2); found where empty.
        decoding: of raw boxes, or the file that says it; ``decode.toml`` of the model's folder
            where None.
        threshold: least score.
        nms: greatest intersection over union of two boxes of a class, for nets that do not choose
            boxes themselves.
        engine: where the net runs.
        batch, workers: as ``Task`` takes them.

    Raises:
        NetError: something is missing, or does not fit.
    """

    columns = (
        Column("label", "int"),
        Column("name", "text"),
        Column("score", "float"),
        *(Column(edge, "float") for edge in ("x1", "y1", "x2", "y2")),
    )

    def __init__(
        self,
        source: Source,
        settings: Settings | None = None,
        *,
        blob: str = "",
        decoding: Decoding | str | Path | None = None,
        threshold: float = THRESHOLD,
        nms: float | None = None,
        engine: Engine | None = None,
        batch: Batch = "auto",
        workers: int | None = None,
    ) -> None:
        self._head: Head
        if isinstance(decoding, str | Path):
            decoding = read_decoding(decoding)

        def choose(outline: Outline, card: Card | None) -> list[str]:
            found = decoding
            if found is None and card is not None and (card.folder / FILE).is_file():
                found = read_decoding(card.folder / FILE)
            self._head = find_head(outline, found, blob, threshold, nms)
            return self._head.blobs

        super().__init__(Model(source, settings or Settings(), choose, engine), batch, workers)
        whole(self.model)
        self._labels = with_background(self.model.labels)

    def identity(self) -> dict[str, str]:
        head = vars(self._head)
        return {**super().identity(), "options": f"{type(self._head).__name__} {head}"}

    def results(self, frames: Sequence[Frame], outputs: Arrays) -> list[Detection]:
        tables = self._head.rows(outputs, frames)
        return [
            Detection(f.width, f.height, tuple(self._box(row) for row in table.tolist()))
            for f, table in zip(frames, tables, strict=True)
        ]

    def _box(self, row: list[float]) -> Box:
        label, score, x1, y1, x2, y2 = row
        return Box(int(label), name_of(self._labels, int(label)), score, (x1, y1, x2, y2))

    def record(self, result: Detection) -> Record:
        boxes = [
            {
                "label": box.label,
                "name": box.name,
                "score": round(box.score, 6),
                "box": [round(x, 2) for x in box.corners],
            }
            for box in result.boxes
        ]
        return {"width": result.width, "height": result.height, "boxes": boxes}

    def rows(self, record: Record) -> list[Record]:
        edges = ("x1", "y1", "x2", "y2")
        return [
            {key: one[key] for key in ("label", "name", "score")}
            | dict(zip(edges, one["box"], strict=True))
            for one in record["boxes"]
        ]

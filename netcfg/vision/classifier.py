"""Which class a picture belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netcfg.engines.base import Engine
from netcfg.errors import NetError
from netcfg.vision.labels import name_of
from netcfg.vision.model import Arrays, Model, Source
from netcfg.vision.outline import Outline
from netcfg.vision.preprocess import CROPS, Floats
from netcfg.vision.settings import Settings
from netcfg.vision.stream import Frame
from netcfg.vision.task import Batch, Column, Record, Task
from netcfg.zoo.card import Card


@dataclass(frozen=True)
class Prediction:
    """A class, its name (its number where none is known) and its score."""

    label: int
    name: str
    score: float


@dataclass(frozen=True)
class Classification:
    """The best classes of a picture, best first, and the scores of all."""

    top: tuple[Prediction, ...]
    scores: Floats


class Classifier(Task[Classification]):
    """Tells the best classes of pictures.

    Args:
        source: a prototxt, a folder with a card, ``zoo:NAME``, or a net.
        settings: weights, and how pictures are prepared.
        blob: that holds the scores; the card's, or the net's only output, where empty.
        top: how many classes are told.
        logits: take what goes into the last Softmax in place of what comes out.
        every: whether records hold the scores of all classes.
        engine: where the net runs.
        batch, workers: as ``Task`` takes them.

    Raises:
        NetError: something is missing, or does not fit.
    """

    def __init__(
        self,
        source: Source,
        settings: Settings | None = None,
        *,
        blob: str = "",
        top: int = 5,
        logits: bool = False,
        every: bool = False,
        engine: Engine | None = None,
        batch: Batch = "auto",
        workers: int | None = None,
    ) -> None:
        def choose(outline: Outline, card: Card | None) -> list[str]:
            name = outline.check(
                blob or (card.output.blob if card else "") or outline.only("scores")
            )
            return [_logits(outline, name) if logits else name]

        super().__init__(Model(source, settings or Settings(), choose, engine), batch, workers)
        self._top, self._every, self._logits = top, every, logits
        columns = [
            Column("label", "int", 1),
            Column("name", "text", 1),
            Column("score", "float", 1),
        ]
        self.columns = [*columns, Column("scores", "float")] if every else columns

    def identity(self) -> dict[str, str]:
        options = f"{self.model.blobs} top {self._top} scores {self._every}"
        return {**super().identity(), "options": options}

    def results(self, frames: Sequence[Frame], outputs: Arrays) -> list[Classification]:
        scores = self._scores(outputs[self.model.blobs[0]], len(frames))
        best = np.argsort(-scores, axis=1, kind="stable")[:, : self._top]
        return [
            Classification(tuple(self._prediction(row, int(k)) for k in order), row)
            for row, order in zip(scores, best, strict=True)
        ]

    def _scores(self, values: np.ndarray, pictures: int) -> Floats:
        """Return (pictures, classes), the mean over views and places."""
        views = CROPS if self.model.preprocess.oversample else 1
        if not values.ndim or len(values) != pictures * views:
            raise NetError(
                f"blob '{self.model.blobs[0]}' must have a row for each picture, "
                f"({pictures * views}, classes); given {values.shape}"
            )
        values = values.reshape(pictures, views, values.shape[1], -1)
        scores: Floats = values.astype(np.float32).mean(axis=(1, 3))
        return scores

    def _prediction(self, scores: Floats, k: int) -> Prediction:
        return Prediction(k, name_of(self.model.labels, k), float(scores[k]))

    def record(self, result: Classification) -> Record:
        found: Record = {
            "top": [{"label": p.label, "name": p.name, "score": p.score} for p in result.top]
        }
        return {**found, "scores": result.scores} if self._every else found

    def rows(self, record: Record) -> list[Record]:
        row = {key: [p[key] for p in record["top"]] for key in ("label", "name", "score")}
        return [{**row, "scores": record["scores"]} if self._every else row]


def _logits(outline: Outline, name: str) -> str:
    """Return the bottom of the Softmax that writes a blob; other blobs stay as they are."""
    layer = outline.writer(name)
    if layer.type != "Softmax":
        return name
    if layer.bottom[0] == name:
        raise NetError(
            f"layer '{layer.name}' (Softmax) writes its output over its input '{name}', which "
            "--logits would take; give its top a name of its own"
        )
    return layer.bottom[0]

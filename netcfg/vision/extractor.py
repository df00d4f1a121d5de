"""What blobs of a net hold for a picture."""

from collections.abc import Sequence

import numpy as np

from netcfg.engines.base import Engine
from netcfg.errors import NetError
from netcfg.vision.model import Arrays, Model, Source
from netcfg.vision.outline import Outline
from netcfg.vision.preprocess import CROPS, Floats
from netcfg.vision.settings import Settings
from netcfg.vision.stream import Frame
from netcfg.vision.task import TAKEN, Batch, Column, Record, Task
from netcfg.zoo.card import Card


class FeatureExtractor(Task[dict[str, Floats]]):
    """Takes blobs, an array for each picture.

    Args:
        source: a prototxt, a folder with a card, ``zoo:NAME``, or a net.
        settings: weights, and how pictures are prepared.
        blobs: their names; the card's, or the net's only output, where there are none.
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
        blobs: Sequence[str] = (),
        engine: Engine | None = None,
        batch: Batch = "auto",
        workers: int | None = None,
    ) -> None:
        def choose(outline: Outline, card: Card | None) -> list[str]:
            names = list(blobs) or [(card.output.blob if card else "") or outline.only("features")]
            return [outline.check(name) for name in names]

        super().__init__(Model(source, settings or Settings(), choose, engine), batch, workers)
        self.columns = [Column(column(name), "float") for name in self.model.blobs]

    def identity(self) -> dict[str, str]:
        return {**super().identity(), "options": f"blobs {self.model.blobs}"}

    def results(self, frames: Sequence[Frame], outputs: Arrays) -> list[dict[str, Floats]]:
        found: list[dict[str, Floats]] = [{} for _ in frames]
        views = CROPS if self.model.preprocess.oversample else 1
        for name, values in outputs.items():
            if not values.ndim or len(values) != len(frames) * views:
                raise NetError(
                    f"blob '{name}' must have a row for each picture, {len(frames) * views}; "
                    f"given {values.shape}"
                )
            rows = values.reshape(len(frames), views, *values.shape[1:]).mean(axis=1)
            for own, row in zip(found, rows, strict=True):
                own[name] = np.ascontiguousarray(row, np.float32)
        return found

    def record(self, result: dict[str, Floats]) -> Record:
        return {column(name): value for name, value in result.items()}

    def rows(self, record: Record) -> list[Record]:
        return [{c.name: record[c.name] for c in self.columns}]


def column(blob: str) -> str:
    """Return the name of the column of a blob, another one where records have that already.

    >>> column("fc7"), column("image")
    ('fc7', 'image_blob')
    """
    return f"{blob}_blob" if blob in TAKEN else blob

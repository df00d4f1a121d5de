"""A feed makes batch after batch of a source and a transform."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from netcfg.data.datum import Image, Record
from netcfg.data.draws import Draws
from netcfg.data.source import Raw, Source
from netcfg.data.transform import Transform
from netcfg.errors import DataError
from netcfg.types import Shape


@dataclass
class Batch:
    """Arrays of a batch, and the records that could not be used: where and why."""

    arrays: tuple[npt.NDArray[np.float32], ...]
    bad: list[tuple[str, str]] = field(default_factory=list)


class Feed:
    """Batch ``k`` holds records k·N … (k + 1)·N - 1 of the source, transformed.

    It is a function of ``k`` alone, for any number of threads.

    Args:
        source: where records come from.
        transform: what is done to each.
        size: N, records per batch.
        draws: the random numbers of the layer.
        skip: records passed over at the start.
        tolerate: how many unreadable records may be replaced by the next good one.
    """

    def __init__(
        self,
        source: Source,
        transform: Transform,
        size: int,
        draws: Draws,
        *,
        skip: int = 0,
        tolerate: int = 0,
    ) -> None:
        self.source = source
        self.transform = transform
        self.size = size
        self.draws = draws
        self.skip = skip
        self.tolerate = tolerate

    def __len__(self) -> int:
        return len(self.source)

    def shape(self) -> Shape:
        """Return the shape of the first batch of images.

        Raises:
            DataError: no record at the beginning can be read.
        """
        batch = Batch(())
        image, _ = self._record(self.skip, self.source.read(self.skip, 1)[0], None, batch)
        return (self.size, *self.transform.shape(image.shape))

    def __call__(self, k: int) -> Batch:
        """Return batch ``k``: images (N, C, H, W) and labels (N,).

        Raises:
            DataError: a record is damaged or its shape differs from that of the others.
        """
        start = self.skip + k * self.size
        batch = Batch(())
        images: list[Image] = []
        labels: list[int] = []
        for i, raw in enumerate(self.source.read(start, self.size)):
            like = images[0].shape if images else None
            image, label = self._record(start + i, raw, like, batch)
            images.append(image)
            labels.append(label)
        numbers = self.draws.numbers(start, self.size) if self.transform.random else None
        batch.arrays = (self.transform(images, numbers), np.array(labels, np.float32))
        return batch

    def _record(self, position: int, raw: Raw, like: Shape | None, batch: Batch) -> Record:
        """Decode a record, or the next good one where some may be passed over."""
        for ahead in range(1, self.tolerate + 2):
            try:
                record = self.source.decode(raw)
                if record[0].shape != like:
                    self._check(record[0].shape, like)
                return record
            except DataError as error:
                where = self.source.where(raw)
                if not self.tolerate:
                    raise DataError(f"{where}: {error}") from error
                batch.bad.append((where, str(error)))
            raw = self.source.read(position + ahead, 1)[0]
        raise DataError(
            f"{batch.bad[-1][0]}: {batch.bad[-1][1]}; more than the {self.tolerate} records "
            "that skip_bad_data passes over cannot be used"
        )

    def _check(self, shape: Shape, like: Shape | None) -> None:
        """Refuse an image that the transform cannot take or that would not fit the batch."""
        mine = self.transform.shape(shape)
        if like is not None and mine != self.transform.shape(like):
            raise DataError(
                f"the image has shape {shape}, the first of the batch {like}; images of one batch "
                "must have one shape (crop_size, or batch_size 1)"
            )

    def close(self) -> None:
        """Close the files of the source; no batch may be asked for any more."""
        self.source.close()

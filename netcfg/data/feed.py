"""A feed makes batch after batch of a source and a transform."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.data.augment import Augmentation
from netcfg.data.datum import Image, Labels, Record
from netcfg.data.draws import Draws
from netcfg.data.pixels import Cut
from netcfg.data.source import Raw, Source
from netcfg.data.transform import Images, Transform
from netcfg.errors import DataError
from netcfg.types import Shape

LOOKED_AT = 8
"""Images that tell whether all have one size."""


@dataclass
class Batch:
    """Arrays of a batch.

    Attributes:
        arrays: images or what else there is, and labels.
        bad: records that could not be used: where and why.
        cuts: of images that are bytes still, all of one shape: what to take of them when the
            transform is applied; None where it has been.
    """

    arrays: tuple[npt.NDArray[Any], ...]
    bad: list[tuple[str, str]] = field(default_factory=list)
    cuts: list[Cut] | None = None


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
        augment: what is done to each image before the transform.

    Attributes:
        deferred: whether somebody else applies the transform where images are bytes of one shape,
            and no more of them than floats would be.
    """

    deferred = False

    def __init__(
        self,
        source: Source,
        transform: Transform,
        size: int,
        draws: Draws,
        *,
        skip: int = 0,
        tolerate: int = 0,
        augment: Augmentation | None = None,
    ) -> None:
        self.source = source
        self.transform = transform
        self.size = size
        self.draws = draws
        self.skip = skip
        self.tolerate = tolerate
        self.augment = augment

    def __len__(self) -> int:
        return len(self.source)

    def shape(self) -> Shape:
        """Return the shape of the first batch of images.

        Raises:
            DataError: no record at the beginning can be read.
        """
        batch = Batch(())
        image, _ = self._record(self.skip, self.source.read(self.skip, 1)[0], None, batch, 0)
        return (self.size, *self.transform.shape(image.shape))

    def common_size(self) -> Shape:
        """Return height and width of images before they are cut; empty where the first differ."""
        try:
            raws = self.source.read(self.skip, LOOKED_AT)
            sizes = {self.source.decode(raw)[0].shape[1:] for raw in raws}
        except DataError:
            return ()
        return sizes.pop() if len(sizes) == 1 else ()

    def __call__(self, k: int) -> Batch:
        """Return batch ``k``: images (N, C, H, W) and labels (N,).

        Raises:
            DataError: a record is damaged or its shape differs from that of the others.
        """
        start = self.skip + k * self.size
        batch = Batch(())
        with self.source.lend(start, self.size) as raws:
            images, labels = self._alike(raws) or self._one_by_one(start, raws, batch, k)
            numbers = self.draws.numbers(start, self.size) if self.transform.random else None
            cuts = self.transform.cuts(images, numbers)
            if self._defers(images):
                batch.cuts, first = cuts, np.array(images)
            else:
                first = self.transform.apply(images, cuts)
            batch.arrays = (first, np.array(labels, np.float32))
        return batch

    def finished(self, batch: Batch) -> tuple[npt.NDArray[Any], ...]:
        """Return the arrays of a batch after the transform, where it has been put off."""
        if batch.cuts is None:
            return batch.arrays
        return (self.transform.apply(batch.arrays[0], batch.cuts), *batch.arrays[1:])

    def _defers(self, images: Images) -> bool:
        """Return whether the transform is left to somebody else."""
        if not self.deferred or self.transform.flow:
            return False
        first = images[0]
        pixels = math.prod(self.transform.shape(first.shape))
        few = first.size <= pixels * np.dtype(np.float32).itemsize
        if isinstance(images, np.ndarray):
            return few and images.dtype == np.uint8
        return few and all(x.dtype == np.uint8 and x.shape == first.shape for x in images)

    def _alike(self, raws: Sequence[Raw]) -> tuple[Image, Labels] | None:
        """Decode a whole batch at once, where its records allow that and are good."""
        found = None if self.augment else self.source.decode_alike(raws)
        try:
            return found if found and self.transform.shape(found[0].shape[1:]) else None
        except DataError:
            return None

    def _one_by_one(
        self, start: int, raws: Sequence[Raw], batch: Batch, k: int
    ) -> tuple[list[Image], list[int]]:
        images: list[Image] = []
        labels: list[int] = []
        for i, raw in enumerate(raws):
            like = images[0].shape if images else None
            image, label = self._record(start + i, raw, like, batch, k)
            images.append(image)
            labels.append(label)
        return images, labels

    def _record(self, position: int, raw: Raw, like: Shape | None, batch: Batch, k: int) -> Record:
        """Decode a record, or the next good one where some may be passed over."""
        for ahead in range(1, self.tolerate + 2):
            try:
                record = self._changed(self.source.decode(raw), position, k)
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

    def _changed(self, record: Record, position: int, k: int) -> Record:
        if self.augment is None:
            return record
        rng = self.draws.generator(position)
        resize = self.augment.choose(k, self.draws)
        return self.augment(record[0], rng, resize=resize)[0], record[1]

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

"""One image a batch with the objects in it, scaled as Faster R-CNN trains on them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from netcfg.data.annotated import Sample, decode_annotated
from netcfg.data.database import Database
from netcfg.data.draws import Draws
from netcfg.data.feed import Batch
from netcfg.data.objects import BOX, LABEL, mirrored
from netcfg.errors import DataError
from netcfg.io.image import resize_image
from netcfg.types import Shape

Values = npt.NDArray[np.float32]


class RegionFeed:
    """Batch ``k`` is an image, (height, width, scale) and its objects; a function of ``k`` alone.

    Images without objects are passed over: the next in order takes their place.

    Args:
        source: a database of AnnotatedDatum records.
        draws: the random numbers of the layer.
        classes: number of classes, the background, 0, included.
        scales: lengths of the shorter side in pixels, of which each image takes one by chance.
        longest: pixels that the longer side has at most.
        means: value of each channel that is taken away.
        train: give every epoch another order; else records come as they stand.
        flipped: show every image mirrored as well, once an epoch each.
    """

    def __init__(
        self,
        source: Database,
        draws: Draws,
        *,
        classes: int,
        scales: Sequence[int],
        longest: int,
        means: Sequence[float],
        train: bool = True,
        flipped: bool = True,
    ) -> None:
        self.source, self.draws, self.classes = source, draws, classes
        self.scales, self.longest = scales, longest
        self.means = np.array(means, np.float32)
        self.train, self.flipped = train, flipped

    def __len__(self) -> int:
        """Return how many images an epoch has."""
        return len(self.source) * (2 if self.flipped else 1)

    def shapes(self) -> tuple[Shape, Shape, Shape]:
        """Return the shapes of the first batch's arrays.

        Raises:
            DataError: its record cannot be used.
        """
        data, info, boxes = (array.shape for array in self(0).arrays)
        return data, info, boxes

    def __call__(self, k: int) -> Batch:
        """Return batch ``k``: image (1, C, H, W), (height, width, scale) (1, 3), and objects
        (G, 5), rows (x1, y1, x2, y2, class) in pixels of which the last belongs to the object.

        Raises:
            DataError: the record is damaged, an object has another class, no image has objects.
        """
        epoch, place = divmod(k, len(self))
        order = self.draws.order(len(self), epoch) if self.train else np.arange(len(self))
        for ahead in range(len(self)):
            turn, record = divmod(int(order[(place + ahead) % len(self)]), len(self.source))
            sample = self._sample(record)
            if len(sample.objects):
                return self._batch(
                    sample, self.scales[self.draws.choice(k, len(self.scales))], turn
                )
        raise DataError(f"no image of '{self.source.path}' has objects")

    def _sample(self, record: int) -> Sample:
        """Return a record, its objects checked."""
        raw = self.source.read(record, 1)[0]
        try:
            sample = decode_annotated(raw[1], self.source.color)
            labels = sample.objects[:, LABEL]
            wrong = labels[(labels < 1) | (labels >= self.classes)]
            if len(wrong):
                raise DataError(
                    f"classes of objects must lie in [1, {self.classes}), 0 is the background; "
                    f"given {wrong[0]:g}"
                )
            if len(self.means) not in (1, len(sample.image)):
                raise DataError(
                    f"pixel_means must be one, or one for each of the {len(sample.image)} "
                    f"channels; given {len(self.means)}"
                )
        except DataError as error:
            raise DataError(f"{self.source.where(raw)}: {error}") from error
        return sample

    def _batch(self, sample: Sample, shorter: int, turned: int) -> Batch:
        """Return an image, mirrored or not, with its shorter side of that many pixels."""
        image = sample.image.astype(np.float32) - self.means[:, None, None]
        objects = sample.objects
        if turned:
            image, objects = image[:, :, ::-1], mirrored(objects)
        height, width = image.shape[1:]
        scale = shorter / min(height, width)
        if round(scale * max(height, width)) > self.longest:
            scale = self.longest / max(height, width)
        size = max(1, round(scale * height)), max(1, round(scale * width))
        data: Values = resize_image(np.ascontiguousarray(image), *size)
        corners = objects[:, BOX] * [width, height, width, height] - [0, 0, 1, 1]
        boxes = np.column_stack([corners * scale, objects[:, LABEL]]).astype(np.float32)
        return Batch((data[None], np.array([[*size, scale]], np.float32), boxes))

    def close(self) -> None:
        """Close the database; no batch may be asked for any more."""
        self.source.close()

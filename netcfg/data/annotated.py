"""AnnotatedDatum, SSD's record of an image with objects, and batches of such records."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from netcfg.data.augment import Augmentation
from netcfg.data.database import Database
from netcfg.data.datum import Image, decode_datum
from netcfg.data.draws import Draws
from netcfg.data.feed import Batch
from netcfg.data.objects import (
    BOX,
    COLUMNS,
    DIFFICULT,
    INSTANCE,
    LABEL,
    NONE,
    Objects,
    mirrored,
    project,
)
from netcfg.data.pixels import Cut
from netcfg.data.source import Raw
from netcfg.data.transform import Transform
from netcfg.errors import DataError
from netcfg.netcfg_pb2 import AnnotatedDatum, Datum, NormalizedBBox
from netcfg.types import Shape

ROW = 1 + COLUMNS
"""Length of a row of labels: the image's place in the batch, then the object."""

MOST = 300
"""Objects of an image in YOLO's labels."""


@dataclass
class Sample:
    """A record: its image, the objects in it, its label, and whether it says that it has boxes."""

    image: Image
    objects: Objects
    label: int
    boxed: bool


def decode_annotated(data: bytes, color: bool | None = None) -> Sample:
    """Decode a serialized AnnotatedDatum.

    Args:
        data: the value of a record.
        color: as for ``decode_datum``.

    Raises:
        DataError: it is no AnnotatedDatum, or its image is damaged.
    """
    try:
        record = AnnotatedDatum.FromString(data)
    except DecodeError:
        record = AnnotatedDatum()
    if not record.HasField("datum"):
        raise DataError(
            "the record is no AnnotatedDatum with an image; `netcfg convert-annoset` makes "
            "databases of them"
        )
    image, label = decode_datum(record.datum.SerializeToString(), color)
    rows = [
        (group.group_label, annotation.instance_id, *_box(annotation.bbox))
        for group in record.annotation_group
        for annotation in group.annotation
    ]
    objects = np.array(rows, np.float32).reshape(-1, COLUMNS)
    return Sample(image, objects, label, record.HasField("type"))


def encode_annotated(datum: Datum, objects: Objects) -> bytes:
    """Serialize an image with its objects, in groups of one class each."""
    record = AnnotatedDatum(datum=datum, type=AnnotatedDatum.BBOX)
    for label in np.unique(objects[:, LABEL]):
        group = record.annotation_group.add(group_label=int(label))
        for row in objects[objects[:, LABEL] == label]:
            xmin, ymin, xmax, ymax = row[BOX].tolist()
            box = NormalizedBBox(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
            box.difficult = bool(row[DIFFICULT])
            group.annotation.add(instance_id=int(row[INSTANCE]), bbox=box)
    return record.SerializeToString()


def _box(box: NormalizedBBox) -> tuple[float, float, float, float, bool]:
    return box.xmin, box.ymin, box.xmax, box.ymax, box.difficult


class AnnotatedFeed:
    """Batch ``k`` holds records k·N … (k + 1)·N - 1 of a database; a function of ``k`` alone.

    Args:
        source: the database.
        augment: what is done to each image and its objects.
        transform: the crop, mirror, mean and scale after it.
        size: N, records per batch.
        draws: the random numbers of the layer.
        skip: records passed over at the start.
        tolerate: how many unreadable records may be replaced by the next good one.
        boxes: take all records as ones of boxes; else the first record decides for all.
        classes: labels that objects may have; any where None.
        yolo: make labels as YOLO's losses read them.
    """

    def __init__(
        self,
        source: Database,
        augment: Augmentation,
        transform: Transform,
        size: int,
        draws: Draws,
        *,
        skip: int = 0,
        tolerate: int = 0,
        boxes: bool = False,
        classes: frozenset[int] | None = None,
        yolo: bool = False,
    ) -> None:
        self.source, self.augment, self.transform = source, augment, transform
        self.size, self.draws, self.skip, self.tolerate = size, draws, skip, tolerate
        self.boxes, self.classes, self.yolo = boxes, classes, yolo
        self.boxed: bool | None = True if boxes else None

    def __len__(self) -> int:
        return len(self.source)

    def shapes(self) -> tuple[Shape, Shape]:
        """Return the shapes of the first batch's images and labels.

        Raises:
            DataError: a record at the beginning cannot be read.
        """
        first = self._sample(self.skip, self.source.read(self.skip, 1)[0], 0, None, Batch(()))
        self.boxed = first.boxed
        images = (self.size, *self.transform.shape(first.image.shape))
        return images, self(0).arrays[1].shape

    def __call__(self, k: int) -> Batch:
        """Return batch ``k``: images (N, C, H, W) and objects (1, 1, n, 8), a row of -1 if there
        are none, or for YOLO (N, 1, 300, 5); or labels (N,) where records have no boxes.

        Raises:
            DataError: a record is damaged or its shape differs from that of the others.
        """
        start, batch, samples = self.skip + k * self.size, Batch(()), list[Sample]()
        resize = self.augment.choose(k, self.draws)
        for position, raw in enumerate(self.source.read(start, self.size), start):
            like = samples[0].image.shape if samples else None
            samples.append(self._sample(position, raw, resize, like, batch))
        images = [sample.image for sample in samples]
        numbers = self.draws.numbers(start, self.size) if self.transform.random else None
        cuts = self.transform.cuts(images, numbers)
        data = self.transform.apply(images, cuts)
        if samples[0].boxed:
            shown = [
                self._shown(sample, cuts[i] if cuts else None, resize)
                for i, sample in enumerate(samples)
            ]
            batch.arrays = data, _yolo_labels(shown) if self.yolo else _labels(shown)
        else:
            batch.arrays = data, np.array([sample.label for sample in samples], np.float32)
        return batch

    def _sample(
        self, position: int, raw: Raw, resize: int, like: Shape | None, batch: Batch
    ) -> Sample:
        """Read a record, or the next good one where some may be passed over."""
        for ahead in range(1, self.tolerate + 2):
            try:
                return self._changed(raw, self.draws.generator(position), resize, like)
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

    def _changed(
        self, raw: Raw, rng: np.random.Generator, resize: int, like: Shape | None
    ) -> Sample:
        """Decode a record and change it as the layer says."""
        sample = decode_annotated(raw[1], self.source.color)
        sample.boxed |= self.boxes
        if self.boxed is not None and sample.boxed != self.boxed:
            raise DataError("records with boxes and records without are mixed")
        self._check_classes(sample.objects)
        objects = sample.objects if sample.boxed else NONE
        sample.image, sample.objects = self.augment(sample.image, rng, objects, resize)
        mine = self.transform.shape(sample.image.shape)
        if like is not None and mine != self.transform.shape(like):
            raise DataError(
                f"the image has shape {sample.image.shape}, the first of the batch {like}; images "
                "of one batch must have one shape (resize_param, a crop, or batch_size 1)"
            )
        return sample

    def _check_classes(self, objects: Objects) -> None:
        if self.classes is None:
            return
        unknown = set(objects[:, LABEL].astype(int).tolist()) - self.classes
        if unknown:
            known = ", ".join(map(str, sorted(self.classes)[:30]))
            raise DataError(
                f"an object has label {min(unknown)}, which label_map_file lacks; it has {known}"
            )

    def _shown(self, sample: Sample, cut: Cut | None, resize: int) -> Objects:
        """Return the objects in what the transform takes of an image."""
        _, height, width = sample.image.shape
        top, bottom, left, right, turned = cut or (0, height, 0, width, False)
        part = np.array([left, top, right, bottom], np.float32)
        part /= np.array([width, height, width, height], np.float32)
        objects = project(sample.objects, part, self.augment.emit)
        objects = mirrored(objects) if turned else objects
        if self.augment.resizes:
            size = bottom - top, right - left
            objects = self.augment.resizes[resize].rescaled(objects, size)
        return objects

    def close(self) -> None:
        """Close the database; no batch may be asked for any more."""
        self.source.close()


def _labels(shown: list[Objects]) -> npt.NDArray[np.float32]:
    """Return the objects of all images as (1, 1, n, 8), a row of -1 where there are none."""
    rows = [np.insert(objects, 0, i, axis=1) for i, objects in enumerate(shown)]
    labels = np.concatenate(rows)
    return (labels if len(labels) else np.full((1, ROW), -1, np.float32))[None, None]


def _yolo_labels(shown: list[Objects]) -> npt.NDArray[np.float32]:
    """Return the objects of each image as (N, 1, 300, 5): class, middle, size; then zeros.

    Classes count from 0, for YOLO has no background; difficult objects are left out.

    Raises:
        DataError: an image has more objects.
    """
    labels = np.zeros((len(shown), 1, MOST, 5), np.float32)
    inside = np.nextafter(np.float32(1), np.float32(0))  # a middle must not round to the edge
    for n, objects in enumerate(shown):
        easy = objects[objects[:, DIFFICULT] == 0]
        if len(easy) > MOST:
            raise DataError(f"an image has {len(easy)} objects; YOLO's labels hold {MOST}")
        low, high = easy[:, BOX][:, :2], easy[:, BOX][:, 2:]
        rows = labels[n, 0, : len(easy)]
        rows[:, 0] = easy[:, LABEL] - 1
        rows[:, 1:3] = np.minimum((low + high) / 2, inside)
        rows[:, 3:] = high - low
    return labels

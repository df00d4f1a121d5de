"""What the outputs of detectors mean, by their kind."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from netcfg.errors import NetError
from netcfg.layers.anchors import decode
from netcfg.vision.batch_size import is_rows
from netcfg.vision.boxes import Decoding, Rows, best_boxes
from netcfg.vision.model import Arrays
from netcfg.vision.outline import Outline
from netcfg.vision.stream import Frame

ROWS = ("DetectionOutput", "YoloDetectionOutput", "Yolov3DetectionOutput")
"""Layers that write rows (image, label, score, x1, y1, x2, y2)."""

REGION_NMS = 0.3
"""Greatest intersection over union of two boxes of a class, as Faster R-CNN is tested."""


class Head(ABC):
    """Turns outputs of a net into boxes of each picture, in its pixels.

    Attributes:
        blobs: what it needs of the net.
        threshold: least score of a box.
        nms: greatest intersection over union of two boxes of a class; None for its own.
    """

    def __init__(self, blobs: Sequence[str], threshold: float, nms: float | None) -> None:
        self.blobs = list(blobs)
        self.threshold = threshold
        self.nms = nms

    @abstractmethod
    def rows(self, outputs: Arrays, frames: Sequence[Frame]) -> list[Rows]:
        """Return the boxes of each picture, the best first."""


class RowsHead(Head):
    """Rows of a DetectionOutput, (1, 1, R, 7), corners as shares of the picture."""

    def rows(self, outputs: Arrays, frames: Sequence[Frame]) -> list[Rows]:
        values = outputs[self.blobs[0]]
        if not is_rows(values.shape):
            raise NetError(
                f"blob '{self.blobs[0]}' must hold rows (1, 1, R, 7); given {values.shape}"
            )
        table = values[0, 0].astype(float)
        table = table[(table[:, 1] >= 0) & (table[:, 2] >= self.threshold)]
        found = []
        for n, frame in enumerate(frames):
            own = table[table[:, 0] == n, 1:]
            own = own[np.argsort(-own[:, 1], kind="stable")]
            own[:, 2:] = _inside(own[:, 2:], frame)
            found.append(own)
        return found


class AnchorHead(Head):
    """Offsets of anchors and scores, decoded here."""

    def __init__(self, decoding: Decoding, threshold: float, nms: float | None) -> None:
        super().__init__([decoding.boxes, decoding.scores], threshold, nms)
        self.decoding = decoding

    def rows(self, outputs: Arrays, frames: Sequence[Frame]) -> list[Rows]:
        offsets, scores = (outputs[name] for name in self.blobs)
        if len(offsets) != len(frames) or len(scores) != len(frames):
            raise NetError(
                f"blobs '{self.blobs[0]}' and '{self.blobs[1]}' must have a row for each picture, "
                f"{len(frames)}; given {offsets.shape} and {scores.shape}"
            )
        nms = self.decoding.nms if self.nms is None else self.nms
        found = []
        for n, frame in enumerate(frames):
            boxes = self.decoding.corners(offsets[n].reshape(-1, 4), frame.seen)
            values = scores[n].reshape(len(boxes), -1)[:, self.decoding.background :]
            rows = best_boxes(boxes, values.astype(float), self.threshold, nms)
            rows[:, 2:] = _inside(rows[:, 2:], frame)
            found.append(rows)
        return found


class RegionHead(Head):
    """Regions (R, 5), scores (R, K) and offsets (R, 4K) of a region proposal network.

    Offsets of 8 numbers beside another number of classes are those of background and object.
    """

    def rows(self, outputs: Arrays, frames: Sequence[Frame]) -> list[Rows]:
        rois, scores, offsets = (outputs[name].astype(float) for name in self.blobs)
        rois, scores = rois.reshape(-1, 5), scores.reshape(len(scores), -1)
        offsets = offsets.reshape(len(offsets), -1, 4)
        if not len(rois) == len(scores) == len(offsets):
            raise NetError(
                f"blobs {', '.join(self.blobs)} must have as many rows; given {len(rois)}, "
                f"{len(scores)} and {len(offsets)}"
            )
        nms = REGION_NMS if self.nms is None else self.nms
        found = []
        for n, frame in enumerate(frames):
            own = rois[:, 0] == n
            boxes = _moved(rois[own, 1:], offsets[own][:, 1:], scores.shape[1] - 1, frame)
            found.append(best_boxes(boxes, scores[own, 1:], self.threshold, nms))
        return found


def _moved(regions: np.ndarray, offsets: np.ndarray, classes: int, frame: Frame) -> np.ndarray:
    """Return the boxes of each class (R, K, 4) in pixels of the picture.

    The last pixel of a region belongs to it; ``decode`` returns where boxes end, behind it.
    """
    if offsets.shape[1] not in (1, classes):
        raise NetError(
            f"offsets must be 4 for the background and each of {classes} classes, or for "
            f"background and object; given {4 * (offsets.shape[1] + 1)}"
        )
    factor = np.array([frame.width / frame.seen[1], frame.height / frame.seen[0]] * 2)
    regions = np.repeat(regions * factor, offsets.shape[1], axis=0)
    boxes = decode(regions, offsets.reshape(-1, 4)).reshape(-1, offsets.shape[1], 4)
    boxes = np.clip(boxes, 0, [frame.width, frame.height] * 2)
    return np.broadcast_to(boxes, (len(boxes), classes, 4))


def _inside(shares: np.ndarray, frame: Frame) -> np.ndarray:
    """Return corners in pixels, cut off at the picture."""
    pixels: np.ndarray = np.clip(shares, 0, 1) * np.array([frame.width, frame.height] * 2)
    return pixels


def find_head(
    outline: Outline, decoding: Decoding | None, blob: str, threshold: float, nms: float | None
) -> Head:
    """Return how the outputs of a net are read.

    Args:
        outline: of the net.
        decoding: how raw boxes are decoded.
        blob: that holds rows; found by its layer where empty.
        threshold: least score of a box.
        nms: of heads that choose boxes themselves; None for their own.

    Raises:
        NetError: nothing says so.
    """
    if decoding is not None:
        head: Head = AnchorHead(decoding, threshold, nms)
    elif blob or (blob := _rows_blob(outline)):
        head = RowsHead([blob], threshold, nms)
    elif {"rois", "cls_prob", "bbox_pred"} <= set(outline.tops):
        head = RegionHead(["rois", "cls_prob", "bbox_pred"], threshold, nms)
    else:
        raise NetError(
            f"net '{outline.config.name}' has no DetectionOutput, nor blobs rois, cls_prob and "
            f"bbox_pred; say with --decode how its outputs ({', '.join(outline.unread)}) become "
            "boxes"
        )
    for name in head.blobs:
        outline.check(name)
    return head


def _rows_blob(outline: Outline) -> str:
    return next((layer.top[0] for layer in outline.layers if layer.type in ROWS), "")

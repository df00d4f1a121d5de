"""Objects in an image, as SSD keeps them: rows of class, instance, box and whether it is difficult.

A row is (label, instance, xmin, ymin, xmax, ymax, difficult); corners are shares of the image, and
a box ends where its corners are: xmax - xmin wide.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from netcfg.netcfg_pb2 import EmitConstraint

Objects: TypeAlias = npt.NDArray[np.float32]
"""(n, 7)."""

Boxes: TypeAlias = npt.NDArray[np.float32]
"""(..., 4): xmin, ymin, xmax, ymax."""

COLUMNS = 7
LABEL, INSTANCE, BOX, DIFFICULT = 0, 1, slice(2, 6), 6
NONE: Objects = np.empty((0, COLUMNS), np.float32)

WHOLE: Boxes = np.array([0, 0, 1, 1], np.float32)
"""The part of an image that is all of it."""


def area(boxes: Boxes) -> npt.NDArray[np.float32]:
    """Return the areas (...) of boxes (..., 4); 0 where corners have changed places."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def common_area(a: Boxes, b: Boxes) -> npt.NDArray[np.float32]:
    """Return the areas (...) that boxes (..., 4), which broadcast, have in common."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    return area(np.concatenate([low, high], axis=-1))


def coverage(a: Boxes, b: Boxes) -> npt.NDArray[np.float32]:
    """Return the share of ``a`` that ``b`` covers: |a ∩ b| / |a|, 0 where ``a`` has no area."""
    return _share(common_area(a, b), area(a))


def jaccard(a: Boxes, b: Boxes) -> npt.NDArray[np.float32]:
    """Return intersection over union: |a ∩ b| / |a ∪ b|, 0 where both have no area."""
    common = common_area(a, b)
    return _share(common, area(a) + area(b) - common)


def mirrored(objects: Objects) -> Objects:
    """Return the objects of an image whose left and right have changed places."""
    turned = objects.copy()
    turned[:, 2], turned[:, 4] = 1 - objects[:, 4], 1 - objects[:, 2]
    return turned


def project(objects: Objects, part: Boxes, emit: EmitConstraint | None = None) -> Objects:
    """Return the objects that a part of an image shows, cut to it, as shares of the part.

    Args:
        objects: of the image.
        part: corners (4,), which may lie beyond the image.
        emit: what is asked of a box besides that some of it lies in the part: its centre there, or
            more than ``emit_overlap`` of its area.
    """
    boxes = objects[:, BOX]
    shown = np.asarray(((boxes[:, :2] < part[2:]) & (boxes[:, 2:] > part[:2])).all(axis=1))
    if emit is not None:
        shown &= _emitted(boxes, part, emit)
    size = part[2:] - part[:2]
    moved = objects.copy()
    moved[:, BOX] = ((boxes - np.tile(part[:2], 2)) / np.tile(size, 2)).clip(0, 1)
    return moved[shown & (area(moved[:, BOX]) > 0)]


def _emitted(boxes: Boxes, part: Boxes, emit: EmitConstraint) -> npt.NDArray[np.bool_]:
    if emit.emit_type == EmitConstraint.MIN_OVERLAP:
        return coverage(boxes, part) > emit.emit_overlap
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((middle >= part[:2]) & (middle <= part[2:])).all(axis=1))


def _share(of: npt.NDArray[np.float32], all_: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.divide(of, all_, out=np.zeros(np.shape(of), np.float32), where=all_ > 0)

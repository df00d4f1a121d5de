"""Boxes of region proposal networks: anchors, and arithmetic on corners (x1, y1, x2, y2) in pixels.

As in Faster R-CNN both corners belong to a box: it is x2 - x1 + 1 wide. Everything is NumPy.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netcfg.types import Array

__all__ = ["anchors", "clipped", "decode", "encode", "grid", "overlaps", "suppress"]


def anchors(base: float, ratios: Sequence[float], scales: Sequence[float]) -> Array:
    """Return the anchors of the cell at the origin, (ratios × scales, 4).

    All lie around the middle of a square of edge ``base``; for ratio r and scale s
    w = s round(√(base² / r)),  h = s round(r w / s)

    >>> anchors(16, [0.5], [8]).tolist()
    [[-84.0, -40.0, 99.0, 55.0]]
    """
    boxes = []
    for ratio in ratios:
        width = np.round(np.sqrt(base * base / ratio))
        height = np.round(width * ratio)
        for scale in scales:
            half = (scale * width - 1) / 2, (scale * height - 1) / 2
            middle = (base - 1) / 2
            boxes.append([middle - half[0], middle - half[1], middle + half[0], middle + half[1]])
    return np.array(boxes)


def grid(cell: Array, rows: int, columns: int, stride: float) -> Array:
    """Return the anchors of all cells of a map, (rows × columns × A, 4), cell by cell."""
    y, x = np.mgrid[:rows, :columns] * stride
    shift = np.stack([x, y, x, y], axis=-1)  # (rows, columns, 4)
    boxes: Array = (shift[:, :, None] + cell).reshape(-1, 4)
    return boxes


def _middle(boxes: Array) -> tuple[Array, Array]:
    """Return middles and sizes, each (N, 2)."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes[:, :2] + size / 2, size


def decode(boxes: Array, deltas: Array) -> Array:
    """Return the boxes that ``deltas`` (dx, dy, dw, dh) make of ``boxes``, both (N, 4).

    x' = x + w dx,  w' = w exp(dw), with x and y of the middle; corners lie w' / 2 from it
    """
    middle, size = _middle(boxes)
    middle = middle + size * deltas[:, :2]
    with np.errstate(over="ignore"):  # a net that has gone astray; ``clipped`` mends it
        half = size * np.exp(deltas[:, 2:]) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def encode(boxes: Array, targets: Array) -> Array:
    """Return the deltas that make ``targets`` of ``boxes``, all (N, 4).

    dx = (x' - x) / w,  dw = log(w' / w)
    """
    (middle, size), (wanted, extent) = _middle(boxes), _middle(targets)
    return np.concatenate([(wanted - middle) / size, np.log(extent / size)], axis=1)


def clipped(boxes: Array, height: float, width: float) -> Array:
    """Return boxes with their corners moved into an image."""
    return np.clip(boxes, 0, np.array([width, height, width, height]) - 1)


def overlaps(a: Array, b: Array, edge: float = 1) -> Array:
    """Return the intersection over union of each pair, (N, M) of (N, 4) and (M, 4).

    Args:
        a: corners.
        b: corners.
        edge: what is added to the difference of corners to get a width: 1 for pixels, else 0.
    """
    low = np.maximum(a[:, None, :2], b[:, :2])
    high = np.minimum(a[:, None, 2:], b[:, 2:])
    common = np.prod(np.maximum(high - low + edge, 0), axis=-1)
    areas = [np.prod(x[:, 2:] - x[:, :2] + edge, axis=-1) for x in (a, b)]
    union = areas[0][:, None] + areas[1] - common
    share: Array = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return share


def suppress(boxes: Array, threshold: float, limit: int | None = None, edge: float = 1) -> Array:
    """Return the indices of boxes, best first, that overlap no better one that is returned.

    Args:
        boxes: corners (N, 4), the best first.
        threshold: greatest intersection over union of two that may both stay.
        limit: return no more than these.
        edge: as for ``overlaps``.
    """
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1 + edge) * (y2 - y1 + edge)
    left = np.arange(len(boxes))
    kept: list[Any] = []
    while len(left) and (limit is None or len(kept) < limit):
        best, left = left[0], left[1:]
        kept.append(best)
        with np.errstate(invalid="ignore"):  # inf - inf: boxes of a net that has gone astray
            width = np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left]) + edge
            height = np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left]) + edge
            common = np.maximum(width, 0) * np.maximum(height, 0)
            # Not a quotient: boxes without area overlap nothing.
            left = left[common <= threshold * (areas[best] + areas[left] - common)]
    return np.array(kept, dtype=int)

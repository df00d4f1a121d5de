"""Boxes as SSD has them: corners (xmin, ymin, xmax, ymax) as shares of the image.

Other than the boxes of region proposal networks they end where their corners are: xmax - xmin
wide. Everything is NumPy.
"""

from typing import Any

import numpy as np

from netcfg.netcfg_pb2 import PriorBoxParameter, ResizeParameter
from netcfg.types import Array

__all__ = ["areas", "decode", "encode", "in_pixels", "overlap", "suppress"]


def areas(boxes: Array, edge: float = 0) -> Array:
    """Return the areas (...) of boxes (..., 4), 0 where corners have changed places.

    Args:
        boxes: corners.
        edge: what is added to the difference of corners to get a side: 1 for pixels.
    """
    sides = boxes[..., 2:] - boxes[..., :2]
    area: Array = (sides >= 0).all(axis=-1) * np.prod(sides + edge, axis=-1)
    return area


def overlap(a: Array, b: Array, edge: float = 0) -> Array:
    """Return the intersection over union of boxes (..., 4) that broadcast; 0 without an area.

    Args:
        a: corners.
        b: corners.
        edge: as for ``areas``.
    """
    with np.errstate(invalid="ignore"):  # inf - inf: boxes of a net that has gone astray
        low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
        sides = np.maximum(high - low + edge, 0)
        common = sides[..., 0] * sides[..., 1]
        union = areas(a, edge) + areas(b, edge) - common
        share: Array = np.divide(common, union, out=np.zeros_like(common), where=union != 0)
    return share


def _middles(boxes: Array) -> tuple[Array, Array]:
    """Return middles and sizes, each (..., 2)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def encode(priors: Array, boxes: Array, code: int) -> Array:
    """Return what makes ``boxes`` of ``priors``, before it is divided by variances; all (..., 4).

    CORNER:       x1' - x1 of each corner
    CENTER_SIZE:  (x' - x) / w of the middle,  log(w' / w)
    CORNER_SIZE:  (x1' - x1) / w of each corner

    Args:
        priors: corners.
        boxes: corners; for CENTER_SIZE they must have an area.
        code: a ``PriorBoxParameter.CodeType``.
    """
    if code == PriorBoxParameter.CORNER:
        return boxes - priors
    middle, size = _middles(priors)
    if code == PriorBoxParameter.CORNER_SIZE:
        return (boxes - priors) / np.concatenate([size, size], axis=-1)
    wanted, extent = _middles(boxes)
    return np.concatenate([(wanted - middle) / size, np.log(extent / size)], axis=-1)


def decode(priors: Array, offsets: Array, code: int) -> Array:
    """Return the boxes that ``offsets``, multiplied by variances, make of ``priors``.

    The reverse of ``encode``.
    """
    if code == PriorBoxParameter.CORNER:
        return priors + offsets
    middle, size = _middles(priors)
    if code == PriorBoxParameter.CORNER_SIZE:
        return priors + offsets * np.concatenate([size, size], axis=-1)
    middle = middle + size * offsets[..., :2]
    with np.errstate(over="ignore"):  # a net that has gone astray
        half = size * np.exp(offsets[..., 2:]) / 2
    return np.concatenate([middle - half, middle + half], axis=-1)


def suppress(boxes: Array, threshold: float, groups: Array | None = None, eta: float = 1) -> Array:
    """Return the indices of boxes that overlap no better one of their group that is returned.

    All groups take their best box at once, lose what it overlaps, and go on with the next.

    Args:
        boxes: corners (N, 4), group by group, in each the best first.
        threshold: greatest intersection over union of two that may both stay.
        groups: of each box (N,), ascending; None for one group.
        eta: factor on a group's threshold after each box that stays, while it is above 0.5.
    """
    groups = np.zeros(len(boxes), int) if groups is None else groups
    limits = np.full(len(boxes) and groups[-1] + 1, threshold, dtype=float)
    left, worst = np.arange(len(boxes)), np.zeros(len(boxes), boxes.dtype)
    kept: list[Any] = []
    while len(left):
        group = groups[left]
        first = np.append(True, group[1:] != group[:-1])
        best = left[first]
        kept.append(best)
        if eta < 1:
            limits[groups[best]] *= np.where(limits[groups[best]] > 0.5, eta, 1)
        rest, group = left[~first], group[~first]
        rival = best[np.cumsum(first)[~first] - 1]
        worst[rest] = np.maximum(worst[rest], overlap(boxes[rival], boxes[rest]))
        left = rest[worst[rest] <= limits[group]]
    return np.sort(np.concatenate(kept)) if kept else left


def in_pixels(boxes: Array, size: tuple[int, int], resize: ResizeParameter) -> Array:
    """Return boxes (N, 4) in pixels of the image that was resized for the net.

    Args:
        boxes: corners as shares of what the net saw.
        size: height and width of the image.
        resize: how it was resized; FIT_LARGE_SIZE_AND_PAD put borders around it, FIT_SMALL_SIZE
            may count shares of another size, what else there is leaves shares as they are.
    """
    height, width = size
    whole = np.array([width, height] * 2)
    across, down = resize.width_scale, resize.height_scale
    if resize.resize_mode == ResizeParameter.FIT_SMALL_SIZE and across and down:
        return np.clip(boxes * np.array([across, down] * 2), 0, whole)
    if resize.resize_mode == ResizeParameter.FIT_LARGE_SIZE_AND_PAD and resize.height:
        wide = width / height * resize.height / resize.width
        shown = np.array([min(1.0, wide), min(1.0, 1 / wide)] * 2)
        boxes = (boxes - (1 - shown) / 2) / shown
    return np.clip(boxes, 0, 1) * whole

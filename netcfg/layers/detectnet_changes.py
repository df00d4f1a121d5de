"""Changes of images as DetectNet makes them: size, turn, hue; (C, H, W) in float64."""

import math
from typing import Any

import numpy as np

from netcfg.types import Array

__all__ = ["resize_cubic", "rotated", "turn", "turned_hue", "turned_size"]


def resize_cubic(image: Array, height: int, width: int) -> Array:
    """Resize by cubic convolution, as OpenCV does: coefficient -3/4, edges repeated."""
    down = _weights(image.shape[1], height)
    across = _weights(image.shape[2], width)
    resized: Array = down @ image @ across.T  # (C, height, width)
    return resized


def _weights(old: int, new: int) -> Array:
    """Return what each old place gives to each new one, (new, old)."""
    at = (np.arange(new) + 0.5) * old / new - 0.5
    first = np.floor(at).astype(int)
    weights = np.zeros((new, old))
    for tap in range(-1, 3):
        d = np.abs(at - first - tap)
        near = (1.25 * d - 2.25) * d * d + 1
        far = ((-0.75 * d + 3.75) * d - 6) * d + 3
        place = np.clip(first + tap, 0, old - 1)
        np.add.at(weights, (np.arange(new), place), np.where(d <= 1, near, far))
    return weights


def turned_size(size: tuple[int, int], angle: float) -> tuple[int, int]:
    """Return height and width of the upright box around an image turned by ``angle`` degrees."""
    if not angle:
        return size
    c, s = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    height, width = size
    return math.ceil(height * c + width * s), math.ceil(width * c + height * s)


def turn(points: Array, size: tuple[int, int], angle: float) -> Array:
    """Return where points (x, y), (N, 2), of an image come to stand when it turns clockwise."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    before = np.array(size[::-1]) / 2
    after = np.array(turned_size(size, angle)[::-1]) / 2
    turned: Array = (points - before) @ np.array([[c, s], [-s, c]]) + after
    return turned


def rotated(image: Array, angle: float) -> Array:
    """Return an image turned clockwise by degrees, zeros around it; pixels are interpolated."""
    size = image.shape[1], image.shape[2]
    height, width = turned_size(size, angle)
    y, x = np.mgrid[:height, :width]
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    dx, dy = x + 0.5 - width / 2, y + 0.5 - height / 2
    u = dx * c + dy * s + size[1] / 2 - 0.5
    v = dy * c - dx * s + size[0] / 2 - 0.5
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    total: Any = 0
    for row, near_row in ((top, 1 - (v - top)), (top + 1, v - top)):
        for column, near_column in ((left, 1 - (u - left)), (left + 1, u - left)):
            inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
            value = image[:, np.clip(row, 0, size[0] - 1), np.clip(column, 0, size[1] - 1)]
            total = total + value * (inside * near_row * near_column)
    return np.asarray(total)


def turned_hue(image: Array, degrees: float, saturation: float) -> Array:
    """Return a (3, H, W) image in B, G, R with its hue turned and its saturation multiplied."""
    value, low = image.max(axis=0), image.min(axis=0)
    span = value - low
    b, g, r = image
    safe = np.where(span > 0, span, 1)
    hue = np.where(
        value == r, (g - b) / safe, np.where(value == g, 2 + (b - r) / safe, 4 + (r - g) / safe)
    )
    span = span * saturation
    turned = (hue + degrees / 60)[None] + np.array([1, 3, 5])[:, None, None]  # B, G, R
    # Each colour is full for 120 degrees and gone for 120, with slopes of 60 between.
    place = turned % 6
    part = np.clip(np.minimum(place, 4 - place), 0, 1)
    return value - span * part

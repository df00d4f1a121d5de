"""How well boxes fit, and how that changes with the first of them: IoU and its kin.

Boxes are rows (x, y, w, h) with the middle first; everything is NumPy.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from netcfg.types import Array

__all__ = ["corners", "fit"]


def corners(boxes: Array) -> Array:
    """Return boxes (..., 4) as (x1, y1, x2, y2)."""
    half = boxes[..., 2:] / 2
    return np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)


@dataclass(frozen=True)
class _Value:
    """Values (N,) and their derivatives after x, y, w, h of the first box, (N, 4)."""

    value: Any
    slope: Any

    def __mul__(self, other: "_Value") -> "_Value":
        slope = self.slope * other.value[:, None] + other.slope * self.value[:, None]
        return _Value(self.value * other.value, slope)

    def __sub__(self, other: "_Value") -> "_Value":
        return _Value(self.value - other.value, self.slope - other.slope)

    def __truediv__(self, other: "_Value") -> "_Value":
        """Return the quotient, 0 where the divisor is."""
        inverse = np.divide(1, other.value, out=np.zeros_like(other.value), where=other.value != 0)
        value = self.value * inverse
        return _Value(value, (self.slope - other.slope * value[:, None]) * inverse[:, None])


def _length(a: Array, b: Array, axis: int, inner: bool) -> _Value:
    """Return the part of an axis that both boxes cover, or the one from the first to the last."""
    low, high = corners(a)[:, [axis, axis + 2]].T
    other_low, other_high = corners(b)[:, [axis, axis + 2]].T
    pick = np.minimum if inner else np.maximum
    value = pick(high, other_high) - (np.maximum if inner else np.minimum)(low, other_low)
    moves_high = (high < other_high) if inner else (high > other_high)
    moves_low = (low > other_low) if inner else (low < other_low)
    apart = inner & (value <= 0)
    slope = np.zeros((len(a), 4))
    slope[:, axis] = np.where(apart, 0, moves_high.astype(float) - moves_low)
    slope[:, axis + 2] = np.where(apart, 0, (moves_high.astype(float) + moves_low) / 2)
    return _Value(np.where(apart, 0, value), slope)


def _area(a: Array) -> _Value:
    zero = np.zeros(len(a))
    return _Value(a[:, 2] * a[:, 3], np.stack([zero, zero, a[:, 3], a[:, 2]], axis=1))


def fit(a: Array, b: Array, kind: str = "IOU") -> tuple[Array, Array]:
    """Return how well each box of ``a`` fits that of ``b``, (N,), and ∂/∂a, (N, 4).

    IOU:   I / U of intersection and union
    GIOU:  IOU - (C - U) / C,  C the smallest box around both  (Rezatofighi and others, 2019)
    DIOU:  IOU - d² / c²,  d the distance of the middles, c the diagonal of that box
    CIOU:  DIOU - α v,  v = 4/π² (atan w'/h' - atan w/h)²,  α = v / (1 - IOU + v), held fixed
           (Zheng and others, 2020)

    Args:
        a: boxes (N, 4).
        b: boxes (N, 4).
        kind: IOU, GIOU, DIOU or CIOU.
    """
    common = _length(a, b, 0, True) * _length(a, b, 1, True)
    fixed = _Value(b[:, 2] * b[:, 3], np.zeros((len(a), 4)))
    union = _area(a) - common
    union = _Value(union.value + fixed.value, union.slope)
    found = share = common / union
    width, height = _length(a, b, 0, False), _length(a, b, 1, False)
    if kind == "GIOU":
        around = width * height
        found = found - (around - union) / around
    elif kind in ("DIOU", "CIOU"):
        apart = a[:, :2] - b[:, :2]
        slope = np.concatenate([2 * apart, np.zeros_like(apart)], axis=1)
        squares = width * width, height * height
        diagonal = _Value(squares[0].value + squares[1].value, squares[0].slope + squares[1].slope)
        found = found - _Value((apart**2).sum(axis=1), slope) / diagonal
    if kind == "CIOU":
        found = found - _aspect(a, b, share.value)
    return found.value, found.slope


def _aspect(a: Array, b: Array, share: Array) -> _Value:
    """Return α v of CIOU."""
    gap = np.arctan2(b[:, 2], b[:, 3]) - np.arctan2(a[:, 2], a[:, 3])
    v = 4 / np.pi**2 * gap**2
    alpha = np.divide(v, 1 - share + v, out=np.zeros_like(v), where=v > 0)
    # d atan(w/h) = (h dw - w dh) / (w² + h²)
    size = np.maximum((a[:, 2:] ** 2).sum(axis=1), np.finfo(float).tiny)
    slope = np.zeros((len(a), 4))
    slope[:, 2] = -8 / np.pi**2 * gap * alpha * a[:, 3] / size
    slope[:, 3] = 8 / np.pi**2 * gap * alpha * a[:, 2] / size
    return _Value(alpha * v, slope)

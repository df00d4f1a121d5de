"""Numbers that name a class or a row: checked, made whole, and which of them count."""

import numpy as np

from netcfg.errors import DataError
from netcfg.types import Array

__all__ = ["class_indices"]


def class_indices(
    xp: Array,
    labels: Array,
    classes: int,
    *,
    ignore: int | None = None,
    what: str = "label",
    unit: str = "classes",
) -> tuple[Array, Array]:
    """Return ``labels`` as indices in [0, classes), and a weight for each: 1, or 0 where ignored.

    As in Caffe, fractions are cut off and what equals ``ignore`` may lie anywhere; its index is 0.
    On a GPU a raised error would have to wait for the device: there the weight of a label that is
    out of range is NaN, which reaches the loss.

    Args:
        xp: the array module.
        labels: of any shape and type; both results have that shape, the weights also that type.
        classes: how many there are.
        ignore: the label that does not count.
        what: what ``labels`` are called in the message.
        unit: what ``classes`` counts.

    Raises:
        DataError: a label is out of range.
    """
    whole = xp.trunc(labels)
    inside = (whole >= 0) & (whole < classes)
    ignored = whole == ignore if ignore is not None else xp.zeros_like(inside)
    if xp is np and not np.all(inside | ignored):
        place = np.argwhere(~(inside | ignored))[0].tolist()
        at = place[0] if len(place) == 1 else tuple(place)
        raise DataError(
            f"{what} {labels[tuple(place)]:g} at index {at} must lie in [0, {classes}) "
            f"({classes} {unit})"
        )
    inside &= ~ignored
    index = xp.where(inside, whole, 0).astype(np.int64)
    weight = xp.where(inside, 1, xp.where(ignored, 0, np.nan)).astype(labels.dtype)
    return index, weight

"""How many pictures to show a net at once: as many as pay and as memory holds."""

import math
import os
import time
from collections.abc import Callable

import numpy as np

from netcfg.errors import NetError
from netcfg.vision.model import Arrays, Model

LARGEST = 64
"""More are never tried: large batches gained nothing on CPUs."""

GAIN = 0.97
"""A larger batch is taken where a picture takes less than this share of the time."""

SHARE = 0.5
"""Of the free memory that the blobs of a batch may fill."""

ROUNDS = 3


def batch_size(model: Model, pictures: int, views: int = 1) -> int:
    """Return a batch size that was found by running the net.

    Sizes are doubled while each picture gets quicker and the blobs fit the memory.

    Args:
        model: the net.
        pictures: how many there are in all.
        views: rows of input for each picture.
    """
    if not together(model):
        return 1
    most = min(LARGEST, _power(pictures), _fitting(model, views))
    best, size = 1, 1
    seconds = _seconds(model, views)
    while size < most:
        size *= 2
        taken = _seconds(model, size * views) / size
        if taken < seconds * GAIN:
            best, seconds = size, taken
        elif size >= 4 * best:
            break
    return best


def together(model: Model) -> bool:
    """Whether the net takes several pictures at once and keeps them apart."""
    if model.info or model.preprocess.size is None:
        return False
    one = _shapes(model.run(_zeros(model, 1)))
    try:
        two = _shapes(model.run(_zeros(model, 2)))
    except NetError:
        return False
    return all(_doubled(one[name], two[name]) for name in one)


def _doubled(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    """Whether the shape of two pictures' answers fits that of one's; rows name their picture."""
    if is_rows(one) and is_rows(two):
        return True
    return len(one) > 0 and two[0] == 2 * one[0] and one[1:] == two[1:]


def is_rows(shape: tuple[int, ...]) -> bool:
    """Whether a shape is that of detections, (1, 1, R, 7)."""
    return len(shape) == 4 and shape[:2] == (1, 1) and shape[3] == 7


def _shapes(arrays: Arrays) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}


def _zeros(model: Model, size: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.zeros((size, *model.shape[1:]), np.float32)


def _power(n: int) -> int:
    """Return the first power of 2 that is not below n.

    >>> _power(5), _power(8)
    (8, 8)
    """
    return 1 << max(0, n - 1).bit_length()


def _fitting(model: Model, views: int) -> int:
    """Return the largest batch whose blobs fit the memory, going by those of one picture."""
    floats = sum(math.prod(shape) for tops in model.net.top_shapes for shape in tops)
    return max(1, int(SHARE * _free() / (4 * views * max(1, floats))))


def _free() -> int:
    """Return the bytes of memory that are free, or could be."""
    try:
        with open("/proc/meminfo") as lines:
            fields = dict(line.split(":") for line in lines)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _seconds(model: Model, size: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how long the net takes for a batch, at best."""
    x = _zeros(model, size)
    best = math.inf
    for _ in range(ROUNDS):
        start = clock()
        model.run(x)
        best = min(best, clock() - start)
    return best

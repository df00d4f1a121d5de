"""Geometry of windows: what plans are cached under, and integer arithmetic on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from netcfg.types import Shape

Slices = tuple[slice, ...]


@dataclass(frozen=True)
class Window:
    """Geometry of a window that slides over the spatial axes; one entry per axis.

    Hashable, so that engines can cache plans under it.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    def out(self, size: Shape) -> Shape:
        """Return how many windows fit along each axis of a padded image, rounding down.

        >>> Window((3, 3), (2, 2), (1, 0), (1, 1)).out((8, 8))
        (4, 3)
        """
        axes = zip(size, self.kernel, self.stride, self.pad, self.dilation, strict=True)
        return tuple((s + 2 * p - d * (k - 1) - 1) // step + 1 for s, k, step, p, d in axes)


@dataclass(frozen=True)
class Conv:
    """Geometry of a convolution: its window and the number of groups."""

    window: Window
    group: int = 1


@dataclass(frozen=True)
class Tap:
    """One position in a kernel, and where it falls inside the image.

    Output ``target`` reads input ``source``; both are slices of (N, *, C) arrays, batch first.
    """

    place: tuple[int, ...]
    source: Slices
    target: Slices


def taps(window: Window, size: Shape, out: Shape) -> Iterator[Tap]:
    """Yield the positions in a kernel, last axis fastest, but those that are never inside.

    >>> [(tap.place, tap.target[1:]) for tap in taps(Window((2,), (1,), (1,), (1,)), (3,), (3,))]
    [((0,), (slice(1, 3, None),)), ((1,), (slice(0, 3, None),))]
    """
    yield from _taps(window, size, out, Tap((), (slice(None),), (slice(None),)))


def _taps(window: Window, size: Shape, out: Shape, tap: Tap) -> Iterator[Tap]:
    """Extend a tap of the first axes by all positions along the others."""
    axis = len(tap.place)
    if axis == len(size):
        yield tap
        return
    step = window.stride[axis]
    for k in range(window.kernel[axis]):
        offset = k * window.dilation[axis] - window.pad[axis]  # of the place that output 0 reads
        begin = max(0, -(offset // step))
        end = min(out[axis], (size[axis] - 1 - offset) // step + 1)
        if begin < end:
            start = begin * step + offset
            source = slice(start, start + (end - begin - 1) * step + 1, step)
            longer = Tap((*tap.place, k), (*tap.source, source), (*tap.target, slice(begin, end)))
            yield from _taps(window, size, out, longer)

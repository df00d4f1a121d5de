"""Pictures through a net, batch by batch: threads decode ahead while the net computes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from netcfg.data.prefetch import Prefetch
from netcfg.engines.malloc import keep_freed_memory
from netcfg.engines.threads import count
from netcfg.errors import NetError
from netcfg.io.image import Pixels
from netcfg.vision.inputs import Item
from netcfg.vision.model import Arrays, Model
from netcfg.vision.preprocess import Floats

BATCHES_AHEAD = 2
"""Batches of decoded pictures that wait at most."""


@dataclass(frozen=True)
class Frame:
    """A picture that was read.

    Attributes:
        index: of its item.
        width, height: of the picture, turned as it is to be seen.
        seen: height and width of what the net saw.
    """

    index: int
    width: int
    height: int
    seen: tuple[int, int]


@dataclass(frozen=True)
class Unreadable:
    """A picture that could not be read, and why."""

    index: int
    reason: str


@dataclass(frozen=True)
class Answer:
    """What a net said of pictures of one batch, and which could not be read."""

    frames: list[Frame]
    outputs: Arrays
    unreadable: list[Unreadable]


@dataclass(frozen=True)
class _Loaded:
    frame: Frame
    views: Pixels


@dataclass(frozen=True)
class _Batch:
    """Inputs of equal shape each, and the pictures that they show."""

    parts: list[tuple[list[Frame], Floats]]
    unreadable: list[Unreadable]


def answers(
    model: Model, items: Sequence[Item], todo: Sequence[int], size: int, workers: int | None = None
) -> Iterator[Answer]:
    """Yield what a net says of pictures, in their order.

    Args:
        model: the net.
        items: pictures.
        todo: indices of those to show.
        size: how many at once.
        workers: threads that decode; as many as compute where None.
    """
    keep_freed_memory()  # decoded pictures of one size come and go
    workers = workers or count()
    load = _loader(model, items, todo)
    pictures = Prefetch(load, BATCHES_AHEAD * size + workers, workers)

    def assemble(k: int) -> _Batch:
        places = range(k * size, min((k + 1) * size, len(todo)))
        return _assemble(model, [pictures.get(j) for j in places])

    batches = Prefetch(assemble, 1)
    try:
        for k in range(-(-len(todo) // size)):
            batch = batches.get(k)
            yield from _ask(model, batch)
            del batch
    finally:
        pictures.close()
        batches.close()


def _loader(
    model: Model, items: Sequence[Item], todo: Sequence[int]
) -> Callable[[int], _Loaded | Unreadable | None]:
    """Return the function that reads a picture; it may run in several threads."""

    def load(k: int) -> _Loaded | Unreadable | None:
        if k >= len(todo):  # threads ask ahead
            return None
        index = todo[k]
        try:
            picture = items[index].picture()
            views = model.preprocess.views(picture)
        except NetError as error:
            return Unreadable(index, str(error))
        except MemoryError:
            return Unreadable(index, "too large for the memory of this machine")
        return _Loaded(Frame(index, *picture.size, views.shape[2:]), views)

    return load


def _assemble(model: Model, loaded: Sequence[_Loaded | Unreadable | None]) -> _Batch:
    """Return pictures as inputs of the net; neighbours of one shape go together."""
    read = [one for one in loaded if isinstance(one, _Loaded)]
    parts = []
    for _, group in groupby(read, lambda one: one.frame.seen):
        same = list(group)
        x = model.preprocess.normalise(np.stack([one.views for one in same]))
        parts.append(([one.frame for one in same], x))
    return _Batch(parts, [one for one in loaded if isinstance(one, Unreadable)])


def _ask(model: Model, batch: _Batch) -> Iterator[Answer]:
    unreadable = batch.unreadable
    for frames, x in batch.parts:
        yield Answer(frames, model.run(x, _info(frames)), unreadable)
        unreadable = []
    if unreadable:
        yield Answer([], {}, unreadable)


def _info(frames: Sequence[Frame]) -> Floats:
    """Return height, width and scale of what the net sees of each picture."""
    rows = [(*f.seen, min(f.seen) / min(f.height, f.width)) for f in frames]
    return np.array(rows, np.float32)

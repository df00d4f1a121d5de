"""How much memory a net takes on a card, before it runs there and when it was too much."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from netcfg.errors import NetError
from netcfg.layer import as_shapes
from netcfg.layers.input import Input
from netcfg.table import size
from netcfg.types import Phase, Shape

P = ParamSpec("P")
R = TypeVar("R")
N = TypeVar("N")

WORKSPACE = 256 << 20
"""Bytes of libraries, their scratch memory and kernels, about."""


@dataclass(frozen=True)
class Need:
    """Bytes that a net takes, about.

    Attributes:
        parameters: weights; in TRAIN their gradients and one history too.
        blobs: outputs of layers that are there at the same time, with gradients in TRAIN.
        batch: length of the first axis.
    """

    parameters: int
    blobs: int
    batch: int

    @property
    def total(self) -> int:
        """Bytes of everything."""
        return self.parameters + self.blobs + WORKSPACE

    def fits(self, memory: int) -> int:
        """Return the largest batch that so many bytes hold; 0 where not even one item fits."""
        each = self.blobs / max(1, self.batch)
        return max(0, int((memory - self.parameters - WORKSPACE) / each)) if each else 0

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"about {size(self.total)} on a GPU: {size(self.blobs)} of blobs, "
            f"{size(self.parameters)} of parameters and {size(WORKSPACE)} of libraries"
        )


def predict(net: Any, itemsize: int = 4) -> Need:
    """Return what a net takes at the shapes it has now.

    Args:
        net: a ``Net`` on any engine.
        itemsize: bytes of a value of a blob: 2 for 16-bit floats.
    """
    train = net.phase is Phase.TRAIN
    sizes = {
        blob: math.prod(shape) * itemsize
        for node, tops in zip(net.graph.nodes, net.top_shapes, strict=True)
        for blob, shape in zip(node.tops, tops, strict=True)
    }
    count = sum(p.value.size for p in net.params) * net.engine.dtype.itemsize
    held = peak = 0
    for unit in net.units:
        held += sum(sizes[top] for top in unit.tops)
        peak = max(peak, held)
        if not train:
            held -= sum(sizes[blob] for blob in unit.release)
    steps = [[sizes[b] for b in (*unit.bottoms, *unit.tops)] for unit in net.units]
    if train:  # beside all outputs the gradients of one unit
        peak += max(map(sum, steps), default=0)
    batch = next((s[0][0] for s in net.top_shapes if s and s[0]), 0)
    return Need(count * (3 if train else 1), peak, batch)


def too_much(net: Any, memory: int, itemsize: int = 4) -> NetError:
    """Return what to say where a card has run out of memory.

    Args:
        net: that did not fit.
        memory: bytes of the card.
        itemsize: bytes of a value of a blob.
    """
    need = predict(net, itemsize)
    fits = min(need.fits(memory), max(0, need.batch - 1))
    advice = f"a batch of {fits} fits" if fits else "no batch of it fits"
    return NetError(
        f"net '{net.name}' does not fit into the GPU's {size(memory)}: with a batch of "
        f"{need.batch} it takes {need}; {advice}"
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether CuPy says that a card has no memory left."""
    return type(error).__name__ == "OutOfMemoryError"


def memory_of(engine: Any) -> int:
    """Return the bytes of an engine's card."""
    return int(engine.device.memory()[1])


@contextmanager
def explained(net: Any) -> Iterator[None]:
    """Say which batch fits where a card runs out of memory within the block.

    Args:
        net: a ``Net`` that runs there.

    Raises:
        NetError: the card has too little memory; the message names a batch that fits.
    """
    try:
        yield
    except MemoryError as error:
        if not is_out_of_memory(error):
            raise
        _follow_inputs(net)
        engine = net.engine
        raise too_much(net, memory_of(engine), engine.store.itemsize) from error


def fitting(run: Callable[Concatenate[N, P], R]) -> Callable[Concatenate[N, P], R]:
    """Make a pass of a net say which batch fits where it does not; see ``explained``."""

    @wraps(run)
    def wrapper(net: N, /, *args: P.args, **options: P.kwargs) -> R:
        with explained(net):
            return run(net, *args, **options)

    return wrapper


def _follow_inputs(net: Any) -> None:
    """Let the shapes of inputs reach all layers: a pass that broke off has come to some only."""
    shapes: dict[Any, Shape] = {}
    for i, (layer, node) in enumerate(zip(net.layers, net.graph.nodes, strict=True)):
        bottoms = tuple(shapes[b] for b in node.bottoms)
        if bottoms != net._shapes[i] or isinstance(layer, Input):
            tops = as_shapes(layer.reshape(*bottoms), len(node.tops))
            net.top_shapes[i], net._shapes[i] = tops, bottoms
        shapes.update(zip(node.tops, net.top_shapes[i], strict=True))

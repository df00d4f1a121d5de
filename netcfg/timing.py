"""How long each layer of a net takes, measured through the hooks of the net."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from netcfg.net import Hook, Net
from netcfg.table import render
from netcfg.trace import Trace


@dataclass(frozen=True)
class LayerTime:
    """Median seconds of one layer; a pass that does not run takes 0."""

    name: str
    type: str
    forward: float
    backward: float


@dataclass(frozen=True)
class Timing:
    """Median seconds of a net and its layers.

    Shares are of the sum of all layers, each run alone; the whole pass may fuse some.

    Attributes:
        layers: in the order of the net.
        forward: of the whole forward pass.
        backward: of the whole backward pass, 0 where it was not run.
        images: size of a batch.
        iterations: how many passes the medians are of.
    """

    layers: tuple[LayerTime, ...]
    forward: float
    backward: float
    images: int
    iterations: int

    @property
    def total(self) -> float:
        """Seconds of one iteration."""
        return self.forward + self.backward

    @property
    def images_per_second(self) -> float:
        """Images that pass through the net in a second."""
        return self.images / self.total if self.total else 0.0

    def __str__(self) -> str:
        """Render a table of milliseconds with a line of totals."""
        whole = sum(layer.forward + layer.backward for layer in self.layers) or 1.0
        rows = [
            [
                layer.name,
                layer.type,
                *_milliseconds(layer.forward, layer.backward),
                f"{(layer.forward + layer.backward) / whole:.1%}",
            ]
            for layer in self.layers
        ]
        totals = ["total", "", *_milliseconds(self.forward, self.backward), ""]
        header = ["layer", "type", "forward ms", "backward ms", "share"]
        return render(header, [*rows, [], totals], "<<>>>")


def measure(
    net: Net,
    iterations: int = 50,
    *,
    backward: bool = True,
    warm_up: int = 2,
    clock: Callable[[], float] = perf_counter,
) -> Timing:
    """Run a net and return the median times of its layers and of whole passes.

    Layers are timed one by one; whole passes are as they always are, with layers fused.

    Args:
        net: as it is; parameters do not change, their gradients are cleared.
        iterations: passes to take the median of.
        backward: whether to run and time the backward pass too.
        warm_up: passes before, which are not counted.
        clock: seconds from any start.
    """
    forwards: list[float] = []
    backwards: list[float] = []
    with (
        _timed(net.before_forward, net.after_forward, len(net.layers), clock) as forward_times,
        _timed(net.before_backward, net.after_backward, len(net.layers), clock) as backward_times,
    ):
        for _ in range(warm_up + iterations):
            _iterate(net, backward)
    for _ in range(warm_up + iterations):
        start = clock()
        net.forward()
        middle = clock()
        if backward:
            net.backward()
        forwards.append(middle - start)
        backwards.append(clock() - middle if backward else 0.0)
        net.clear_grads()

    def median(times: list[float]) -> float:
        return statistics.median(times[warm_up:]) if times else 0.0

    layers = tuple(
        LayerTime(layer.name, layer.type, median(f), median(b))
        for layer, f, b in zip(net.layers, forward_times, backward_times, strict=True)
    )
    return Timing(layers, median(forwards), median(backwards), _batch(net), iterations)


def clock_of(engine: Any) -> Callable[[], float]:
    """Return a clock that waits until an engine has done what it was told, if that is needed."""
    device = getattr(engine, "device", None)
    if device is None:
        return perf_counter

    def read() -> float:
        device.stream.synchronize()
        return perf_counter()

    return read


def trace(net: Net, iterations: int = 3, *, backward: bool = True, warm_up: int = 2) -> Trace:
    """Run a net and return when its layers, and the primitives of its engine, ran."""
    for _ in range(warm_up):
        _iterate(net, backward)
    result = Trace()
    net.engine.trace = result
    for unit in net.units:
        unit.trace = result
    try:
        for _ in range(iterations):
            _iterate(net, backward)
    finally:
        net.engine.trace = None
        for unit in net.units:
            unit.trace = None
    return result


def _iterate(net: Net, backward: bool) -> None:
    net.forward()
    if backward:
        net.backward()
    net.clear_grads()


@contextmanager
def _timed(
    before: list[Hook], after: list[Hook], layers: int, clock: Callable[[], float]
) -> Iterator[list[list[float]]]:
    """Collect for each layer the seconds between its two hooks while the block runs."""
    times: list[list[float]] = [[] for _ in range(layers)]
    starts = [0.0] * layers

    def start(i: int) -> None:
        starts[i] = clock()

    def stop(i: int) -> None:
        times[i].append(clock() - starts[i])

    before.append(start)
    after.insert(0, stop)
    try:
        yield times
    finally:
        before.remove(start)
        after.remove(stop)


def _milliseconds(*seconds: float) -> list[str]:
    return [f"{s * 1e3:.3f}" for s in seconds]


def _batch(net: Net) -> int:
    """Return the length of the first axis of what the first layer delivers."""
    for tops in net.top_shapes:
        for top in tops:
            return top[0] if top else 1
    return 1

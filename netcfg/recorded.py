"""Passes of a training step as recorded segments: one launch each, with what must be in between.

The first steps run as ever. Then the work that layers queue is recorded, and from there on launched
again, on the same memory: blobs, gradients and parameters stay where they were. A layer that cannot
be recorded runs as ever in each step; what it hands to recorded layers is copied to where those
expect it.
"""

from collections.abc import Callable
from typing import Any, Protocol

from netcfg.engines.cuda.graphs import Action, Recorder, Recording
from netcfg.errors import NetError
from netcfg.fuse import Unit
from netcfg.graph import Blob
from netcfg.net import Net
from netcfg.placement import reason_of
from netcfg.types import Array


class Way(Protocol):
    """How batches of the CPU come to an array of the device."""

    def send(self, values: Any) -> None:
        """Queue the copy of a batch."""


class ChangedError(NetError):
    """A blob has another shape than when the step was recorded."""


class RecordedPasses:
    """Forward and backward passes of a net, recorded after the first few.

    Args:
        net: to train; nobody may look into its passes.
        stream: records.
        way: makes the way of batches to an array.
        count: passes in a step, whose gradients add up (``iter_size``).
        loss_scale: an array that losses are multiplied by before the backward pass, or None.

    Attributes:
        loss: Σ of the losses of a step's passes, on the device.
        recorder: runs the step.
    """

    def __init__(
        self,
        net: Net,
        stream: Recording,
        way: Callable[[Array], Way],
        count: int = 1,
        loss_scale: Array | None = None,
    ) -> None:
        self.net = net
        self.loss = net.engine.zeros((1,))
        self._way, self._scale, self._count = way, loss_scale, count
        self._kept: dict[str, Array] = {}
        actions = [action for _ in range(count) for action in self._actions()]
        self.recorder = Recorder(stream, actions)

    def step(self) -> Array:
        """Run the passes; return the mean loss as an array of its own."""
        self.net.clear_grads()
        self.loss.fill(0)
        replayed = self.recorder.recorded
        self.net._ran = self.net.units
        try:
            self.recorder.step()
        except ChangedError:
            self._start_again()
            replayed = False
        if replayed:
            self._count_on()
        return self.loss[0] / self._count

    def forget(self) -> None:
        """Record anew, because something has changed."""
        self.recorder.forget()

    def _actions(self) -> list[Action]:
        """Return what one pass consists of."""
        net = self.net
        forward = [self._forward(unit) for unit in net.units]
        back = [self._backward(unit) for unit in reversed(net.units) if unit.backward]
        return [*forward, Action("seed", self._seed), *back]

    def _forward(self, unit: Unit) -> Action:
        def run() -> None:
            loss = self.net._run(unit)
            if unit_counts:
                self.loss += loss

        unit_counts = any(top in self.net.plan.loss_weight for top in unit.tops)
        reason = self._reason(unit)
        if not reason:
            return Action(unit.name, run)
        crossing = _Crossing(self, unit, run)
        return Action(unit.name, crossing.run, reason, crossing.arrive)

    def _backward(self, unit: Unit) -> Action:
        def run() -> None:
            self.net._backward_unit(unit, self.net._grads, self._kept)

        reason = self._reason(unit)
        if not reason:
            return Action(unit.name, run)
        crossing = _CrossingBack(self.net, unit, run)
        return Action(unit.name, crossing.run, reason, crossing.arrive)

    def _seed(self) -> None:
        grads = self.net._seed_gradients({})
        if self._scale is not None:
            grads = {blob: dy * self._scale.reshape(()) for blob, dy in grads.items()}
        self.net._grads, self._kept = grads, {}

    def _reason(self, unit: Unit) -> str:
        """Return why a unit cannot be recorded; nothing where it can."""
        return next(filter(None, (reason_of(self.net.layers[i]) for i in unit.layers)), "")

    def _count_on(self) -> None:
        """Count what recorded layers do not count by themselves."""
        for unit in self.net.units:
            if not self._reason(unit):
                for i in unit.layers:
                    self.net.layers[i].step += self._count
        for param in self.net.params:
            param.changed()
        device = getattr(self.net.engine, "device", None)
        if device is not None:
            device.counters.forget()

    def _start_again(self) -> None:
        """Finish a step whose shapes are new as ever; a later one is recorded.

        Raises:
            ChangedError: part of it has been launched already.
        """
        started = self.recorder.forget()
        if started is None:
            raise ChangedError(
                f"net '{self.net.name}': the shape of a blob in its middle has changed, which "
                "recorded steps cannot follow; set NETCFG_GRAPHS=off"
            )
        self.recorder.finish(started)


class _Crossing:
    """The forward pass of a unit between recorded ones."""

    def __init__(self, passes: RecordedPasses, unit: Unit, run: Callable[[], None]) -> None:
        self.passes, self.net, self.unit, self._run = passes, passes.net, unit, run
        self.reads: dict[Blob, Array] = {}
        self.writes: dict[Blob, Array] = {}
        self.ways: dict[Blob, Way] = {}

    def run(self) -> None:
        """Run as ever, and note which arrays are read and written."""
        values = self.net._values
        self.reads = {b: values[b] for b in self.unit.bottoms}
        self._run()
        # Copies: others may hold the arrays, such as the program that feeds an Input layer.
        self.writes = {t: values[t].copy(order="K") for t in self.unit.tops}
        values.update(self.writes)
        self.ways = {}

    def arrive(self) -> None:
        """Run on what recorded layers wrote, and put the results where they read."""
        values = self.net._values
        batch = getattr(self.unit.runs, "batch", None)
        if batch is not None:
            self._send(batch())
            return
        values.update(self.reads)
        self._run()
        for top, fixed in self.writes.items():
            new = values[top]
            if new.shape != fixed.shape:
                raise ChangedError(self.unit.name)
            if new is not fixed:
                fixed[...] = new
            values[top] = fixed

    def _send(self, arrays: Any) -> None:
        """Send a batch from the CPU on its way."""
        layer = self.net.layers[self.unit.layers[0]]
        layer.step += 1
        values = self.net._values
        for top, array in zip(self.unit.tops, arrays, strict=True):
            fixed = self.writes[top]
            if array.shape != fixed.shape:
                values[top] = self.net.engine.asarray(array)
                continue
            if top not in self.ways:
                self.ways[top] = self.passes._way(fixed)
            self.ways[top].send(array)
            values[top] = fixed
        if any(values[top] is not self.writes[top] for top in self.unit.tops):
            raise ChangedError(self.unit.name)


class _CrossingBack:
    """The backward pass of a unit between recorded ones."""

    def __init__(self, net: Net, unit: Unit, run: Callable[[], None]) -> None:
        self.net, self.unit, self._run = net, unit, run
        self.reads: dict[Blob, Array] = {}
        self.writes: dict[Blob, Array] = {}
        self.params = [p.owner for i in unit.layers for p in net.layers[i].params]
        self.cleared: list[bool] = []

    def run(self) -> None:
        """Run as ever, and note which gradients are read and written."""
        grads = self.net._grads
        self.reads = {b: grads[b] for b in (*self.unit.tops, *self.unit.bottoms) if b in grads}
        self.cleared = [p.cleared for p in self.params]
        self._run()
        self.writes = {b: grads[b].copy(order="K") for b in self.unit.bottoms if b in grads}
        grads.update(self.writes)

    def arrive(self) -> None:
        """Run on what recorded layers wrote, and put the results where they read."""
        grads = self.net._grads
        grads.update(self.reads)
        for p, cleared in zip(self.params, self.cleared, strict=True):
            p.cleared = cleared
        self._run()
        for bottom, fixed in self.writes.items():
            if grads[bottom] is not fixed:
                fixed[...] = grads[bottom]
            grads[bottom] = fixed


def cuts(net: Net) -> list[str]:
    """Return a line for each layer that cuts a recorded step, and why."""
    return [
        f"{layer.name} ({layer.type}) {reason}"
        for layer in net.layers
        if (reason := reason_of(layer))
    ]

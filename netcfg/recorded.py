"""Passes of a training step as recorded segments: one launch each, with what must be in between.

The first steps run as ever. Then the work that layers queue is recorded, and from there on launched
again, on the same memory: blobs, gradients and parameters stay where they were. A layer that cannot
be recorded runs as ever in each step; what it hands to recorded layers is copied to where those
expect it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from netcfg.captured import Careful, ChangedError, Crossing, reason_for
from netcfg.engines.cuda.graphs import VARIABLE, Action, Recorder, Recording, Way, cut
from netcfg.fuse import Unit
from netcfg.graph import Blob
from netcfg.net import Net
from netcfg.types import Array, Phase


class RecordedPasses:
    """Forward and backward passes of a net, recorded after the first few.

    Args:
        net: to train; nobody may look into its passes.
        stream: records.
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
        count: int = 1,
        loss_scale: Array | None = None,
    ) -> None:
        self.net = net
        self.loss = net.engine.zeros((1,))
        self._careful, self._scale, self._count = Careful(stream), loss_scale, count
        self._at = ""
        self._kept: dict[str, Array] = {}
        actions = [action for _ in range(count) for action in self._actions()]
        self.recorder = Recorder(self, actions)

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

    # What the recorder is given -----------------------------------------------------------------

    @property
    def refused(self) -> bool:
        """Whether recording has failed, so that steps should run as ever."""
        return self._careful.refused

    def capture(self, work: Callable[[], None]) -> Any:
        """Note what ``work`` queues, or do it; see ``Careful``."""
        return self._careful.capture(work, lambda: self._at, _undo(self.net))

    def memory(self) -> Any:
        """Return a context in which arrays come from memory that only recorded steps use."""
        return self._careful.stream.memory()

    def way(self, target: Array) -> Way:
        """Return the way of batches of the CPU to an array."""
        return self._careful.stream.way(target)

    def _actions(self) -> list[Action]:
        """Return what one pass consists of."""
        net = self.net
        forward = [self._forward(unit) for unit in net.units]
        back = [self._backward(unit) for unit in reversed(net.units) if unit.backward]
        return [*forward, Action("seed", self._seed), *back]

    def _forward(self, unit: Unit) -> Action:
        def run() -> None:
            self._at = unit.name
            loss = self.net._run(unit)
            if unit_counts:
                self.loss += loss

        unit_counts = any(top in self.net.plan.loss_weight for top in unit.tops)
        reason = reason_for(unit, self.net.layers)
        if not reason:
            return Action(unit.name, run)
        layer = self.net.layers[unit.layers[0]]
        crossing = Crossing(unit, layer, self.net._values, run, self.way)
        return Action(unit.name, crossing.run, reason, crossing.arrive)

    def _backward(self, unit: Unit) -> Action:
        def run() -> None:
            self._at = unit.name
            self.net._backward_unit(unit, self.net._grads, self._kept)

        reason = reason_for(unit, self.net.layers)
        if not reason:
            return Action(unit.name, run)
        crossing = _CrossingBack(self.net, unit, run)
        return Action(unit.name, crossing.run, reason, crossing.arrive)

    def _seed(self) -> None:
        grads = self.net._seed_gradients({})
        if self._scale is not None:
            grads = {blob: dy * self._scale.reshape(()) for blob, dy in grads.items()}
        self.net._grads, self._kept = grads, {}

    def _count_on(self) -> None:
        """Count what recorded layers do not count by themselves."""
        for unit in self.net.units:
            if not reason_for(unit, self.net.layers):
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


def _undo(net: Net) -> Callable[[], None]:
    """Return what puts a net back to now; what its arrays hold is left as it is."""
    values, grads, by_blob = dict(net._values), net._grads, dict(net._grads)
    layers = [(layer, layer.step) for layer in net.layers]
    params = [(p, p.cleared) for p in net.params]
    saved = [(unit.runs, unit.runs.saved) for unit in net.units]

    def undo() -> None:
        net._values.clear()
        net._values.update(values)
        net._grads = grads
        grads.clear()
        grads.update(by_blob)
        for layer, step in layers:
            layer.step = step
        for p, cleared in params:
            p.cleared = cleared
        for runs, kept in saved:
            runs.saved = kept
        device = getattr(net.engine, "device", None)
        if device is not None:
            device.counters.forget()

    return undo


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
        for blob in (*self.unit.tops, *self.unit.bottoms):
            grads.pop(blob, None)  # launches take no gradients away
        grads.update(self.reads)
        for p, cleared in zip(self.params, self.cleared, strict=True):
            p.cleared = cleared
        self._run()
        for bottom, fixed in self.writes.items():
            if grads[bottom] is not fixed:
                fixed[...] = grads[bottom]
            grads[bottom] = fixed


def report(net: Net) -> str:
    """Say what is launched and what is not, where steps or passes of a net are recorded."""
    if net.engine.stream() is None:
        return f"nothing is recorded: {VARIABLE} is off, or cuBLASLt or cuDNN is missing"
    what = "training step" if net.phase is Phase.TRAIN else "pass"
    return "\n  ".join([f"a recorded {what} is", *segments(net)])


def segments(net: Net) -> list[str]:
    """Return a line for each part of a recorded step or, at TEST, of a recorded pass.

    A part is a launch of all that follows each other, or a unit that runs as ever, and why.
    """

    def nothing() -> None:
        """Stand for the work."""

    def actions(units: Sequence[Unit], pass_: str) -> list[Action]:
        return [
            Action(f"{unit.name}{pass_}", nothing, reason_for(unit, net.layers)) for unit in units
        ]

    parts = actions(net.units, "")
    if net.phase is Phase.TRAIN:
        back = [unit for unit in reversed(net.units) if unit.backward]
        parts += [Action("seed", nothing), *actions(back, " backward")]
    return [_line(segment.actions, net) for segment in cut(parts)]


def _line(actions: Sequence[Action], net: Net) -> str:
    first, last = actions[0], actions[-1]
    if first.reason:
        types = {layer.name: layer.type for layer in net.layers}
        kind = types.get(first.name.removesuffix(" backward"), "")
        return f"{first.name} ({kind}) {first.reason}" if kind else f"{first.name} {first.reason}"
    if first is last:
        return f"a launch of a unit: {first.name}"
    return f"a launch of {len(actions)} units: {first.name} to {last.name}"

"""Forward passes of a net at TEST as graphs of a card, with what must run in between.

The first pass of a shape runs as ever and the second is recorded, from then on its graphs are
launched on the same memory. A unit that cannot be recorded runs as ever in each pass; what it hands
to recorded ones is copied to where those expect it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from netcfg.engines.cuda.graphs import Action, Recorder, Recording, Way
from netcfg.engines.cuda.launch import address
from netcfg.errors import NetError
from netcfg.fuse import Unit
from netcfg.graph import Blob
from netcfg.layer import Layer
from netcfg.placement import reason_of
from netcfg.types import Array

if TYPE_CHECKING:
    from netcfg.prepared import Prepared

TRIES = 3
"""How often shapes may change behind a layer before nothing after it is recorded."""

Undo = Callable[[], None]

VARIES = "comes after a layer whose shapes change"


class ChangedError(NetError):
    """A blob has another shape than when a step was recorded."""


class Crossing:
    """The forward pass of a unit between recorded ones.

    Args:
        unit: runs as ever.
        layer: the first of its layers.
        values: arrays by blob, of the net.
        run: runs the unit.
        way: makes the way of batches of the CPU to an array.
    """

    def __init__(
        self,
        unit: Unit,
        layer: Layer,
        values: dict[Blob, Array],
        run: Callable[[], None],
        way: Callable[[Array], Way],
    ) -> None:
        self.unit, self.layer, self.values = unit, layer, values
        self._run, self._way = run, way
        self.reads: dict[Blob, Array] = {}
        self.writes: dict[Blob, Array] = {}
        self.ways: dict[Blob, Way] = {}

    def run(self) -> None:
        """Run as ever, and note which arrays are read and written."""
        self.reads = {b: self.values[b] for b in self.unit.bottoms}
        self._run()
        # Copies: others may hold the arrays, such as the program that feeds an Input layer.
        self.writes = {t: self.values[t].copy(order="K") for t in self.unit.tops}
        self.values.update(self.writes)
        self.ways = {}

    def arrive(self) -> None:
        """Run on what recorded layers wrote, and put the results where they read.

        Raises:
            ChangedError: a result has another shape than when it was recorded.
        """
        batch = getattr(self.unit.runs, "batch", None)
        if batch is not None:
            self._send(batch())
            return
        self.values.update(self.reads)
        self._run()
        for top, fixed in self.writes.items():
            new = self.values[top]
            if new.shape != fixed.shape:
                raise ChangedError(self.unit.name)
            if new is not fixed:
                fixed[...] = new
            self.values[top] = fixed

    def _send(self, arrays: Any) -> None:
        """Send a batch from the CPU on its way."""
        self.layer.step += 1
        for top, array in zip(self.unit.tops, arrays, strict=True):
            fixed = self.writes[top]
            if array.shape != fixed.shape:
                self.values[top] = self.layer.engine.asarray(array)
                continue
            if top not in self.ways:
                self.ways[top] = self._way(fixed)
            self.ways[top].send(array)
            self.values[top] = fixed
        if any(self.values[top] is not self.writes[top] for top in self.unit.tops):
            raise ChangedError(self.unit.name)


def reason_for(unit: Unit, layers: Sequence[Layer]) -> str:
    """Return why a unit cannot be recorded; nothing where it can."""
    return next(filter(None, (reason_of(layers[i]) for i in unit.layers)), "")


def kept(layers: Sequence[Layer]) -> list[int]:
    """Return where recorded layers keep what one pass hands to the next.

    Graphs read and write it there: where it has moved, they no longer hold.
    """
    able = (layer for layer in layers if type(layer).state is not Layer.state)
    return [address(a) for layer in able if not reason_of(layer) for a in layer.state().values()]


class Careful:
    """Records work; what cannot be recorded is done as ever, and from then on all is.

    Args:
        stream: records.

    Attributes:
        refused: whether recording has failed.
    """

    def __init__(self, stream: Recording) -> None:
        self.stream = stream
        self.refused = False

    def capture(self, work: Callable[[], None], name: Callable[[], str], undo: Undo) -> Any:
        """Note what ``work`` queues, or do it.

        Args:
            work: of which nothing has been done where noting it fails.
            name: of the layer that is noted.
            undo: puts Python's side back to before.
        """
        try:
            return self.stream.capture(work)
        except NetError:
            raise
        except Exception as error:  # libraries raise what they like when they cannot be recorded
            logging.getLogger(__name__).warning(
                "layer '%s' cannot be recorded, so that passes run as ever: %s", name(), error
            )
            self.refused = True
            undo()
            work()
            return _Done()


class Captures(Careful):
    """What the passes of a net share, whatever their shapes.

    Args:
        stream: records.

    Attributes:
        end: how many units may be recorded; None for all.
    """

    def __init__(self, stream: Recording) -> None:
        super().__init__(stream)
        self.end: int | None = None
        self._changes: Counter[int] = Counter()

    def changed(self, i: int) -> None:
        """Note that the shapes of unit ``i`` were not what they had been."""
        self._changes[i] += 1
        if self._changes[i] >= TRIES:
            self.end = i + 1 if self.end is None else min(self.end, i + 1)


class Captured:
    """A pass for one shape of inputs and one state of engine and parameters.

    Args:
        net: whose passes nobody looks into.
        captures: what all passes of the net share.
        state: of engine and parameters.

    Attributes:
        state: likewise.
        tape: runs the pass, once it is recorded.
        valid: whether what was recorded holds.
    """

    def __init__(self, net: "Prepared", captures: Captures, state: Any) -> None:
        self.net, self.captures, self.state = net, captures, state
        self.tape: Recorder | None = None
        self.valid = True
        self._loss = net.engine.zeros((1,))
        self._values: dict[Blob, Array] = {}
        self._reasons = [reason_for(unit, net.layers) for unit in net.units]
        end = len(net.units) if captures.end is None else captures.end
        self._tail = range(end, len(net.units))
        self._crossed = self._between()
        self._made: dict[Blob, Array] = {}
        self._at = 0
        self._alive: list[Any] = []

    def warm(self) -> float:
        """Run all units as ever, on the memory that recorded ones will use."""
        with self.captures.stream.memory():
            return sum(map(self.net.run, self.net.units))

    # Recording -----------------------------------------------------------------------------------

    def note(self, values: dict[Blob, Array]) -> Any:
        """Record all units, run them, and return the loss."""
        self._values = values
        actions = [self._action(n, unit) for n, unit in enumerate(self.net.units)]
        self._begin()
        tape = Recorder(self, actions, warm_up=0)
        tape.step()
        self.tape = tape
        # Graphs go on reading what layers hold now, even if these hold something else one day.
        layers = [self.net.layers[i] for unit in self.net.units for i in unit.layers]
        runs = [unit.runs for unit in self.net.units]
        self._alive = [dict(vars(each)) for each in (*layers, *runs)]
        return self._finish()

    def capture(self, work: Callable[[], None]) -> Any:
        """Note what ``work`` queues, or do it; see ``Careful``."""
        values, steps = dict(self._values), [layer.step for layer in self.net.layers]

        def undo() -> None:
            self._values.clear()
            self._values.update(values)
            for layer, step in zip(self.net.layers, steps, strict=True):
                layer.step = step

        return self.captures.capture(work, lambda: self.net.units[self._at].name, undo)

    def memory(self) -> AbstractContextManager[None]:
        """Return a context in which arrays come from memory that only recorded passes use."""
        context: AbstractContextManager[None] = self.captures.stream.memory()
        return context

    def way(self, target: Array) -> Way:
        """Return the way of batches of the CPU to an array."""
        return self.captures.stream.way(target)

    def _action(self, n: int, unit: Unit) -> Action:
        def run() -> None:
            self._at = n
            loss = self.net.run(unit)
            if any(top in self.net.counted for top in unit.tops):
                self._loss += loss

        def recorded() -> None:
            run()
            self._made |= {t: self._values[t] for t in unit.tops if t in self._crossed}

        def after() -> None:
            if n == self._tail.start:
                self._values.update(self._made)
            run()

        def arrive() -> None:
            self._at = n
            crossing.arrive()

        if n in self._tail:
            return Action(unit.name, run, self._reasons[n] or VARIES, after)
        if not self._reasons[n]:
            return Action(unit.name, recorded)
        layer = self.net.layers[unit.layers[0]]
        crossing = Crossing(unit, layer, self._values, run, self.way)
        return Action(unit.name, crossing.run, self._reasons[n], arrive)

    def _between(self) -> set[Blob]:
        """Return the blobs that are read elsewhere than in the segment that writes them."""
        segment, made, found = 0, dict[Blob, int](), set(self.net.wanted)
        for n, unit in enumerate(self.net.units):
            alone = [m in self._tail or bool(self._reasons[m]) for m in (max(n - 1, 0), n)]
            segment += any(alone)
            found |= {b for b in unit.bottoms if made.get(b) != segment}
            made |= dict.fromkeys(unit.tops, segment)
        return found

    # Replaying -----------------------------------------------------------------------------------

    def replay(self, values: dict[Blob, Array]) -> Any:
        """Launch what was recorded, with the units in between, and return the loss."""
        assert self.tape  # noqa: S101 - who calls has looked
        self._begin()
        try:
            self.tape.step()
            self._count(len(self.net.units))
            values.update(self._made)
        except ChangedError:
            self._count(self._at)
            values.update(self._made)
            self._go_on(self._at)
        return self._finish()

    def _begin(self) -> None:
        if self.net.counted:
            self._loss.fill(0)

    def _go_on(self, i: int) -> None:
        """Run the units after one whose tops have another shape than when they were recorded."""
        self.valid = False
        self.captures.changed(i)
        for unit in self.net.units[i + 1 :]:
            loss = self.net.run(unit)
            if any(top in self.net.counted for top in unit.tops):
                self._loss += loss

    def _count(self, end: int) -> None:
        """Count the passes of layers that were launched, among the first units."""
        for n in range(min(end, self._tail.start)):
            if not self._reasons[n]:
                for i in self.net.units[n].layers:
                    self.net.layers[i].step += 1
        device = getattr(self.net.engine, "device", None)
        if device is not None:
            device.counters.forget()

    def _finish(self) -> Any:
        """Leave copies of what is wanted, which no later pass writes to; return the loss."""
        values = self._values
        found = {blob: values[blob].copy(order="K") for blob in self.net.wanted}
        values.clear()
        values.update(found)
        return self._loss.sum() if self.net.counted else 0.0


class _Done:
    """In place of a graph, work that is done."""

    def launch(self) -> None:
        """Do nothing."""

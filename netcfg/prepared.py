"""A net at TEST as a prepared list of steps: calls of the engine, bound once to planned memory.

In the second pass with the same input shapes and weights the engine notes which operations run and
where their arguments lie. From the third pass on, units whose tops come from noted operations alone
are those operations, with no Python in between; any other unit, such as a data or a Python layer,
runs as ever. On a card the second pass is recorded as graphs instead: ``netcfg.captured``.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from netcfg.captured import Captured, Captures, kept
from netcfg.engines.base import Engine
from netcfg.fuse import Unit
from netcfg.graph import Blob, Graph
from netcfg.layer import Layer
from netcfg.layers.input import Input
from netcfg.param import unique
from netcfg.types import Array

SHAPES = 4
"""How many shapes of inputs stay prepared: those used last."""
TRIES = 3
"""How often shapes may change within a net, for the same inputs, before it is left as it is."""


class Prepared:
    """Passes of a net that nobody looks into.

    Args:
        engine: runs the net.
        graph: of the net.
        layers: of the net.
        units: what runs, in order.
        names: of blobs that are read after a pass.
        counted: blobs that count in the loss.
        run: runs a unit, stores its tops, releases what nobody reads any more and returns what the
            tops add to the loss.
    """

    def __init__(
        self,
        engine: Engine,
        graph: Graph,
        layers: Sequence[Layer],
        units: Sequence[Unit],
        names: Collection[str],
        counted: Collection[Blob],
        run: Callable[[Unit], float],
    ) -> None:
        self.engine, self.layers, self.units = engine, layers, units
        self.counted, self.run = counted, run
        last = {blob.name: blob for blob in graph.blobs()}
        self.wanted = [blob for name, blob in last.items() if name in names]
        self._params = unique(p for layer in layers for p in layer.params)
        self._inputs = [layer for layer in layers if isinstance(layer, Input)]
        self._passes: dict[Hashable, _Pass | Captured] = {}
        self._surprises = 0
        stream = engine.stream()
        self._captures = Captures(stream) if stream else None

    def forward(self, values: dict[Blob, Array]) -> Any:
        """Run all units and return the loss.

        Args:
            values: arrays by blob; afterwards it holds what is wanted.
        """
        if self._plain():
            return sum(map(self.run, self.units))
        key = tuple(_layout(a) for layer in self._inputs for a in layer.forward())
        state = self._state()
        found = self._passes.pop(key, None)
        while len(self._passes) >= SHAPES:
            del self._passes[next(iter(self._passes))]
        if found is None or found.state != state or not found.valid:
            found = self._passes[key] = self._begin(state)
            return found.warm()
        self._passes[key] = found
        return found.replay(values) if found.tape else found.note(values)

    def _plain(self) -> bool:
        """Return whether passes run as ever."""
        if self._captures and self._captures.refused:
            self._passes.clear()
            self._captures, self._surprises = None, TRIES
        traced = self._captures is not None and self.engine.trace is not None
        return traced or self._surprises == TRIES

    def _state(self) -> Any:
        """Return what must stay as it is for what was noted to hold."""
        params = [(p.version, p.exposed) for p in self._params]
        return self.engine.state, params, kept(self.layers) if self._captures else []

    def _begin(self, state: Any) -> "_Pass | Captured":
        return Captured(self, self._captures, state) if self._captures else _Pass(self, state)

    def surprised(self) -> None:
        """Note that a shape was not what it had been; after ``TRIES`` times nothing is prepared."""
        self._surprises += 1


@dataclass
class _Step:
    """One unit that runs by itself, or several that are calls of the engine.

    Attributes:
        units: the unit or units.
        calls: whether they are calls.
        layouts: of the tops of a unit that runs by itself, where calls read them.
        shown: arrays that calls write and a unit that runs by itself reads, or the caller.
        done: blobs that nobody reads after the calls.
        layers: that the calls stand for.
    """

    units: list[Unit]
    calls: bool
    layouts: dict[Blob, Any] = field(default_factory=dict)
    shown: dict[Blob, Array] = field(default_factory=dict)
    done: list[Blob] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)


class _Pass:
    """A pass for one shape of inputs and one state of engine and parameters.

    Attributes:
        state: of engine and parameters.
        tape: the bound calls, once they are noted.
        valid: whether what was noted holds.
    """

    def __init__(self, prepared: Prepared, state: Any) -> None:
        self.net, self.state = prepared, state
        self.tape: Any = None
        self.valid = True
        self._steps: list[_Step] = []
        self._made: dict[Blob, Any] = {}

    def warm(self) -> float:
        """Run all units as ever."""
        return sum(map(self.net.run, self.net.units))

    # Noting ------------------------------------------------------------------------------------

    def note(self, values: dict[Blob, Array]) -> float:
        """Run all units, note what the engine does, and plan its memory."""
        recorder = self.net.engine.recorder()
        if recorder is None:
            return self.warm()
        loss = 0.0
        groups: list[Any] = []
        for unit in self.net.units:
            more, calls = self._watch(recorder, unit, values)
            loss += more
            if calls is None:
                layouts = {top: _layout(values[top]) for top in unit.tops}
                self._steps.append(_Step([unit], False, layouts))
                groups.append(None)
                continue
            self._made |= {top: recorder.spot(values[top]) for top in unit.tops}
            if not groups or groups[-1] is None:
                self._steps.append(_Step([], True))
                groups.append([])
            self._steps[-1].units.append(unit)
            groups[-1] += calls
        for blob in self.net.wanted:
            recorder.touch(values[blob])
            values[blob] = values[blob].copy(order="K")  # it may be read-only
        self.tape = recorder.bind(groups)
        self._made = {blob: self.tape.array(spot) for blob, spot in self._made.items()}
        self._show()
        return loss

    def _watch(self, recorder: Any, unit: Unit, values: dict[Blob, Array]) -> tuple[float, Any]:
        """Run a unit; return its loss and its calls, None where they are not all that it does."""
        net = self.net
        bottoms = {b: values[b] for b in unit.bottoms}
        for bottom in bottoms.values():
            recorder.touch(bottom)
        params = [p.value for i in unit.layers for p in net.layers[i].params]
        given = {b: a for b, a in bottoms.items() if b not in self._made}
        recorder.watch(given, [*params, *getattr(unit.runs, "constants", ())])
        try:
            loss = net.run(unit)
        except ValueError:  # NumPy has to write to what an operation made
            recorder.stop()
            values |= {b: a.copy(order="K") for b, a in bottoms.items()}
            loss = net.run(unit)
            values |= {b: a for b, a in bottoms.items() if b in values}
            return loss, None
        finally:
            recorder.stop()
        if any(top in net.counted for top in unit.tops):
            return loss, None
        return loss, recorder.calls([values[top] for top in unit.tops])

    def _show(self) -> None:
        """Decide which arrays the calls hand to others, and which of those they read may change."""
        read = {b for s in self._steps if s.calls for unit in s.units for b in unit.bottoms}
        alone = {b for step in self._steps if not step.calls for b in step.units[0].bottoms}
        alone.update(self.net.wanted)
        for step in self._steps:
            step.layouts = {blob: layout for blob, layout in step.layouts.items() if blob in read}
            if step.calls:
                tops = [top for unit in step.units for top in unit.tops]
                step.shown = {top: self._made[top] for top in tops if top in alone}
                step.done = [blob for unit in step.units for blob in unit.release]
                step.layers = [self.net.layers[i] for unit in step.units for i in unit.layers]

    # Replaying ---------------------------------------------------------------------------------

    def replay(self, values: dict[Blob, Array]) -> float:
        """Run the calls, and the units in between."""
        loss = 0.0
        for i, step in enumerate(self._steps):
            if step.calls:
                self.tape.run(i, values)
                for layer in step.layers:
                    layer.step += 1
                values |= step.shown
                for blob in step.done:
                    values.pop(blob, None)
                continue
            loss += self.net.run(step.units[0])
            if any(_layout(values[top]) != layout for top, layout in step.layouts.items()):
                return loss + self._go_on(values, i + 1)
        for blob in self.net.wanted:
            if blob in self._made:
                values[blob] = values[blob].copy(order="K")
        return loss

    def _go_on(self, values: dict[Blob, Array], i: int) -> float:
        """Run the units from a step on: an array has come whose shape is not the one noted."""
        self.valid = False
        self.net.surprised()
        units = [unit for step in self._steps[i:] for unit in step.units]
        read = {blob for unit in units for blob in unit.bottoms} | set(self.net.wanted)
        values |= {b: a.copy(order="K") for b, a in self._made.items() if b in read}
        return sum(map(self.net.run, units))


def _layout(array: Array) -> Hashable:
    return array.shape, array.strides, array.dtype

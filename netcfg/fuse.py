"""Which layers of a net run as one, and in what order the units run."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from netcfg.carried import runs
from netcfg.fused import Folded, Fused, NormScale, ThenReLU
from netcfg.graph import Blob, Graph
from netcfg.layer import Layer
from netcfg.layers.activation import ReLU
from netcfg.layers.combine import Eltwise
from netcfg.layers.conv import Convolution
from netcfg.layers.inner_product import InnerProduct
from netcfg.layers.normalization import BatchNorm
from netcfg.layers.scale import Scale
from netcfg.netcfg_pb2 import EltwiseParameter
from netcfg.plan import Plan
from netcfg.trace import Trace
from netcfg.types import Array, Shapes

LARGE = 256 << 20
"""Bytes that make it worth while to compute blobs again rather than to keep them."""


@dataclass
class Unit:
    """A layer, or several that run as one.

    Attributes:
        layers: their indices.
        bottoms: blobs from outside that they read.
        tops: blobs that they write for others.
        runs: the layer, or what stands for several.
        release: blobs that nobody reads after this unit.
        backward: whether the backward pass runs it.
        need: for each bottom, whether its gradient is wanted.
        shapes: of the bottoms, at the last pass.
        name: of its layers.
        again: makes the bottom once more for the backward pass, which does not keep it.
        trace: where its passes are recorded.
    """

    layers: tuple[int, ...]
    bottoms: tuple[Blob, ...]
    tops: tuple[Blob, ...]
    runs: Any
    release: tuple[Blob, ...]
    backward: bool
    need: tuple[bool, ...]
    shapes: Shapes | None = None
    name: str = ""
    again: Callable[[], Array] | None = None
    trace: Trace | None = None

    def forward(self, *bottoms: Array) -> Any:
        """Run the forward pass; see ``Layer.forward``."""
        with self.trace.span(self.name, "forward") if self.trace else nullcontext():
            tops = self.runs.forward(*bottoms)
        if self.again and self.runs.saved:
            self.runs.saved = ()
        return tops

    def pass_back(self, *tops: Array) -> Any:
        """Run the backward pass; see ``Layer.backward``."""
        with self.trace.span(self.name, "backward") if self.trace else nullcontext():
            if self.again and self.runs.saved is not None:
                self.runs.saved = [self.again()]
            return self.runs.backward(*tops)


def single_units(
    graph: Graph, layers: Sequence[Layer], plan: Plan, keep: Collection[str]
) -> list[Unit]:
    """Return a unit for each layer; arguments as ``fused_units`` has them."""
    return _units(graph, layers, plan, [(i,) for i in range(len(layers))], keep, Fused)


def fused_units(
    graph: Graph, layers: Sequence[Layer], plan: Plan, keep: Collection[str], backward: bool
) -> list[Unit]:
    """Return units that run as many layers at once as give the same results.

    Layers with blobs of several types stay apart, so that each blob gets its own.

    Args:
        graph: layers and blobs.
        layers: the layers.
        plan: gradients wanted.
        keep: names of blobs that must be there afterwards.
        backward: whether a backward pass may follow.
    """
    if any(getattr(layer.engine, "mixed", False) for layer in layers):
        return single_units(graph, layers, plan, keep)
    chains = _Chains(graph, layers, plan, keep, backward)
    groups: list[tuple[int, ...]] = []
    taken: set[int] = set()
    # Convolutions that take in what follows come first; of two that meet in a sum the later one.
    for i in sorted(range(len(layers)), key=lambda i: (not chains.folds(i), -i)):
        group = tuple(itertools.takewhile(lambda j: j not in taken, chains.longest(i)))
        if len(group) > 1:
            groups.append(group)
            taken.update(group)
    groups += [(i,) for i in range(len(layers)) if i not in taken]
    groups.sort(key=lambda group: group[-1])
    units = _units(graph, layers, plan, groups, keep, chains.fused)
    if backward:
        _repeat(units, keep)
    return units


def _repeat(units: Sequence[Unit], keep: Collection[str]) -> None:
    """Have normalizations run twice that only a convolution reads, where that saves much memory.

    The gradients of the convolution's weights need its bottom, which would be kept for them.
    """
    made: dict[Blob, Any] = {
        unit.tops[0]: unit.runs for unit in units if isinstance(unit.runs, NormScale)
    }
    readers = Counter(bottom for unit in units for bottom in unit.bottoms)
    pairs = [
        (made[unit.bottoms[0]], unit)
        for unit in units
        if unit.bottoms[:1]
        and unit.bottoms[0] in made
        and readers[unit.bottoms[0]] == 1
        and unit.bottoms[0].name not in keep
        and len(unit.layers) == 1
        and _is_plain_conv(unit.runs)
    ]
    if 4 * sum(math.prod(norm.norm.x_shape) for norm, _ in pairs) >= LARGE:
        for norm, unit in pairs:
            norm.repeats, unit.again = True, norm.again


class _Chains:
    """Finds layers that follow each other with nobody else looking at what is between."""

    def __init__(
        self,
        graph: Graph,
        layers: Sequence[Layer],
        plan: Plan,
        keep: Collection[str],
        backward: bool,
    ) -> None:
        self.graph, self.layers, self.plan = graph, layers, plan
        self.keep, self.backward = keep, backward
        self.readers: dict[Blob, list[int]] = {}
        for i, node in enumerate(graph.nodes):
            for blob in node.bottoms:
                self.readers.setdefault(blob, []).append(i)

    def folds(self, i: int) -> bool:
        """Return whether a layer takes the layers after it into its weights."""
        return not self.backward and _folds(self.layers[i])

    def fused(self, members: Sequence[Layer]) -> Fused:
        """Return what stands for layers that run as one."""
        if isinstance(members[0], BatchNorm):
            return NormScale(members)
        fold = not self.backward and _folds(members[0])
        return Folded(members) if fold else ThenReLU(members)

    def longest(self, i: int) -> tuple[int, ...]:
        """Return the layers that can run as one with layer ``i`` as the first."""
        layer = self.layers[i]
        if self.folds(i):
            return self._walk(i, [_is_fixed_norm, _is_channel_scale, _is_sum, _bends])
        if isinstance(layer, BatchNorm) and not layer.fixed and len(layer.x_shape) > 1:
            group = self._walk(i, [_is_channel_scale, _is_plain_relu])
            return group if len(group) > 1 and _has_bias(self.layers[group[1]]) else (i,)
        if _is_plain_conv(layer) or isinstance(layer, InnerProduct) or _is_sum(layer):
            return self._walk(i, [_bends])
        return (i,)

    def _walk(self, i: int, wanted: Sequence[Callable[[Layer], bool]]) -> tuple[int, ...]:
        """Follow the only reader of each top, through some of the wanted layers in order."""
        group = [i]
        rest = list(wanted)
        while rest:
            after = self._only_reader(group[-1])
            while rest and (after is None or not rest[0](self.layers[after])):
                rest.pop(0)
            if rest and after is not None:
                group.append(after)
                rest.pop(0)
        return tuple(group)

    def _only_reader(self, i: int) -> int | None:
        """Return the layer that alone reads the only top of a layer."""
        tops = self.graph.nodes[i].tops
        readers = self.readers.get(tops[0], [])
        alone = len(tops) == 1 and len(readers) == 1 and tops[0] not in self.plan.loss_weight
        return readers[0] if alone and tops[0].name not in self.keep else None


def _folds(layer: Layer) -> bool:
    """Return whether weights may stand for those of several layers."""
    flat = (
        isinstance(layer, InnerProduct)
        and layer.first == 1
        and not (layer.transposed or layer.normalized)
    )
    return flat or _is_plain_conv(layer)


def _is_plain_conv(layer: Layer) -> bool:
    return (
        isinstance(layer, Convolution)
        and len(layer.config.bottom) == 1
        and layer.channel_axis == 1
        and layer.margins is None
    )


def _is_fixed_norm(layer: Layer) -> bool:
    return isinstance(layer, BatchNorm) and layer.fixed


def _is_channel_scale(layer: Layer) -> bool:
    return isinstance(layer, Scale) and not layer.given and layer.single == 1


def _has_bias(layer: Layer) -> bool:
    return len(layer.params) == 2


def _is_sum(layer: Layer) -> bool:
    return (
        isinstance(layer, Eltwise)
        and layer.operation == EltwiseParameter.SUM
        and layer.coeffs == [1.0, 1.0]
    )


def _bends(layer: Layer) -> bool:
    return isinstance(layer, ReLU) and layer.slope >= 0 and not layer.capped


def _is_plain_relu(layer: Layer) -> bool:
    return _bends(layer) and isinstance(layer, ReLU) and layer.slope == 0


def _units(
    graph: Graph,
    layers: Sequence[Layer],
    plan: Plan,
    groups: Sequence[tuple[int, ...]],
    keep: Collection[str],
    fused: Callable[[Sequence[Layer]], Fused],
) -> list[Unit]:
    """Return a unit for each group, in the order given."""
    bottoms = [_outer_bottoms(graph, group) for group in groups]
    last = {blob: n for n, blobs in enumerate(bottoms) for blob in blobs}
    return [
        Unit(
            layers=group,
            bottoms=bottoms[n],
            tops=graph.nodes[group[-1]].tops,
            runs=runs(layers[group[0]]) if len(group) == 1 else fused([layers[i] for i in group]),
            release=tuple(
                b for b in dict.fromkeys(bottoms[n]) if last[b] == n and b.name not in keep
            ),
            backward=any(i in plan.backward for i in group),
            need=_outer_need(graph, plan, group),
            name=" + ".join(layers[i].name for i in group),
        )
        for n, group in enumerate(groups)
    ]


def _outer_bottoms(graph: Graph, group: Sequence[int]) -> tuple[Blob, ...]:
    """Return the bottoms of the first layer, then the others' that no member writes."""
    inner = {top for i in group for top in graph.nodes[i].tops}
    return tuple(b for i in group for b in graph.nodes[i].bottoms if b not in inner)


def _outer_need(graph: Graph, plan: Plan, group: Sequence[int]) -> tuple[bool, ...]:
    inner = {top for i in group for top in graph.nodes[i].tops}
    return tuple(
        need
        for i in group
        for b, need in zip(graph.nodes[i].bottoms, plan.need[i], strict=True)
        if b not in inner
    )

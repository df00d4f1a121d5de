"""A net: layers connected by named blobs, run forward and backward.

The net does once what Caffe spreads over its layers: it adds the gradients of several readers,
rebinds names for in-place layers, shares parameters by name, seeds the backward pass with the loss
weights, and adds file, line and layer to every error.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from netcfg.engines import for_type, get_engine
from netcfg.engines.base import Engine
from netcfg.errors import NetError, nearest
from netcfg.fuse import Unit, fused_units, single_units
from netcfg.graph import Blob, Node, build_graph
from netcfg.layer import Context, Layer, as_arrays, as_shapes, located, total
from netcfg.layers.input import Input  # its package fills the registry
from netcfg.memory import fitting
from netcfg.netcfg_pb2 import NetParameter, NetState
from netcfg.param import unique
from netcfg.phases import filter_net, left_out
from netcfg.places import where
from netcfg.plan import make_plan
from netcfg.prepared import Prepared
from netcfg.schema import as_net
from netcfg.types import Array, Phase, Shapes
from netcfg.weights import (
    Blobs,
    LayerState,
    LoadReport,
    layer_state,
    load_weights,
    refuse_namesake,
    share_params,
    take_blobs,
)

Hook = Callable[[int], None]
"""Called with the index of a layer before or after one of its passes."""


class Net:
    """Layers built from a prototxt for one phase.

    Args:
        source: a prototxt file or a parsed net.
        phase: TRAIN or TEST.
        engine: where it runs; the best one at hand where None.
        level: for ``include { min_level }`` rules.
        stages: for ``include { stage }`` rules.
        seed: decides initial weights and every other random number.
        keep: blobs that stay readable in ``blobs`` and ``diffs`` although other layers read them;
            ``"all"`` keeps every one.
        skip_bad_data: unreadable records that each data layer may pass over.
        share: a net whose parameters the layers of the same name use.

    Attributes:
        name: of the net.
        config: the net as it runs: upgraded and filtered by phase.
        layers: in the order in which they run.
        params: each parameter once, in the order of declaration.
        inputs, outputs: names of blobs that are fed, and that no layer reads.
        blobs: arrays by name after ``forward``: the outputs and what ``keep`` names.
        diffs: gradients by name after ``backward``: of the inputs and what ``keep`` names.
        loss: Σ weight · top over the blobs of ``loss_weight``; on a GPU an array of one.
        units: what runs: layers, or several fused.
        before_forward, after_forward, before_backward, after_backward: hooks around each layer.

    Raises:
        NetError: the file or the net is wrong; the message begins with file, line and layer.
    """

    def __init__(
        self,
        source: str | Path | NetParameter,
        phase: Phase = Phase.TEST,
        *,
        engine: Engine | None = None,
        level: int = 0,
        stages: Sequence[str] = (),
        seed: int = 0,
        keep: Collection[str] | Literal["all"] = (),
        skip_bad_data: int = 0,
        share: "Net | None" = None,
    ) -> None:
        state = NetState(phase=int(phase), level=level, stage=stages)
        config = as_net(source)
        self.config = filter_net(config, state)
        self.name = self.config.name
        self.phase = Phase(phase)
        self.engine = for_type(engine or get_engine(), self.config)
        self.context = Context(self.engine, self.phase, seed, skip_bad_data=skip_bad_data)
        self.graph = build_graph(self.config.layer, left_out(config, state))
        self.layers: list[Layer] = []
        self.top_shapes: list[Shapes] = []
        self._shapes: list[Shapes] = []
        self._values: dict[Blob, Array] = {}
        self._build(share)
        self.params = unique(p for layer in self.layers for p in layer.params)
        self._keep_all = keep == "all"
        self._keep = {b.name for b in self.graph.blobs()} if self._keep_all else set(keep)
        learns = [any(p.lr_mult for p in layer.params) for layer in self.layers]
        force = self.config.force_backward
        self.plan = make_plan(self.graph, learns, force_backward=force)
        for layer, need in zip(self.layers, self.plan.need, strict=True):
            layer.need = list(need)
        self._keep_saved = self.phase is Phase.TRAIN or force or self._keep_all
        parts = self.graph, self.layers, self.plan, self._keep
        self._singles = single_units(*parts)
        self.units = self._ran = fused_units(*parts, self._keep_saved)
        self.loss_weight = {b.name: w for b, w in self.plan.loss_weight.items()}
        self.inputs = [
            top for node in self.graph.nodes if node.cls.type == "Input" for top in node.config.top
        ]
        self.outputs = [b.name for b in self.graph.outputs()]
        names = {*self.outputs, *self._keep}
        ran = self.engine, self.graph, self.layers, self.units, names, self.plan.loss_weight
        self._prepared = None if self._keep_saved else Prepared(*ran, self._run)
        self.loss = 0.0
        self.diffs: dict[str, Array] = {}
        self._grads: dict[Blob, Array] = {}
        self.before_forward: list[Hook] = []
        self.after_forward: list[Hook] = []
        self.before_backward: list[Hook] = []
        self.after_backward: list[Hook] = []

    # Building ----------------------------------------------------------------------------------

    def _build(self, share: "Net | None") -> None:
        """Set up every layer with the shapes that the layers before it promise."""
        shapes: dict[Blob, tuple[int, ...]] = {}
        try:
            for node in self.graph.nodes:
                bottoms = tuple(shapes[b] for b in node.bottoms)
                layer, tops = self._build_layer(node, bottoms)
                if share is not None:
                    share_params(layer, share.layers)
                shapes.update(zip(node.tops, tops, strict=True))
        except BaseException:
            self.close()
            raise

    def _build_layer(self, node: Node, bottoms: Shapes) -> tuple[Layer, Shapes]:
        try:
            layer = node.cls(node.config, self.context.of(node.cls, node.config), len(node.tops))
            self.layers.append(layer)
            layer.setup(*bottoms)
            tops = as_shapes(layer.reshape(*bottoms), len(node.tops))
            refuse_namesake(layer, self.layers[:-1])
            take_blobs(layer, self.layers[:-1], self.engine)
        except NetError as error:
            raise located(error, node.config) from error
        self._shapes.append(bottoms)
        self.top_shapes.append(tops)
        return layer, tops

    # Running -----------------------------------------------------------------------------------

    @fitting
    def forward(
        self,
        inputs: Mapping[str, Array] | None = None,
        *,
        start: str | None = None,
        end: str | None = None,
    ) -> dict[str, Array]:
        """Run the layers from ``start`` to ``end``, all by default, and return the outputs.

        Args:
            inputs: arrays for tops of Input layers; those not named keep what they had.
            start: name of the first layer to run.
            end: name of the last layer to run.

        Raises:
            NetError: what a layer refuses, with its place.
        """
        for name, array in (inputs or {}).items():
            self._feed(name, array)
        first = self._index(start) if start else 0
        last = self._index(end) if end else len(self.layers) - 1
        loss = self.loss if start else 0.0
        self._ran = self._choose(bool(start or end))
        if self._ran is self.units and self._prepared:
            loss = self._prepared.forward(self._values)
        else:
            loss += sum(self._run(u) for u in self._ran if first <= u.layers[-1] <= last)
        self.loss = loss
        return {name: self.blobs[name] for name in self.outputs if name in self.blobs}

    def _run(self, unit: Unit) -> float:
        """Run a unit and its hooks, release what nobody reads any more and return the loss."""
        for hook in self.before_forward:
            hook(unit.layers[0])
        loss = self._forward_unit(unit)
        for hook in self.after_forward:
            hook(unit.layers[0])
        self._release(unit)
        return loss

    def _choose(self, part: bool) -> list[Unit]:
        """Return single layers where somebody wants to see each or to run a part; else fused."""
        hooks = (self.before_forward, self.after_forward, self.before_backward, self.after_backward)
        return self._singles if part or any(hooks) else self.units

    def _forward_unit(self, unit: Unit) -> float:
        """Run a unit, store its tops and return what they add to the loss."""
        node = self.graph.nodes[unit.layers[0]]
        bottoms = tuple(self._value(b, node) for b in unit.bottoms)
        try:
            self._reshape(unit, tuple(x.shape for x in bottoms))
            tops = as_arrays(unit.forward(*bottoms))
        except NetError as error:
            raise located(error, node.config) from error
        for i in unit.layers:
            self.layers[i].step += 1
        loss = 0.0
        for blob, top in zip(unit.tops, tops, strict=True):
            self._values[blob] = top
            weight = self.plan.loss_weight.get(blob)
            if weight:
                loss += weight * total(top)
        return loss

    def _reshape(self, unit: Unit, shapes: Shapes) -> None:
        """Tell the layers of a unit the shapes of its bottoms, where they have changed."""
        if shapes == unit.shapes:
            return
        known = dict(zip(unit.bottoms, shapes, strict=True))
        for i in unit.layers:
            node = self.graph.nodes[i]
            bottoms = tuple(known[b] for b in node.bottoms)
            if bottoms != self._shapes[i]:
                tops = as_shapes(self.layers[i].reshape(*bottoms), len(node.tops))
                self.top_shapes[i], self._shapes[i] = tops, bottoms
            known.update(zip(node.tops, self.top_shapes[i], strict=True))
        unit.shapes = shapes

    def _release(self, unit: Unit) -> None:
        for blob in unit.release:
            self._values.pop(blob, None)
        if not self._keep_saved:
            unit.runs.saved = None

    @fitting
    def backward(
        self,
        diffs: Mapping[str, Array] | None = None,
        *,
        start: str | None = None,
        end: str | None = None,
    ) -> dict[str, Array]:
        """Add ∂loss/∂p to every parameter and return the gradients of the inputs.

        Args:
            diffs: gradients of blobs by name, in place of what the loss weights say.
            start: name of the layer to begin at, the last one by default.
            end: name of the layer to stop after, the first one by default.
        """
        self._grads = grads = self._seed_gradients(diffs or {})
        first = self._index(start) if start else len(self.layers)
        last = self._index(end) if end else 0
        kept: dict[str, Array] = {}
        for unit in reversed(self._ran):
            if not unit.backward or not last <= unit.layers[0] <= first:
                continue
            for hook in self.before_backward:
                hook(unit.layers[0])
            self._backward_unit(unit, grads, kept)
            for hook in self.after_backward:
                hook(unit.layers[0])
        self.diffs = kept | {blob.name: grad for blob, grad in grads.items()}
        return {name: self.diffs[name] for name in self.inputs if name in self.diffs}

    def _seed_gradients(self, diffs: Mapping[str, Array]) -> dict[Blob, Array]:
        """Return ∂loss/∂blob of the blobs that are given or that count in the loss."""
        latest = {b.name: b for b in self.graph.blobs()}
        grads = {
            blob: self.engine.xp.full_like(self._values[blob], weight)
            for blob, weight in self.plan.loss_weight.items()
            if blob in self._values
        }
        for name, diff in diffs.items():
            if name not in latest:
                raise NetError(f"net '{self.name}' has no blob '{name}'{nearest(name, latest)}")
            grads[latest[name]] = self.engine.asarray(diff)
        return grads

    def _backward_unit(self, unit: Unit, grads: dict[Blob, Array], kept: dict[str, Array]) -> None:
        dys = [grads.pop(top, None) for top in unit.tops]
        for top, dy in zip(unit.tops, dys, strict=True):
            if top.name in self._keep and dy is not None:
                kept.setdefault(top.name, dy)
        if all(dy is None for dy in dys):
            return
        try:
            dxs = as_arrays(unit.pass_back(*dys))
        except NetError as error:
            raise located(error, self.graph.nodes[unit.layers[0]].config) from error
        if not self._keep_all:
            unit.runs.saved = None
        for bottom, dx, wanted in zip(unit.bottoms, dxs, unit.need, strict=False):
            if not wanted or dx is None:
                continue
            other = grads.get(bottom)
            if other is not None:
                dx = self.engine.weighted_sum([other, dx], [1.0, 1.0])
            grads[bottom] = dx

    def clear_grads(self) -> None:
        """Forget the gradients of all parameters."""
        for param in self.params:
            param.clear_grad()

    # Looking inside ----------------------------------------------------------------------------

    @property
    def blobs(self) -> dict[str, Array]:
        """Arrays by name; of a name that in-place layers rebind, the last version."""
        return {blob.name: array for blob, array in self._values.items()}

    def layer(self, name: str) -> Layer:
        """Return the layer of that name.

        Raises:
            NetError: there is none; the message names the nearest.
        """
        return self.layers[self._index(name)]

    def tops(self, i: int) -> list[Array]:
        """Return the tops of layer ``i``, for hooks after its forward pass."""
        return [self._values[blob] for blob in self.graph.nodes[i].tops]

    def bottom_diffs(self, i: int) -> list[Array | None]:
        """Return the gradients of the bottoms of layer ``i``, for hooks after its backward pass."""
        pairs = zip(self.graph.nodes[i].bottoms, self.plan.need[i], strict=True)
        return [self._grads.get(blob) if need else None for blob, need in pairs]

    def weights(self) -> dict[str, list[np.ndarray]]:
        """Return copies of the parameters of each layer that has some."""
        return {
            layer.name: [self.engine.to_numpy(p.value).copy() for p in layer.params]
            for layer in self.layers
            if layer.params
        }

    def load(
        self, weights: Mapping[str, Blobs], *, ignore_mismatch: Collection[str] = ()
    ) -> LoadReport:
        """Take parameters by layer name; see ``netcfg.weights.load_weights``."""
        return load_weights(self.layers, weights, self.engine, ignore_mismatch)

    def state(self) -> list[LayerState]:
        """Return what decides the next pass besides parameters: positions, random state."""
        return [layer_state(layer) for layer in self.layers]

    def restore(self, states: Sequence[LayerState]) -> None:
        """Go on from what ``state`` returned.

        Raises:
            NetError: a state belongs to a layer that this net lacks.
        """
        for state in states:
            layer = self.layer(state.layer)
            layer.restore(state.step, {k: layer.engine.asarray(v) for k, v in state.values.items()})

    def close(self) -> None:
        """Stop the workers and close the files of data layers."""
        for layer in self.layers:
            layer.close()

    def __enter__(self) -> "Net":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _index(self, name: str) -> int:
        names = [layer.name for layer in self.layers]
        if name not in names:
            raise NetError(f"net '{self.name}' has no layer '{name}'{nearest(name, names)}")
        return names.index(name)

    def _value(self, blob: Blob, node: Node) -> Array:
        if blob not in self._values:
            raise NetError(
                f"{where(node.config)}: bottom '{blob.name}' is not at hand; run the layers "
                "before it, or build the net with keep='all'"
            )
        return self._values[blob]

    def _feed(self, name: str, array: Array) -> None:
        if name not in self.inputs:
            near, known = nearest(name, self.inputs), ", ".join(self.inputs) or "none"
            raise NetError(f"net '{self.name}' has no input '{name}'{near}; inputs: {known}")
        for layer in self.layers:
            if isinstance(layer, Input) and name in layer.config.top:
                layer.feed(list(layer.config.top).index(name), self.engine.asarray(array))

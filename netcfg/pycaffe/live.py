"""A net whose blobs the program may read and write at any time, as Caffe's can.

For each name that the program has asked for there is one NumPy array, its memory. Layers read what
stands there and their results are copied there, so an array that was handed out once stays true. A
name that was never asked for costs nothing.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from netcfg.fuse import Unit
from netcfg.graph import Blob, Node
from netcfg.layer import Param, as_shapes
from netcfg.layers.input import DummyData, Input
from netcfg.layers.python_layer import Python
from netcfg.net import Net
from netcfg.types import Array, Shape


class LiveNet(Net):
    """A net with memory for blobs, gradients and, where they live on a device, parameters.

    The arguments are those of ``netcfg.Net``; every blob is kept.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._memory: dict[str, np.ndarray] = {}
        self._diff_memory: dict[str, np.ndarray] = {}
        self._gradients: dict[str, Array] = {}
        self._mirrors: dict[int, tuple[Param, np.ndarray]] = {}
        self._latest: dict[str, Blob] = {}
        super().__init__(*args, **{**options, "keep": "all"})
        self._on_host = self.engine.xp is np
        self._last = {b.name: b for b in self.graph.blobs()}
        self._weighted = {b.name for b in self.plan.loss_weight}
        self._top_of = {
            top: (i, k)
            for i, node in enumerate(self.graph.nodes)
            for k, top in enumerate(node.tops)
        }

    # What the program sees ---------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """Names of all blobs, in the order in which they are first written."""
        return list(self._last)

    def shape(self, name: str) -> Shape:
        """Return the shape that a blob has now."""
        if name in self._memory:
            return self._memory[name].shape
        blob = self._latest.get(name)
        if blob is not None:
            return tuple(self._values[blob].shape)
        i, k = self._top_of[self._last[name]]
        return self.top_shapes[i][k]

    def data(self, name: str) -> np.ndarray:
        """Return the array of a blob, always the same one until its shape changes."""
        if name not in self._memory:
            self._memory[name] = array = np.zeros(self.shape(name), self.engine.dtype)
            blob = self._latest.get(name)
            if blob is not None:
                array[...] = self.engine.to_numpy(self._values[blob])
                if self._is_memory(blob):
                    self._values[blob] = array
        return self._memory[name]

    def diff(self, name: str) -> np.ndarray:
        """Return the gradient of a blob, always the same array until its shape changes."""
        shape = self.shape(name)
        array = self._diff_memory.get(name)
        if array is None or array.shape != shape:
            array = self._diff_memory[name] = np.zeros(shape, self.engine.dtype)
            known = self._gradients.get(name)
            if name in self._weighted:
                array[...] = self.loss_weight[name]
            elif known is not None and tuple(known.shape) == shape:
                array[...] = self.engine.to_numpy(known)
        return array

    def resize(self, name: str, shape: Shape) -> None:
        """Give a blob another shape; as many of its values as fit stay, in the order of memory."""
        old = self.data(name)
        if old.shape == shape:
            return
        new = np.zeros(shape, self.engine.dtype)
        count = min(old.size, new.size)
        new.reshape(-1)[:count] = old.reshape(-1)[:count]
        self._memory[name] = new
        self._diff_memory.pop(name, None)
        self._latest.pop(name, None)

    def propagate(self) -> None:
        """Let the shapes of the inputs reach all blobs without running the net."""
        shapes: dict[Blob, Shape] = {}
        for i, (layer, node) in enumerate(zip(self.layers, self.graph.nodes, strict=True)):
            if isinstance(layer, Input):
                tops = tuple(self.shape(name) for name in node.config.top)
            else:
                bottoms = tuple(shapes[b] for b in node.bottoms)
                tops = as_shapes(layer.reshape(*bottoms), len(node.tops))
                self._shapes[i] = bottoms
            self._singles[i].shapes = None
            self.top_shapes[i] = tops
            shapes.update(zip(node.tops, tops, strict=True))
        for name, blob in self._last.items():
            if name in self._memory:
                self.resize(name, shapes[blob])
            elif name in self._latest and self.shape(name) != shapes[blob]:
                del self._latest[name]

    def param_data(self, param: Param) -> np.ndarray:
        """Return the values of a parameter: its own array, or its mirror where that is remote."""
        if self._on_host:
            return param.data
        if id(param) not in self._mirrors:
            self._mirrors[id(param)] = (param, self.engine.to_numpy(param.data).copy())
        return self._mirrors[id(param)][1]

    def upload(self) -> None:
        """Bring what the program wrote into parameters to where the net runs."""
        for param, mirror in self._mirrors.values():
            param.assign(self.engine.asarray(mirror))

    def download(self) -> None:
        """Show the program the parameters after something else changed them."""
        for param, mirror in self._mirrors.values():
            mirror[...] = self.engine.to_numpy(param.value)

    def take_memory(self, other: "LiveNet") -> None:
        """Go on with the arrays that another net of the same layers handed out."""
        self._memory, self._diff_memory = other._memory, other._diff_memory
        for mine, theirs in (
            (self.before_forward, other.before_forward),
            (self.after_forward, other.after_forward),
            (self.before_backward, other.before_backward),
            (self.after_backward, other.after_backward),
        ):
            mine[:] = theirs

    # Forward -----------------------------------------------------------------------------------

    def forward(
        self,
        inputs: Mapping[str, Array] | None = None,
        *,
        start: str | None = None,
        end: str | None = None,
    ) -> dict[str, Array]:
        """Run layers on what stands in memory; see ``netcfg.Net.forward``."""
        self.upload()
        if start:
            self._begin_at(self._index(start))
        return super().forward(inputs, start=start, end=end)

    def _begin_at(self, first: int) -> None:
        """Let memory stand for the blobs that the layers before ``first`` would have written."""
        written = {top for node in self.graph.nodes[first:] for top in node.tops}
        for blob in {b for node in self.graph.nodes[first:] for b in node.bottoms} - written:
            known = self._latest.get(blob.name)
            if known is None:
                self.data(blob.name)
            elif known != blob:
                self._values[blob] = self._values[known]
            self._latest[blob.name] = blob

    def _choose(self, part: bool) -> list[Unit]:
        return self._singles  # a program may look at every blob

    def _forward_unit(self, unit: Unit) -> float:
        (i,) = unit.layers
        layer, node = self.layers[i], self.graph.nodes[i]
        if isinstance(layer, Input | DummyData | Python):
            self._feed_tops(layer, node)
        for blob in node.bottoms:
            if blob.name in self._memory and self._latest.get(blob.name) == blob:
                self._hold(blob, self._memory[blob.name])
        loss = super()._forward_unit(unit)
        if isinstance(layer, Input):
            self.top_shapes[i] = tuple(layer.shapes)
        shared = [self._memory[b.name] for b in node.bottoms if b.name in self._memory]
        for top in node.tops:
            self._store(top, shared)
        return loss

    def _feed_tops(self, layer: Input | DummyData | Python, node: Node) -> None:
        """Hand a layer that may leave its tops as they are what the program wrote into them."""
        for k, top in enumerate(node.tops):
            if top.name not in self._memory:
                continue
            array = self._memory[top.name]
            own = self.engine.asarray(array if self._is_memory(top) else array.copy())
            if isinstance(layer, Input | Python):
                layer.feed(k, own)
            elif layer.fillers[k].type == "constant":
                layer.constant[k] = own

    def _feed(self, name: str, array: Array) -> None:
        super()._feed(name, array)  # refuses what is no input
        self.resize(name, tuple(array.shape))
        self.data(name)[...] = self.engine.to_numpy(array)

    def _store(self, blob: Blob, shared: list[np.ndarray]) -> None:
        """Copy a top into the memory of its name; one that is a view of memory gets its own."""
        top = self._values[blob]
        self._latest[blob.name] = blob
        memory = self._memory.get(blob.name)
        if memory is None:
            if self._on_host and any(np.may_share_memory(top, array) for array in shared):
                self.data(blob.name)
            return
        if memory.shape != tuple(top.shape):
            memory = self._memory[blob.name] = np.empty(top.shape, self.engine.dtype)
        if top is not memory:
            memory[...] = self.engine.to_numpy(top)
        if self._is_memory(blob):
            self._values[blob] = memory

    def _hold(self, blob: Blob, array: np.ndarray) -> None:
        """Let layers read memory: itself where it can be, a copy of it elsewhere.

        A blob that an in-place layer rewrites needs a copy, as its name is soon another's.
        """
        direct = self._is_memory(blob)
        self._values[blob] = array if direct else self.engine.asarray(array.copy())

    def _is_memory(self, blob: Blob) -> bool:
        return self._on_host and self._last[blob.name] == blob

    # Backward ----------------------------------------------------------------------------------

    def _seed_gradients(self, diffs: Mapping[str, Array]) -> dict[Blob, Array]:
        for name, diff in diffs.items():
            if name in self._last:
                self.diff(name)[...] = self.engine.to_numpy(diff)
        grads = super()._seed_gradients(diffs)
        for blob in self.plan.loss_weight:
            if blob in grads and blob.name in self._diff_memory:
                grads[blob] = self.engine.asarray(self.diff(blob.name))
        return grads

    def _backward_unit(self, unit: Unit, grads: dict[Blob, Array], kept: dict[str, Array]) -> None:
        (i,) = unit.layers
        node = self.graph.nodes[i]
        if not self.layers[i].step:
            self._run_unseen(i)
        for top in node.tops:
            dy = self._gradient_in_memory(top)
            if dy is not None and top.name not in self._weighted:
                grads[top] = dy
        if isinstance(self.layers[i], Python) and not any(top in grads for top in node.tops):
            # What a class in Python learns may have nothing to do with the gradients of its tops.
            grads.update({top: self.engine.xp.zeros_like(self._values[top]) for top in node.tops})
        super()._backward_unit(unit, grads, kept)
        shared = [self._diff_memory[b.name] for b in node.tops if b.name in self._diff_memory]
        for bottom, wanted in zip(node.bottoms, self.plan.need[i], strict=True):
            if wanted and bottom in grads and bottom.name not in self._weighted:
                if self._on_host and any(np.may_share_memory(grads[bottom], a) for a in shared):
                    grads[bottom] = grads[bottom].copy()
                self._record(bottom.name, grads[bottom])

    def _run_unseen(self, i: int) -> None:
        """Let a layer that never ran see the bottoms in memory, which its backward pass needs."""
        for blob in self.graph.nodes[i].bottoms:
            if blob not in self._values:
                self._latest.setdefault(blob.name, blob)
                self._hold(blob, self.data(blob.name))
        super()._forward_unit(self._singles[i])
        self.layers[i].step = 0

    def _gradient_in_memory(self, blob: Blob) -> Array | None:
        """Return the gradient that stands under a name, if one of the blob's shape does."""
        array = self._diff_memory.get(blob.name, self._gradients.get(blob.name))
        if array is None or tuple(array.shape) != tuple(self._values[blob].shape):
            return None
        return self.engine.asarray(array)

    def _record(self, name: str, grad: Array) -> None:
        self._gradients[name] = grad
        array = self._diff_memory.get(name)
        if array is not None and array.shape == tuple(grad.shape):
            array[...] = self.engine.to_numpy(grad)
        elif array is not None:
            del self._diff_memory[name]

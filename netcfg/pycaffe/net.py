"""Caffe's Net for Python: named blobs with live arrays, partial passes, and weights in and out."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from os import PathLike, fspath
from typing import Any

import numpy as np
import numpy.typing as npt

from netcfg.blob import Blob
from netcfg.debug_info import watch
from netcfg.errors import NetError, ShapeError, nearest
from netcfg.layers.input import MemoryData
from netcfg.pycaffe.blob import NetBlob, ParamBlob
from netcfg.pycaffe.live import LiveNet
from netcfg.pycaffe.log import log
from netcfg.pycaffe.mode import next_seed
from netcfg.pycaffe.weights import load_file, save_file
from netcfg.types import Phase
from netcfg.weights import share_params

Arrays = dict[str, np.ndarray]
Path = str | PathLike[str]


class LayerView:
    """A layer as Caffe shows it: its type and parameters, and what a Python layer adds."""

    def __init__(self, net: "Net", index: int) -> None:
        self._net = net
        self._index = index
        core = net.core.layers[index]
        self.type = core.config.type
        self.blobs: list[Blob] = [ParamBlob(net, index, i) for i in range(len(core.params))]

    def __getattr__(self, name: str) -> Any:
        own = getattr(self._net.core.layers[self._index], "python", None)
        if name.startswith("_") or own is None:
            raise AttributeError(f"layer of type '{self.type}' has no attribute '{name}'")
        return getattr(own, name)


class Net:
    """A net as Caffe's Python programs use it.

    ``Net(file, phase)``, ``Net(file, weights, phase)`` or
    ``Net(file, phase, level=0, stages=None, weights=None)``.

    Attributes:
        core: the net of netcfg that does the work.
    """

    def __init__(
        self,
        network_file: Path,
        *args: Any,
        phase: int | None = None,
        level: int = 0,
        stages: Sequence[str] | None = None,
        weights: Path | None = None,
    ) -> None:
        rest = list(args)
        if rest and isinstance(rest[0], str | PathLike):
            weights = rest.pop(0)
        given = dict(zip(("phase", "level", "stages", "weights"), rest, strict=False))
        phase = given.get("phase", phase)
        if phase is None:
            raise TypeError("a phase is needed: caffe.TRAIN or caffe.TEST")
        self.core = LiveNet(
            fspath(network_file),
            Phase(phase),
            level=given.get("level", level),
            stages=list(given.get("stages", stages) or ()),
            seed=next_seed(),
        )
        if self.core.config.debug_info:
            watch(self.core, partial(log, place="net.cpp:593"))
        weights = given.get("weights", weights)
        if weights is not None:
            self.copy_from(weights)

    @classmethod
    def of(cls, core: LiveNet) -> "Net":
        """Return a net that is already built, as Python programs see it."""
        net = cls.__new__(cls)
        net.core = core
        return net

    # Looking inside ----------------------------------------------------------------------------

    @cached_property
    def blobs(self) -> "OrderedDict[str, Blob]":
        """Blobs by name, in the order in which they are written."""
        return OrderedDict((name, NetBlob(self, name)) for name in self.core.names)

    @cached_property
    def layers(self) -> list[LayerView]:
        """Layers in the order in which they run."""
        return [LayerView(self, i) for i in range(len(self.core.layers))]

    @cached_property
    def layer_dict(self) -> "OrderedDict[str, LayerView]":
        """Layers by name."""
        return OrderedDict(zip(self._layer_names, self.layers, strict=True))

    @cached_property
    def params(self) -> "OrderedDict[str, list[Blob]]":
        """Parameters by the name of their layer."""
        return OrderedDict((n, layer.blobs) for n, layer in self.layer_dict.items() if layer.blobs)

    @property
    def blob_loss_weights(self) -> "OrderedDict[str, float]":
        """Weight of each blob in the loss, 0 for most."""
        return OrderedDict((name, self.core.loss_weight.get(name, 0.0)) for name in self.core.names)

    @property
    def inputs(self) -> list[str]:
        """Names of the blobs that the program fills."""
        return list(self.core.inputs)

    @property
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer reads."""
        return list(self.core.outputs)

    @property
    def top_names(self) -> "OrderedDict[str, list[str]]":
        """Names of the tops of each layer."""
        nodes = self.core.graph.nodes
        return OrderedDict((node.config.name, [b.name for b in node.tops]) for node in nodes)

    @property
    def bottom_names(self) -> "OrderedDict[str, list[str]]":
        """Names of the bottoms of each layer."""
        nodes = self.core.graph.nodes
        return OrderedDict((node.config.name, [b.name for b in node.bottoms]) for node in nodes)

    @property
    def _layer_names(self) -> list[str]:
        return [layer.name for layer in self.core.layers]

    @property
    def _blob_names(self) -> list[str]:
        return self.core.names

    @property
    def _blobs(self) -> list[Blob]:
        return list(self.blobs.values())

    @property
    def _inputs(self) -> list[int]:
        return [self.core.names.index(name) for name in self.inputs]

    @property
    def _outputs(self) -> list[int]:
        return [self.core.names.index(name) for name in self.outputs]

    def _top_ids(self, i: int) -> list[int]:
        return [self.core.names.index(b.name) for b in self.core.graph.nodes[i].tops]

    def _bottom_ids(self, i: int) -> list[int]:
        return [self.core.names.index(b.name) for b in self.core.graph.nodes[i].bottoms]

    # Running -----------------------------------------------------------------------------------

    def forward(
        self,
        blobs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **inputs: npt.ArrayLike,
    ) -> Arrays:
        """Run the layers from ``start`` to ``end`` and return arrays by name.

        Args:
            blobs: to return besides the outputs.
            start: name of the first layer to run.
            end: name of the last one; its tops take the place of the outputs.
            inputs: values for all inputs of the net.
        """
        if inputs:
            self._fill("input", self.inputs, {k: np.asarray(v) for k, v in inputs.items()})
        self.core.forward(start=start, end=end)
        outputs = self.top_names[end] if end else self.outputs
        return {name: self._blob(name).data for name in [*outputs, *(blobs or ())]}

    def backward(
        self,
        diffs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **seeds: npt.ArrayLike,
    ) -> Arrays:
        """Run the backward passes from ``start`` down to ``end`` and return gradients by name.

        Args:
            diffs: blobs to return the gradients of, besides the inputs.
            start: name of the layer to begin at.
            end: name of the layer to stop after; its bottoms take the place of the inputs.
            seeds: gradients of all outputs of the net.
        """
        if seeds:
            given = {k: np.asarray(v) for k, v in seeds.items()}
            self._fill("output", self.outputs, given, gradient=True)
        self.core.backward(start=start, end=end)
        wanted = self.bottom_names[end] if end else self.inputs
        return {name: self._blob(name).diff for name in [*wanted, *(diffs or ())]}

    def _fill(self, kind: str, names: list[str], arrays: Arrays, *, gradient: bool = False) -> None:
        """Write one array into each of the named blobs."""
        if set(arrays) != set(names):
            raise NetError(
                f"arrays must be given for each {kind} of the net, {', '.join(names)}; "
                f"given {', '.join(arrays)}"
            )
        for name, array in arrays.items():
            blob = self.blobs[name]
            if array.shape[:1] != blob.shape[:1]:
                raise ShapeError(
                    f"{kind} '{name}' has a batch of {blob.shape[:1]}; given {array.shape}"
                )
            (blob.diff if gradient else blob.data)[...] = array

    def _forward(self, start: int, end: int) -> float:
        names = self._layer_names
        self.core.forward(start=names[start] if start else None, end=names[end])
        return float(self.core.loss)

    def _backward(self, start: int, end: int) -> None:
        names = self._layer_names
        self.core.backward(start=names[start], end=names[end])

    def forward_all(self, blobs: Iterable[str] | None = None, **inputs: npt.ArrayLike) -> Arrays:
        """Run the net on any number of rows, batch by batch; see ``forward``."""
        results: dict[str, list[np.ndarray]] = {}
        wanted = list(blobs or ())
        for batch in self._batch({k: np.asarray(v) for k, v in inputs.items()}):
            for name, array in self.forward(wanted, **batch).items():
                results.setdefault(name, []).append(array.copy())
        rows = len(np.asarray(next(iter(inputs.values()))))
        return {name: np.concatenate(parts)[:rows] for name, parts in results.items()}

    def forward_backward_all(
        self,
        blobs: Iterable[str] | None = None,
        diffs: Iterable[str] | None = None,
        **arrays: npt.ArrayLike,
    ) -> tuple[Arrays, Arrays]:
        """Run the net forward and backward on any number of rows, batch by batch.

        Args:
            blobs: to return besides the outputs.
            diffs: blobs to return the gradients of, besides the inputs.
            arrays: values for all inputs and gradients of all outputs that are given.
        """
        given = {k: np.asarray(v) for k, v in arrays.items()}
        inputs = {k: v for k, v in given.items() if k in self.inputs}
        seeds = {k: v for k, v in given.items() if k not in self.inputs}
        rows = len(next(iter(inputs.values())))
        values: dict[str, list[np.ndarray]] = {}
        gradients: dict[str, list[np.ndarray]] = {}
        seed_batches = list(self._batch(seeds)) or [{}] * rows
        wanted, wanted_diffs = list(blobs or ()), list(diffs or ())
        for batch, seed in zip(self._batch(inputs), seed_batches, strict=False):
            for name, array in self.forward(wanted, **batch).items():
                values.setdefault(name, []).append(array.copy())
            for name, array in self.backward(wanted_diffs, **seed).items():
                gradients.setdefault(name, []).append(array.copy())
        return (
            {name: np.concatenate(parts)[:rows] for name, parts in values.items()},
            {name: np.concatenate(parts)[:rows] for name, parts in gradients.items()},
        )

    def _batch(self, arrays: Arrays) -> Iterator[dict[str, Any]]:
        """Yield parts of the batch size of the net, the last one filled up with zeros."""
        if not arrays:
            return
        rows = len(next(iter(arrays.values())))
        size = self._blob(next(iter(arrays))).num
        for first in range(0, rows, size):
            part = {name: array[first : first + size] for name, array in arrays.items()}
            missing = max(0, first + size - rows)
            yield {
                name: np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])
                for name, array in part.items()
            }

    def set_input_arrays(self, data: npt.ArrayLike, labels: npt.ArrayLike) -> None:
        """Give new data and labels to the MemoryData layer that the net begins with."""
        layer = self.core.layers[0]
        if not isinstance(layer, MemoryData):
            raise NetError(f"{layer.where}: set_input_arrays needs a MemoryData layer here")
        layer.set_arrays(data, labels)

    def reshape(self) -> None:
        """Let the shapes of the inputs reach all blobs."""
        self.core.propagate()

    def clear_param_diffs(self) -> None:
        """Set the gradients of all parameters to 0."""
        self.core.clear_grads()
        for param in self.core.params:
            param.diff  # noqa: B018 - zeroes the array that the program may hold

    # Hooks -------------------------------------------------------------------------------------

    def before_forward(self, call: Callable[[int], Any]) -> None:
        """Have a function called with the index of each layer before it runs."""
        self.core.before_forward.append(call)

    def after_forward(self, call: Callable[[int], Any]) -> None:
        """Have a function called with the index of each layer after it ran."""
        self.core.after_forward.append(call)

    def before_backward(self, call: Callable[[int], Any]) -> None:
        """Have a function called with the index of each layer before its backward pass."""
        self.core.before_backward.append(call)

    def after_backward(self, call: Callable[[int], Any]) -> None:
        """Have a function called with the index of each layer after its backward pass."""
        self.core.after_backward.append(call)

    # Weights -----------------------------------------------------------------------------------

    def copy_from(self, path: Path, ignore_mismatch: Sequence[str] = ()) -> None:
        """Take parameters by layer name from a .caffemodel or .caffemodel.h5."""
        load_file(self.core, fspath(path), ignore_mismatch)

    load_hdf5 = copy_from

    def save(self, path: Path) -> None:
        """Write the parameters as a .caffemodel."""
        save_file(self.core, fspath(path))

    def save_hdf5(self, path: Path) -> None:
        """Write the parameters as a .caffemodel.h5."""
        save_file(self.core, fspath(path), hdf5=True)

    def share_with(self, other: "Net") -> None:
        """Use the parameters of the layers of the same name of another net."""
        for layer in self.core.layers:
            share_params(layer, other.core.layers)

    def _blob(self, name: str) -> Blob:
        if name not in self.blobs:
            raise NetError(f"the net has no blob '{name}'{nearest(name, self.blobs)}")
        return self.blobs[name]

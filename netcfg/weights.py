"""Weights into layers by name and out of them, and what a layer keeps between passes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from netcfg.engines.base import Engine
from netcfg.errors import NetError, ShapeError, WeightsError, nearest
from netcfg.io.blobs import blob_array
from netcfg.io.caffemodel import StoredLayer
from netcfg.layer import Layer
from netcfg.types import Array, Shape

Blobs = Sequence[np.ndarray | None]
"""Arrays of a layer; None, or a missing end, for those that an earlier layer owns."""


@dataclass(frozen=True)
class LayerState:
    """Forward passes of a layer so far and what it keeps between them."""

    layer: str
    step: int
    values: dict[str, Array]


def layer_state(layer: Layer) -> LayerState:
    """Return what a layer keeps between passes, copied to the CPU."""
    values = {k: layer.engine.to_numpy(v).copy() for k, v in layer.state().items()}
    return LayerState(layer.name, layer.step, values)


@dataclass
class LoadReport:
    """What became of the weights that were given.

    Attributes:
        taken: layers whose parameters were set.
        missing: layers with parameters for which nothing was given; they keep what they had.
        unused: names in the weights that no layer of the net has.
        ignored: layers whose shapes do not fit and that the user named to be passed over.
    """

    taken: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def load_weights(
    layers: Sequence[Layer],
    weights: Mapping[str, Blobs],
    engine: Engine,
    ignore_mismatch: Collection[str] = (),
) -> LoadReport:
    """Copy weights into the layers of the same name; nothing is copied when one does not fit.

    Shapes must agree; axes of length 1 in front count for nothing, because old files store every
    blob with four axes. Parameters that an earlier layer owns may be missing, as in HDF5 files.

    Raises:
        WeightsError: blobs of a layer do not fit and ``ignore_mismatch`` does not name it.
    """
    report = LoadReport(missing=missing(layers, weights))
    with_params = {layer.name: layer for layer in layers if layer.params}
    adapted = {
        name: layer.adapt(weights[name])
        for name, layer in with_params.items()
        if name in weights and name not in ignore_mismatch
    }
    weights = {**weights, **adapted}
    shared = {layer.name: indices for layer, indices in with_shared(layers)}
    for name in ignore_mismatch:
        if name not in with_params:
            known = nearest(name, with_params)
            raise WeightsError(f"no layer '{name}' with parameters to ignore{known}")
    for name, layer in with_params.items():
        blobs = weights.get(name, ())
        if not len(blobs):
            continue
        if problem := _mismatch(layer, blobs, shared[name]):
            if name not in ignore_mismatch:
                raise WeightsError(
                    f"{layer.where}: {problem}; rename the layer to start it afresh, or pass "
                    f"--ignore-mismatch {name}"
                )
            report.ignored.append(name)
        else:
            report.taken.append(name)
    for name in report.taken:
        for param, blob in zip(with_params[name].params, weights[name], strict=False):
            if blob is not None:
                own = with_params[name].engine
                param.assign(own.asarray(np.asarray(blob).reshape(param.shape)))
    report.unused = [n for n, blobs in weights.items() if n not in with_params and len(blobs)]
    return report


def missing(layers: Sequence[Layer], weights: Mapping[str, Blobs]) -> list[str]:
    """Return the names of the layers that own parameters and for which nothing is given."""
    return [
        layer.name
        for layer, shared in with_shared(layers)
        if len(shared) < len(layer.params) and not len(weights.get(layer.name, ()))
    ]


def with_shared(layers: Iterable[Layer]) -> Iterator[tuple[Layer, set[int]]]:
    """Yield each layer with the indices of the parameters that another one declared before."""
    known: set[int] = set()
    for layer in layers:
        shared = set()
        for i, param in enumerate(layer.params):
            if id(param.owner) in known:
                shared.add(i)
            known.add(id(param.owner))
        yield layer, shared


def stored_layers(
    layers: Iterable[Layer], engine: Engine, *, diffs: bool = False
) -> Iterator[StoredLayer]:
    """Yield the layers as files keep them, with the gradients of their parameters if wanted."""
    for layer, shared in with_shared(layers):
        c = layer.config
        blobs = [engine.to_numpy(p.value) for p in layer.params]
        grads = [engine.to_numpy(p.diff) for p in layer.params] if diffs else []
        yield StoredLayer(c.name, c.type, c.bottom, c.top, blobs, grads, shared)


def take_blobs(layer: Layer, earlier: Iterable[Layer], engine: Engine) -> None:
    """Let a layer begin with the ``blobs`` of its configuration, as a net with weights has them.

    Those of parameters that an earlier layer owns count for nothing, as in Caffe.

    Raises:
        WeightsError: their number or their shapes are not those of the parameters.
    """
    stored = [blob_array(b, f"blob {i} of the net") for i, b in enumerate(layer.config.blobs)]
    if not stored:
        return
    blobs = layer.adapt(stored)
    if problem := _mismatch(layer, blobs, (), "its blobs"):
        raise WeightsError(problem)
    *_, (_, shared) = with_shared([*earlier, layer])
    for i, (param, blob) in enumerate(zip(layer.params, blobs, strict=True)):
        if i not in shared:
            param.assign(layer.engine.asarray(np.asarray(blob).reshape(param.shape)))


def refuse_namesake(layer: Layer, others: Iterable[Layer]) -> None:
    """Refuse a layer whose weights could not be told from those of another.

    Raises:
        NetError: both have parameters and one name.
    """
    for other in others:
        if layer.params and other.params and other.name == layer.name:
            raise NetError(
                f"another layer with parameters has this name, {other.where}; rename one"
            )


def _mismatch(
    layer: Layer, blobs: Blobs, shared: Collection[int], source: str = "the weights"
) -> str:
    """Say what does not fit, nothing where all does."""
    given = {i: blob for i, blob in enumerate(blobs) if blob is not None}
    if set(range(len(layer.params))) - set(shared) - set(given) or len(blobs) > len(layer.params):
        return f"has {len(layer.params)} parameter blobs; {source} hold {len(given)}"
    for i, blob in given.items():
        shape = layer.params[i].shape
        if _squeeze(shape) != _squeeze(np.shape(blob)):
            return f"parameter {i} has shape {shape}; {source} hold {np.shape(blob)}"
    return ""


def _squeeze(shape: Shape) -> Shape:
    """Drop leading axes of length 1.

    >>> _squeeze((1, 1, 10, 1))
    (10, 1)
    """
    while shape and shape[0] == 1:
        shape = shape[1:]
    return tuple(shape)


def share_params(layer: Layer, others: Sequence[Layer]) -> None:
    """Let a layer use the parameters of the same-named layer of another net."""
    for other in others:
        if other.name != layer.name or not other.params:
            continue
        theirs, ours = [p.shape for p in other.params], [p.shape for p in layer.params]
        if theirs != ours:
            raise ShapeError(
                f"{layer.where}: parameters have shapes {ours}, in the other net {theirs}"
            )
        for mine, shared in zip(layer.params, other.params, strict=True):
            mine.share(shared)

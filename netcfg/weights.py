"""Weights into layers by name, and what a layer keeps between passes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from netcfg.engines.base import Engine
from netcfg.errors import NetError, WeightsError, nearest
from netcfg.layer import Layer
from netcfg.types import Array, Shape


@dataclass(frozen=True)
class LayerState:
    """Forward passes of a layer so far and what it keeps between them."""

    layer: str
    step: int
    values: dict[str, Array]


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
    weights: Mapping[str, Sequence[np.ndarray]],
    engine: Engine,
    ignore_mismatch: Collection[str] = (),
) -> LoadReport:
    """Copy weights into the layers of the same name; nothing is copied when one does not fit.

    Shapes must agree; axes of length 1 in front count for nothing, because old files store every
    blob with four axes.

    Raises:
        WeightsError: blobs of a layer do not fit and ``ignore_mismatch`` does not name it.
    """
    report = LoadReport()
    with_params = {layer.name: layer for layer in layers if layer.params}
    for name in ignore_mismatch:
        if name not in with_params:
            known = nearest(name, with_params)
            raise WeightsError(f"no layer '{name}' with parameters to ignore{known}")
    for name, layer in with_params.items():
        if name not in weights or not len(weights[name]):
            report.missing.append(name)
        elif problem := _mismatch(layer, weights[name]):
            if name not in ignore_mismatch:
                raise WeightsError(
                    f"{layer.where}: {problem}; rename the layer to start it afresh, or pass "
                    f"--ignore-mismatch {name}"
                )
            report.ignored.append(name)
        else:
            report.taken.append(name)
    for name in report.taken:
        for param, blob in zip(with_params[name].params, weights[name], strict=True):
            param.data[...] = engine.asarray(np.asarray(blob).reshape(param.shape))
    report.unused = [n for n, blobs in weights.items() if n not in with_params and len(blobs)]
    return report


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


def _mismatch(layer: Layer, blobs: Sequence[np.ndarray]) -> str:
    """Say what does not fit, nothing where all does."""
    if len(blobs) != len(layer.params):
        return f"has {len(layer.params)} parameter blobs; the weights hold {len(blobs)}"
    for i, (param, blob) in enumerate(zip(layer.params, blobs, strict=True)):
        if _squeeze(param.shape) != _squeeze(np.shape(blob)):
            return f"parameter {i} has shape {param.shape}; the weights hold {np.shape(blob)}"
    return ""


def _squeeze(shape: Shape) -> Shape:
    """Drop leading axes of length 1.

    >>> _squeeze((1, 1, 10, 1))
    (10, 1)
    """
    while shape and shape[0] == 1:
        shape = shape[1:]
    return tuple(shape)

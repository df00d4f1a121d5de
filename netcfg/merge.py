"""Normalizations merged into the layers before them: fewer layers, the same answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from netcfg.engines import get_engine
from netcfg.errors import WeightsError
from netcfg.io.caffemodel import StoredLayer, Weights
from netcfg.layer import Layer
from netcfg.layers.conv import Convolution
from netcfg.layers.inner_product import InnerProduct
from netcfg.layers.normalization import BatchNorm
from netcfg.layers.scale import Scale
from netcfg.net import Net
from netcfg.netcfg_pb2 import NetParameter
from netcfg.types import Phase
from netcfg.weights import stored_layers

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Merged:
    """A net with merged normalizations.

    Attributes:
        net: it.
        chains: names of each layer that took others into its weights, and of those.
        weights: of the net; none where none were given.
    """

    net: NetParameter
    chains: Sequence[Sequence[str]]
    weights: Sequence[StoredLayer] = field(default=())


def merge_normalization(config: NetParameter, weights: Weights | None = None) -> Merged:
    """Merge BatchNorm and Scale into the Convolution or InnerProduct before them.

    y = ((w x + b) - mean) s + β with s = γ / √(var + eps) is w' x + b' with w' = w s and
    b' = (b - mean) s + β. Layers whose output somebody else reads too, and those that share their
    parameters, stay as they are.

    Args:
        config: a net for the TEST phase.
        weights: of the net; each layer with parameters must get some.

    Raises:
        WeightsError: the weights do not fit.
    """
    with Net(config, Phase.TEST, engine=get_engine("numpy")) as net:
        if weights is not None:
            load(net, weights)
        chains = _chains(net)
        names = [[net.layers[i].name for i in chain] for chain in chains]
        result = _without(net, chains)
        if weights is None:
            return Merged(result, names)
        arrays: dict[str, list[np.ndarray]] = net.weights()
        for chain in chains:
            members = [net.layers[i] for i in chain]
            arrays[members[0].name] = list(_merged(members))
    with Net(result, Phase.TEST, engine=get_engine("numpy")) as merged:
        merged.load(arrays)
        return Merged(result, names, list(stored_layers(merged.layers, merged.engine)))


def _chains(net: Net) -> list[list[int]]:
    """Return the places of layers that become one."""
    readers: dict[object, list[int]] = {}
    for i, node in enumerate(net.graph.nodes):
        for blob in node.bottoms:
            readers.setdefault(blob, []).append(i)
    found = []
    for i, layer in enumerate(net.layers):
        if not _can_take(layer):
            continue
        chain = [i]
        for kind in (_is_statistics, _is_channel_scale):
            after = readers.get(net.graph.nodes[chain[-1]].tops[0], [])
            if len(after) == 1 and kind(net.layers[after[0]]):
                chain.append(after[0])
        if len(chain) > 1:
            found.append(chain)
    return found


def _can_take(layer: Layer) -> bool:
    """Return whether a layer has weights for each of its outputs, for itself alone."""
    if any(param.name for param in layer.config.param) or len(layer.config.bottom) != 1:
        return False
    if isinstance(layer, InnerProduct):
        return layer.first == 1 and not (layer.transposed or layer.normalized)
    return isinstance(layer, Convolution) and layer.channel_axis == 1 and layer.margins is None


def _is_statistics(layer: Layer) -> bool:
    return type(layer) is BatchNorm and layer.fixed and _has_its_own(layer)


def _is_channel_scale(layer: Layer) -> bool:
    scale = isinstance(layer, Scale) and not layer.given and layer.single == 1
    return scale and _has_its_own(layer)


def _has_its_own(layer: Layer) -> bool:
    return not any(param.name for param in layer.config.param)


def _without(net: Net, chains: Sequence[Sequence[int]]) -> NetParameter:
    """Return the net without the layers that were merged."""
    result = NetParameter()
    result.CopyFrom(net.config)
    for first, *others in chains:
        layer = result.layer[first]
        layer.top[0] = result.layer[others[-1]].top[0]
        own = layer.convolution_param if _is_conv(net.layers[first]) else layer.inner_product_param
        own.ClearField("bias_term")  # there is one now, as by default
        del layer.param[:]
    for i in sorted((i for chain in chains for i in chain[1:]), reverse=True):
        del result.layer[i]
    return result


def _is_conv(layer: Layer) -> bool:
    return isinstance(layer, Convolution)


def _merged(members: Sequence[Layer]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the weights and the biases of a chain."""
    first, *others = members
    w, *rest = _values(first)
    b = rest[0] if rest else np.zeros(len(w))
    for member in others:
        factor, shift = _affine(member)
        w = w * factor.reshape(-1, *[1] * (w.ndim - 1))
        b = b * factor + shift
    yield w.astype(np.float32)
    yield b.astype(np.float32)


def _affine(layer: Layer) -> tuple[Doubles, Doubles]:
    """Return factor and shift of each channel."""
    if isinstance(layer, BatchNorm):
        mean, var = (np.asarray(a, np.float64) for a in layer.running())
        factor = 1 / np.sqrt(var + layer.eps)
        return factor, -mean * factor
    factor, *more = _values(layer)
    return factor, more[0] if more else np.zeros_like(factor)


def _values(layer: Layer) -> list[Doubles]:
    return [np.asarray(layer.engine.to_numpy(p.value), np.float64) for p in layer.params]


def load(net: Net, weights: Weights) -> None:
    """Load weights of which each layer with parameters must get some.

    Raises:
        WeightsError: one gets none, or they do not fit.
    """
    missing = net.load(weights).missing
    if missing:
        place = net.layer(missing[0]).where
        raise WeightsError(f"{place}: '{weights.path}' holds no weights for it")

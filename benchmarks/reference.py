"""What makes the peers run the same net: its layers as plain data, its weights, and its output."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import nets
from netcfg import Net, Phase
from netcfg.engines import get_engine
from netcfg.layer import Layer


def describe(name: str, batch: int, train: bool) -> list[dict[str, Any]]:
    """Return the layers of a net as peers need them.

    BatchNorm and the Scale after it are one entry; a net to train has no softmax, for the loss of
    the peer has it.
    """
    net = Net(nets.make(name, batch, False), Phase.TEST, engine=get_engine("numpy"))
    shapes: dict[str, tuple[int, ...]] = {}
    result: list[dict[str, Any]] = []
    for layer, tops in zip(net.layers, net.top_shapes, strict=True):
        bottoms, top = list(layer.config.bottom), layer.config.top[0]
        shape = shapes.get(bottoms[0]) if bottoms else None
        shapes.update(zip(layer.config.top, tops, strict=True))
        if layer.type == "Scale":
            result[-1]["scale"] = layer.name
        elif shape is not None and not (layer.type == "Softmax" and train):
            entry = {"type": layer.type, "name": layer.name, "bottoms": bottoms, "top": top}
            result.append(entry | {"in": shape[1]} | _options(layer))
    return result


def _options(layer: Layer) -> dict[str, Any]:
    """Return what a layer's own parameters say."""
    p: Any
    if layer.type == "Convolution":
        p = layer.config.convolution_param
        return {
            "out": p.num_output,
            "kernel": p.kernel_size[0],
            "stride": (list(p.stride) or [1])[0],
            "pad": (list(p.pad) or [0])[0],
            "group": p.group,
            "bias": p.bias_term,
        }
    if layer.type == "InnerProduct":
        out, inputs = layer.params[0].shape
        return {"in": inputs, "out": out}
    if layer.type == "Pooling":
        p = layer.config.pooling_param
        size = {"kernel": p.kernel_size, "stride": p.stride, "pad": p.pad}
        return {"max": p.pool == nets.MAX, "global": p.global_pooling} | size
    if layer.type == "Dropout":
        return {"ratio": layer.config.dropout_param.dropout_ratio}
    if layer.type == "LRN":
        p = layer.config.lrn_param
        return {"size": p.local_size, "alpha": p.alpha, "beta": p.beta}
    return {}


def write(path: Path, name: str, batch: int) -> int:
    """Write input, weights and the NumPy engine's output; return how many values are learned.

    The weights are the initial ones after a pass in training, which gives BatchNorm statistics.
    """
    rng = np.random.default_rng(0)
    image = nets.NETS[name][1]
    engine = get_engine("numpy")
    with Net(nets.make(name, 4, True), Phase.TRAIN, engine=engine) as net:
        x = rng.standard_normal((4, *image), dtype=np.float32)
        net.forward({"data": x, "label": np.zeros(4, np.float32)})
        weights = net.weights()
        learned = sum(math.prod(p.shape) for p in net.params if p.lr_mult)
    x = rng.standard_normal((batch, *image), dtype=np.float32)
    with Net(nets.make(name, batch, False), Phase.TEST, engine=engine) as net:
        net.load(weights)
        output = net.forward({"data": x})["prob"]
    arrays = {f"{layer}/{i}": w for layer, ws in weights.items() for i, w in enumerate(ws)}
    with path.open("wb") as file:
        np.savez(file, data=x, output=output, **arrays)  # type: ignore[arg-type]
    return learned

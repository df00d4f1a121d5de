"""A net of netcfg as an ONNX model, written operator by operator."""

from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

OPSET = 17


class Graph:
    """Nodes and constants of a model; a blob in place gets a new value, as ONNX asks."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.value = {"data": "data"}

    def constant(self, name: str, array: np.ndarray) -> str:
        """Add a constant and return its name."""
        array = np.ascontiguousarray(array, dtype=np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def blobs(self, layer: str) -> list[str]:
        """Add the parameters of a layer and return their names."""
        found = [f"{layer}/{i}" for i in range(2) if f"{layer}/{i}" in self.weights]
        return [self.constant(name, self.weights[name]) for name in found]

    def add(self, op: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node and return the name of what it computes."""
        output = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def layer(self, layer: Any) -> str:
        """Add what a layer computes and return its name."""
        xs = [self.value[b] for b in layer["bottoms"]]
        name = layer["name"]
        match layer["type"]:
            case "Convolution":
                size = _window(layer) | {"group": layer["group"]}
                return self.add("Conv", xs + self.blobs(name), **size)
            case "InnerProduct":
                rows = self.add("Flatten", xs, axis=1)
                return self.add("Gemm", [rows, *self.blobs(name)], transB=1)
            case "BatchNorm":
                mean, variance, factor = (self.weights[f"{name}/{i}"] for i in range(3))
                names = self.blobs(layer["scale"])
                names.append(self.constant(f"{name}/mean", mean / factor))
                names.append(self.constant(f"{name}/variance", variance / factor))
                return self.add("BatchNormalization", xs + names, epsilon=1e-5)
            case "Pooling" if layer["global"]:
                return self.add("GlobalAveragePool", xs)
            case "Pooling" if layer["max"]:
                return self.add("MaxPool", xs, ceil_mode=1, **_window(layer))
            case "Pooling":
                return self.add("AveragePool", xs, ceil_mode=1, **_window(layer))
            case "LRN":
                form = {key: layer[key] for key in ("size", "alpha", "beta")}
                return self.add("LRN", xs, bias=1.0, **form)
            case "Dropout":
                return xs[0]
        op, options = SIMPLE[layer["type"]]
        return self.add(op, xs, **options)


SIMPLE: dict[str, tuple[str, dict[str, int]]] = {
    "ReLU": ("Relu", {}),
    "Eltwise": ("Add", {}),
    "Concat": ("Concat", {"axis": 1}),
    "Flatten": ("Flatten", {"axis": 1}),
    "Softmax": ("Softmax", {"axis": 1}),
}
"""Operators of layers that need nothing more."""


def _window(layer: Any) -> dict[str, Any]:
    kernel, stride, pad = (layer[key] for key in ("kernel", "stride", "pad"))
    return {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}


def make_model(layers: list[Any], weights: dict[str, np.ndarray]) -> bytes:
    """Return a model with fixed shapes, in ONNX's format.

    Args:
        layers: what ``benchmarks.reference.describe`` returns.
        weights: what ``benchmarks.reference.write`` wrote; its input and output give the shapes.
    """
    graph = Graph(weights)
    for layer in layers:
        graph.value[layer["top"]] = graph.layer(layer)
    last = graph.value[layers[-1]["top"]]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, weights[key].shape)
        for name, key in (("data", "data"), (last, "output"))
    ]
    made = helper.make_graph(graph.nodes, "net", ends[:1], ends[1:], graph.constants)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opset, ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())

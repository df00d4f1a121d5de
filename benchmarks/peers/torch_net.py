"""A net of netcfg in PyTorch's modules."""

from typing import Any

import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    """Layers as a prototxt has them, connected by the names of their blobs.

    Args:
        layers: what ``benchmarks.reference.describe`` returns.
    """

    def __init__(self, layers: list[Any]) -> None:
        super().__init__()
        self.layers = layers
        self.free = last_reads(layers)
        made = {layer["name"]: make(layer) for layer in layers}
        self.made = nn.ModuleDict({name: m for name, m in made.items() if m is not None})

    def forward(self, data: Any) -> Any:
        """Return the last blob."""
        blobs = {"data": data}
        for layer, done in zip(self.layers, self.free, strict=True):
            kind, name, top = layer["type"], layer["name"], layer["top"]
            xs = [blobs[b] for b in layer["bottoms"]]
            if kind == "Eltwise":
                y = xs[0] + xs[1]
            elif kind == "Concat":
                y = torch.cat(xs, 1)
            elif kind == "Softmax":
                y = torch.softmax(xs[0], 1)
            elif kind == "Flatten":
                y = torch.flatten(xs[0], 1)
            elif kind == "InnerProduct":
                y = self.made[name](torch.flatten(xs[0], 1))
            elif kind == "Pooling" and layer["global"]:
                y = xs[0].mean((2, 3), keepdim=True)
            else:
                y = self.made[name](xs[0])
            for name in done:  # as in a net written by hand, where nothing holds on to them
                del blobs[name]
            del xs
            blobs[top] = y
        return y

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """Take netcfg's parameters and statistics, by layer and position."""
        with torch.no_grad():
            for layer in self.layers:
                name = layer["name"]
                if f"{name}/0" not in weights:
                    continue
                module: Any = self.made[name]
                if layer["type"] == "BatchNorm":
                    mean, variance, factor = (weights[f"{name}/{i}"] for i in range(3))
                    module.running_mean.copy_(torch.from_numpy(mean / factor))
                    module.running_var.copy_(torch.from_numpy(variance / factor))
                    name = layer["scale"]
                module.weight.copy_(torch.from_numpy(weights[f"{name}/0"]))
                if module.bias is not None:
                    module.bias.copy_(torch.from_numpy(weights[f"{name}/1"]))


def last_reads(layers: list[Any]) -> list[list[str]]:
    """Return of each layer the blobs that nobody reads after it."""
    seen: set[str] = set()
    result: list[list[str]] = []
    for layer in reversed(layers):
        seen.discard(layer["top"])
        done = sorted(set(layer["bottoms"]) - seen)
        seen.update(done)
        result.append(done)
    return result[::-1]


def make(layer: Any) -> Any:
    """Return the module of a layer, or None where a function does."""
    kind = layer["type"]
    if kind == "Convolution":
        size = layer["kernel"], layer["stride"], layer["pad"]
        more = {"groups": layer["group"], "bias": layer["bias"]}
        return nn.Conv2d(layer["in"], layer["out"], *size, **more)
    if kind == "InnerProduct":
        return nn.Linear(layer["in"], layer["out"])
    if kind == "BatchNorm":
        return nn.BatchNorm2d(layer["in"])
    if kind == "ReLU":
        return nn.ReLU(inplace=True)
    if kind == "Dropout":
        return nn.Dropout(layer["ratio"])
    if kind == "LRN":
        return nn.LocalResponseNorm(layer["size"], layer["alpha"], layer["beta"], 1.0)
    if kind == "Pooling" and not layer["global"]:
        size = layer["kernel"], layer["stride"], layer["pad"]
        return (nn.MaxPool2d if layer["max"] else nn.AvgPool2d)(*size, ceil_mode=True)
    return None

"""Runs a net in PyTorch, a step whenever it is told to; stands alone, in PyTorch's environment.

Reads a JSON object with the job, then lines with numbers of steps; answers each step with a line:
milliseconds, how often the process was preempted, and the most memory so far in KiB. ``layers`` of
the job are those of netcfg's net, as ``cpu.py`` reads them.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Net(nn.Module):
    """Layers as a prototxt has them, connected by the names of their blobs."""

    def __init__(self, layers: list[Any]) -> None:
        super().__init__()
        self.plan: list[Any] = []
        modules = {}
        for layer in layers:
            module = make(layer)
            if module is not None:
                modules[layer["name"]] = module
            self.plan.append((layer["type"], layer["name"], layer["bottoms"], layer["top"], layer))
        self.made = nn.ModuleDict({name.replace(".", "_"): m for name, m in modules.items()})

    def forward(self, data: Any) -> Any:
        """Return the last blob."""
        blobs = {"data": data}
        for kind, name, bottoms, top, layer in self.plan:
            xs = [blobs[b] for b in bottoms]
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
            blobs[top] = y
        return blobs[top]


def make(layer: Any) -> Any:
    """Return the module of a layer, or None where a function does."""
    kind = layer["type"]
    if kind == "Convolution":
        return nn.Conv2d(
            layer["in"],
            layer["out"],
            layer["kernel"],
            layer["stride"],
            layer["pad"],
            groups=layer["group"],
            bias=layer["bias"],
        )
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
        cls = nn.MaxPool2d if layer["max"] else nn.AvgPool2d
        return cls(*size, ceil_mode=True)
    return None


def build(job: Any) -> Callable[[], Any]:
    """Return a function that makes one step."""
    torch.manual_seed(0)
    torch.set_num_threads(job["threads"])
    if job["variant"] == "lstm":
        return lstm()
    net, x = Net(job["layers"]), torch.randn(job["shape"])
    if "cl" in job["variant"]:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    net.train(job["train"])
    run = net
    if "freeze" in job["variant"]:
        import torch._inductor.config as inductor

        inductor.freezing = True
    if "compile" in job["variant"] or "freeze" in job["variant"]:
        run = torch.compile(net)
    short = torch.autocast("cpu", dtype=torch.bfloat16, enabled=job["bfloat16"])
    if not job["train"]:

        def infer() -> Any:
            with torch.no_grad(), short:
                return run(x)

        return infer
    target = torch.randint(0, job["classes"], (len(x),))
    update = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)

    def step() -> None:
        update.zero_grad()
        with short:
            loss = nn.functional.cross_entropy(run(x), target)
        loss.backward()
        update.step()

    return step


def lstm() -> Callable[[], Any]:
    """Return a step of an inner product and an LSTM with a squared loss."""
    net = nn.LSTM(256, 256)
    first = nn.Linear(256, 256)
    x, y = torch.randn(32, 32, 256), torch.randn(32, 32, 256)
    params = [*net.parameters(), *first.parameters()]
    update = torch.optim.SGD(params, 0.001, momentum=0.9, weight_decay=5e-4)

    def step() -> None:
        update.zero_grad()
        ((net(first(x))[0] - y) ** 2).sum().backward()
        update.step()

    return step


def main() -> None:
    """Run the job."""
    step = build(json.loads(sys.stdin.readline()))
    for _ in range(3):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
            start = time.perf_counter()
            step()
            spent = (time.perf_counter() - start) * 1e3
            usage = resource.getrusage(resource.RUSAGE_SELF)
            print(spent, usage.ru_nivcsw - before, usage.ru_maxrss, flush=True)


main()

"""Runs a net in PyTorch, a step whenever it is told to; in the peers' environment."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.peers.torch_net import Net
from benchmarks.peers.turns import check_output, read_reference, serve


def build(job: Any) -> Callable[[], Any]:
    """Return a function that makes one step."""
    torch.manual_seed(0)
    torch.set_num_threads(job["threads"])
    if job["net"] == "LSTM":
        return lstm()
    net, x = Net(job["layers"]), torch.randn(job["shape"])
    check(net, job)
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
    return train(net, run, x, short) if job["train"] else infer(run, x, short)


def check(net: Net, job: Any) -> None:
    """Take netcfg's weights and compare outputs, where the job brings them.

    Raises:
        SystemExit: this is not the same net.
    """
    reference = read_reference(job)
    if not reference:
        return
    learned = sum(p.numel() for p in net.parameters())
    if learned != job["learned"]:
        raise SystemExit(f"not the same net: {learned} parameters for {job['learned']}")
    net.load(reference)
    net.eval()
    with torch.no_grad():
        y = net(torch.from_numpy(reference["data"]))
    check_output((torch.softmax(y, 1) if job["train"] else y).numpy(), reference)


def infer(run: Any, x: Any, short: Any) -> Callable[[], Any]:
    """Return a forward pass without gradients."""

    def step() -> Any:
        with torch.no_grad(), short:
            return run(x)

    return step


def train(net: Any, run: Any, x: Any, short: Any) -> Callable[[], Any]:
    """Return a step of SGD with momentum and weight decay."""
    target = torch.randint(0, 10, (len(x),))
    update = torch.optim.SGD(net.parameters(), 0.001, momentum=0.9, weight_decay=5e-4)

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


if __name__ == "__main__":
    serve(build)

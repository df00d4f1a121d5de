"""netcfg and PyTorch on an NVIDIA card: the same nets, step by step, each in a process of its own.

python -m benchmarks.gpu                    # all works, one table
python -m benchmarks.gpu --work "ResNet-50 train b256 bfloat16"
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import nets
from benchmarks.nets import classify, conv_relu, pool, relu
from netcfg.pycaffe.net_spec import layers as L

ROOT = Path(__file__).resolve().parents[1]

WARM_UP, ROUNDS = 5, 5
SECONDS = 1.0
"""How long a round takes about."""


def vgg16(x: Any) -> Any:
    """Simonyan and Zisserman, 2014, configuration D: 224 × 224."""
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            x = conv_relu(x, width, 3, pad=1)
        x = pool(x, 2, 2)
    for _ in range(2):
        x = relu(L.InnerProduct(x, num_output=4096, weight_filler=nets.XAVIER))
    return classify(x, 1000)


nets.NETS["VGG-16"] = (vgg16, (3, 224, 224))


@dataclass(frozen=True)
class Work:
    """What is measured.

    Attributes:
        net: its name, ``LSTM`` for a recurrent one, ``LeNet`` reads records where ``data`` is set.
        batch: images, or sequences.
        train: whether steps of training are made, else forward passes.
        precision: as ``--precision`` has it.
        data: whether batches come from a database.
        memory: whether the peak of memory is told in place of the speed.
    """

    net: str
    batch: int
    train: bool = True
    precision: str = "tf32"
    data: bool = False
    memory: bool = False

    @property
    def title(self) -> str:
        """As the table has it."""
        kind = "train" if self.train else "inference"
        more = " data" * self.data + " memory" * self.memory
        return f"{self.net} {kind} b{self.batch} {self.precision}{more}"


WORKS = (
    Work("LeNet", 64, data=True),
    Work("CaffeNet", 256),
    Work("ResNet-50", 256, precision="bfloat16"),
    Work("ResNet-50", 1, False, "bfloat16"),
    Work("ResNet-50", 128, False, "bfloat16"),
    Work("LSTM", 64),
    Work("VGG-16", 64, False, memory=True),
)

LSTM = """
layer { name: "in" type: "Input" top: "data" top: "cont" top: "y"
  input_param { shape { dim: 64 dim: 64 dim: 512 } shape { dim: 64 dim: 64 }
                shape { dim: 64 dim: 64 dim: 512 } } }
layer { name: "lstm" type: "LSTM" bottom: "data" bottom: "cont" top: "h"
  recurrent_param { num_output: 512 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "h" bottom: "y" top: "loss" }
"""
"""64 steps of 64 sequences of 512 values into 512 cells."""

DATA = """
layer { name: "in" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { scale: 0.00390625 } data_param { source: "%s" batch_size: %d backend: LMDB } }
"""


@dataclass(frozen=True)
class Runner:
    """One side of a comparison: a step, what waits for it, and the peak of memory so far."""

    step: Callable[[], Any]
    wait: Callable[[], Any]
    memory: Callable[[], int]


# netcfg ----------------------------------------------------------------------------------------


def netcfg(work: Work) -> Runner:
    """Return a step of netcfg."""
    from netcfg import Net, Phase
    from netcfg.engines import get_engine
    from netcfg.engines.cuda.graphs import held
    from netcfg.schema import parse_net

    engine: Any = get_engine("cuda", storage=work.precision)
    device = engine.device
    pool = device.xp.get_default_memory_pool()

    def memory() -> int:
        return int(pool.total_bytes()) + held()

    if not work.train:
        net = Net(nets.make(work.net, work.batch, False), Phase.TEST, engine=engine)
        return Runner(net.forward, device.stream.synchronize, memory)
    if work.net == "LSTM":
        config = parse_net(LSTM).message
    elif work.data:
        config = parse_net(DATA % (records(), work.batch)).message
        config.MergeFrom(nets.make(work.net, work.batch, True))
        config.layer[0].top[:] = ["data", "label"]
        del config.layer[1:3]  # the inputs that stand for the data
    else:
        config = nets.make(work.net, work.batch, True)
    return Runner(trainer(config, engine), device.stream.synchronize, memory)


def trainer(config: Any, engine: Any) -> Callable[[], Any]:
    """Return a step of a solver."""
    from netcfg import Solver
    from netcfg.netcfg_pb2 import SolverParameter

    param = SolverParameter(
        net_param=config,
        base_lr=0.001,
        lr_policy="fixed",
        momentum=0.9,
        weight_decay=5e-4,
        max_iter=1 << 30,
        random_seed=1,
    )
    solver = Solver(param, engine=engine, out=Path(tempfile.gettempdir()))
    return lambda: solver.step(1)


def records() -> str:
    """Return an LMDB of 6400 images of 28 × 28, made if it is not there."""
    import lmdb
    import numpy as np

    from netcfg.netcfg_pb2 import Datum

    path = Path(tempfile.gettempdir(), "netcfg-bench-lmdb")
    if path.exists():
        return str(path)
    rng = np.random.default_rng(0)
    with lmdb.open(str(path), map_size=1 << 28) as env, env.begin(write=True) as txn:
        for i in range(6400):
            pixels = rng.integers(0, 256, 784, np.uint8).tobytes()
            datum = Datum(channels=1, height=28, width=28, data=pixels, label=i % 10)
            txn.put(b"%08d" % i, datum.SerializeToString())
    return str(path)


# PyTorch ---------------------------------------------------------------------------------------


def torch_eager(work: Work) -> Runner:
    """Return a step of PyTorch, channels-last, operation by operation."""
    return _torch(work, graph=False)


def torch_graph(work: Work) -> Runner:
    """Return the same step as a CUDA graph."""
    return _torch(work, graph=True)


def torch_compiled(work: Work) -> Runner:
    """Return the same step after ``torch.compile``, which takes a minute or two."""
    return _torch(work, graph=False, compiled=True)


def _torch(work: Work, *, graph: bool, compiled: bool = False) -> Runner:
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    step = (_torch_train if work.train else _torch_infer)(torch, work, compiled)
    if graph:
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.synchronize()
        recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(recorded):
            step()
        step = recorded.replay
    return Runner(step, torch.cuda.synchronize, torch.cuda.max_memory_reserved)


def _torch_net(torch: Any, work: Work, compiled: bool) -> tuple[Any, Any]:
    """Return the net and a batch on the card."""
    from benchmarks.peers.torch_net import Net
    from benchmarks.reference import describe

    net = Net(describe(work.net, 2, work.train)).cuda()
    x = torch.randn(work.batch, *nets.NETS[work.net][1], device="cuda")
    last = torch.channels_last
    net = net.to(memory_format=last)
    return torch.compile(net) if compiled else net, x.to(memory_format=last)


def _short(torch: Any, work: Work) -> Any:
    return torch.autocast("cuda", torch.bfloat16, enabled=work.precision == "bfloat16")


def _torch_infer(torch: Any, work: Work, compiled: bool) -> Callable[[], Any]:
    net, x = _torch_net(torch, work, compiled)
    net.eval()

    def step() -> Any:
        with torch.no_grad(), _short(torch, work):
            return net(x)

    return step


def _torch_train(torch: Any, work: Work, compiled: bool) -> Callable[[], Any]:
    if work.net == "LSTM":
        net = torch.nn.LSTM(512, 512).cuda()
        x, y = (torch.randn(64, 64, 512, device="cuda") for _ in range(2))

        def loss() -> Any:
            return ((net(x)[0] - y) ** 2).sum() / 128
    else:
        net, x = _torch_net(torch, work, compiled)
        target = torch.randint(0, 10, (work.batch,), device="cuda")

        def loss() -> Any:
            with _short(torch, work):
                return torch.nn.functional.cross_entropy(net(x), target)

    update = torch.optim.SGD(net.parameters(), 0.001, momentum=0.9, weight_decay=5e-4)

    def step() -> None:
        update.zero_grad()
        loss().backward()
        update.step()

    return step


# Measuring -------------------------------------------------------------------------------------

SIDES: dict[str, Callable[[Work], Runner]] = {
    "netcfg": netcfg,
    "torch": torch_eager,
    "torch graph": torch_graph,
    "torch compile": torch_compiled,
}

QUICK = ("netcfg", "torch", "torch graph")
"""Sides that are ready within seconds."""


def measure(runner: Runner, work: Work) -> dict[str, float]:
    """Return milliseconds of a step, images per second and MiB."""
    for _ in range(WARM_UP):
        runner.step()
    runner.wait()
    start = time.perf_counter()
    runner.step()
    runner.wait()
    count = max(1, min(1000, round(SECONDS / max(1e-6, time.perf_counter() - start))))
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(count):
            runner.step()
        runner.wait()
        times.append((time.perf_counter() - start) / count)
    seconds = statistics.median(times)
    return {
        "ms": seconds * 1e3,
        "images_per_second": work.batch / seconds,
        "mib": runner.memory() / 2**20,
    }


def compare(
    work: Work, seconds: float = 300, sides: Collection[str] = tuple(SIDES)
) -> dict[str, Any]:
    """Return what each side measured, or how it failed.

    Args:
        work: to measure.
        seconds: that each side may take.
        sides: who is measured.
    """
    found: dict[str, Any] = {}
    for side in sides:
        command = [sys.executable, "-m", "benchmarks.gpu", "--work", work.title, "--side", side]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds, check=False, cwd=ROOT
            )
            lines = done.stdout.strip().splitlines() or [""]
            failed = (done.stderr.strip().splitlines() or ["no output"])[-1][:160]
            found[side] = json.loads(lines[-1]) if done.returncode == 0 else failed
        except subprocess.TimeoutExpired:
            found[side] = f"took more than {seconds:g} s"
    return found


def row(work: Work, found: dict[str, Any]) -> str:
    """Return a line of the table."""
    key = "mib" if work.memory else "images_per_second"
    values = {s: f[key] for s, f in found.items() if isinstance(f, dict)}
    cells = [f"{values[s]:,.0f}" if s in values else f"failed: {found.get(s)}" for s in SIDES]
    peers = [v for s, v in values.items() if s != "netcfg"]
    ratio = ""
    if peers and "netcfg" in values:
        best = min(peers) if work.memory else max(peers)
        ratio = f"{values['netcfg'] / best:.2f}"
    return f"| {work.title} | {'MiB' if work.memory else 'img/s'} | {' | '.join(cells)} | {ratio} |"


def told(work: Work, found: dict[str, Any]) -> str:
    """Return the same in a sentence."""
    key, unit = ("mib", "MiB") if work.memory else ("images_per_second", "a second")
    return "; ".join(
        f"{side} {f[key]:,.0f} {unit}" if isinstance(f, dict) else f"{side} failed: {f}"
        for side, f in found.items()
    )


def main() -> None:
    """Measure one side of a work, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", help="title of one work")
    parser.add_argument("--side", choices=SIDES)
    args = parser.parse_args()
    works = [w for w in WORKS if args.work in (None, w.title)]
    if args.side:
        print(json.dumps(measure(SIDES[args.side](works[0]), works[0])))
        return
    print(f"| work | unit | {' | '.join(SIDES)} | ratio |\n|---|---|{'---|' * (len(SIDES) + 1)}")
    for work in works:
        print(row(work, compare(work)), flush=True)


if __name__ == "__main__":
    main()

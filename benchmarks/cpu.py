"""netcfg's CPU engine beside PyTorch and beside its own NumPy engine.

Every contestant is a process of its own, with its own environment; they take turns of some
steps, and the median counts. Steps in which a process was preempted are left out, for all
alike.

    python benchmarks/cpu.py --torch .bench/bin/python [--only TEXT] [--threads 1,2] [--rounds 9]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import nets
from netcfg import Net, Phase
from netcfg.engines import get_engine
from netcfg.schema import to_text
from netcfg.table import render

HERE = Path(__file__).resolve().parent
TURN = 100.0
"""Milliseconds of a turn, at least a step."""

MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "100000000",
}
TRAIN_VARIANTS = ("eager", "cl", "cl mt", "compile cl mt")
INFER_VARIANTS = ("eager", "cl mt", "compile cl mt", "freeze cl mt")


@dataclass(frozen=True)
class Work:
    """One row: what is run, and the goal for the time against the best of PyTorch."""

    name: str
    batch: int
    train: bool
    goal: float
    least: float
    bfloat16: bool = False
    numpy: bool = True

    @property
    def title(self) -> str:
        """As the table has it."""
        kind = "train" if self.train else "inference"
        return f"{self.name} {kind} b{self.batch}" + (" bfloat16" if self.bfloat16 else "")


WORKS = (
    Work("LeNet", 64, True, 0.5, 0.75),
    Work("CIFAR-10 quick", 100, True, 0.6, 0.8),
    Work("CaffeNet", 32, True, 0.8, 0.95),
    Work("ResNet-18", 8, True, 0.75, 0.88),
    Work("ResNet-18", 8, True, 0.9, 1.2, bfloat16=True, numpy=False),
    Work("MobileNet", 8, True, 0.65, 0.85),
    Work("LSTM", 32, True, 0.9, 1.05),
    *(
        Work(name, batch, False, 0.7, 0.93)
        for name in ("SqueezeNet 1.1", "ResNet-18", "ResNet-50", "GoogLeNet", "MobileNet")
        for batch in (1, 8)
    ),
)


@dataclass
class Contestant:
    """A process that makes steps."""

    name: str
    process: subprocess.Popen[str]
    samples: list[tuple[float, int]] = field(default_factory=list)
    memory: int = 0

    def turn(self) -> None:
        """Make steps for about ``TURN`` ms, after the threads of others have calmed down."""
        time.sleep(0.05)
        count = max(1, min(20, round(TURN / self.samples[-1][0]))) if self.samples else 1
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        for _ in range(count):
            spent, preempted, memory = self.process.stdout.readline().split()
            self.samples.append((float(spent), int(preempted)))
        self.memory = int(memory)

    @property
    def median(self) -> float:
        """Milliseconds of the steps that nothing disturbed; of all, where that left too few."""
        calm = [t for t, preempted in self.samples if not preempted]
        return statistics.median(calm if len(calm) >= 5 else [t for t, _ in self.samples])


def describe(work: Work) -> list[dict[str, Any]]:
    """Return the layers of a net for the other side, with what their modules need."""
    net = Net(nets.make(work.name, work.batch, False), Phase.TEST, engine=get_engine("numpy"))
    shapes: dict[str, tuple[int, ...]] = {}
    result: list[dict[str, Any]] = []
    for layer, tops in zip(net.layers, net.top_shapes, strict=True):
        c = layer.config
        p: Any
        shape = shapes.get(c.bottom[0]) if c.bottom else None
        shapes.update(zip(c.top, tops, strict=True))
        if layer.type in ("Input", "Scale") or (layer.type == "Softmax" and work.train):
            continue  # PyTorch's BatchNorm scales, its loss has the softmax
        entry: dict[str, Any] = {
            "type": layer.type,
            "name": c.name,
            "bottoms": list(c.bottom),
            "top": c.top[0],
        }
        if shape is not None and len(shape) > 1:
            entry["in"] = shape[1]
        if layer.type == "Convolution":
            p = c.convolution_param
            entry |= {
                "out": p.num_output,
                "kernel": p.kernel_size[0],
                "stride": (list(p.stride) or [1])[0],
                "pad": (list(p.pad) or [0])[0],
                "group": p.group,
                "bias": p.bias_term,
            }
        elif layer.type == "InnerProduct":
            entry |= {"in": layer.params[0].shape[1], "out": c.inner_product_param.num_output}
        elif layer.type == "Pooling":
            p = c.pooling_param
            entry |= {
                "max": p.pool == nets.MAX,
                "global": p.global_pooling,
                "kernel": p.kernel_size,
                "stride": p.stride,
                "pad": p.pad,
            }
        elif layer.type == "Dropout":
            entry["ratio"] = c.dropout_param.dropout_ratio
        elif layer.type == "LRN":
            p = c.lrn_param
            entry |= {"size": p.local_size, "alpha": p.alpha, "beta": p.beta}
        result.append(entry)
    return result


def contestants(work: Work, threads: int, torch: str | None) -> list[Contestant]:
    """Start the processes of a row and wait until each is ready."""
    job: dict[str, Any] = {
        "threads": threads,
        "train": work.train,
        "bfloat16": work.bfloat16,
        "variant": "",
        "classes": 10,
        "engine": "onednn",
    }
    if work.name == "LSTM":
        job["variant"] = "lstm"
    else:
        _, image = nets.NETS[work.name]
        job |= {
            "net": to_text(nets.make(work.name, work.batch, work.train)),
            "shape": [work.batch, *image],
            "layers": describe(work),
        }
    ours = [sys.executable, "-m", "benchmarks.peers.netcfg_worker"]
    started = [_start("netcfg", ours, job, {})]
    if work.numpy:
        started.append(
            _start("NumPy engine", ours, job | {"engine": "numpy", "bfloat16": False}, {})
        )
    variants = TRAIN_VARIANTS if work.train else INFER_VARIANTS
    for variant in () if torch is None else ("lstm",) if work.name == "LSTM" else variants:
        env = MALLOC if "mt" in variant else {}
        command = [str(torch), str(HERE / "peers/torch_worker.py")]
        started.append(_start(variant, command, job | {"variant": variant}, env))
    return [c for c in started if c is not None]


def _start(
    name: str, command: list[str], job: dict[str, Any], env: dict[str, str]
) -> Contestant | None:
    environment = os.environ | {"OMP_NUM_THREADS": str(job["threads"])} | env
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=HERE.parent,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    if process.stdout.readline().strip() != "ready":
        print(f"{name}: {process.stderr.read().strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return Contestant(name, process)


def measure(work: Work, threads: int, torch: str | None, rounds: int) -> list[Contestant]:
    """Let the contestants of a row take turns."""
    running = contestants(work, threads, torch)
    try:
        for _ in range(rounds):
            for contestant in running:
                if contestant.name == "NumPy engine" and len(contestant.samples) >= 3:
                    continue  # slow, and only a yardstick
                contestant.turn()
    finally:
        for contestant in running:
            contestant.process.kill()
            contestant.process.communicate()
    return running


def row(work: Work, threads: int, measured: list[Contestant]) -> list[str]:
    """Return a line of the table: milliseconds, and ratios of which less is better."""
    times = {c.name: c.median for c in measured}
    ours, numpy = times.pop("netcfg"), times.pop("NumPy engine", None)
    name, best = min(times.items(), key=lambda item: item[1], default=("-", 0.0))
    cells = [work.title, str(threads), f"{ours:.2f}"]
    cells += [f"{times['eager']:.2f}" if "eager" in times else "-"]
    cells += [f"{best:.2f} ({name})" if best else "-", f"{ours / best:.2f}" if best else "-"]
    cells += [f"{work.goal:.2f} / {work.least:.2f}"]
    return [*cells, f"{ours / numpy:.2f}" if numpy else "-"]


HEADER = [
    "work",
    "threads",
    "netcfg ms",
    "torch eager",
    "best torch",
    "ratio",
    "goal / at least",
    "to NumPy",
]


def report(rows: list[list[str]], torch: str | None) -> str:
    """Return the page with the table."""
    peer = "none"
    if torch is not None:
        command = [torch, "-c", "import torch; print(torch.__version__)"]
        peer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    lines = [
        "# The CPU engine beside PyTorch",
        "",
        f"{cpu}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}; Python "
        f"{platform.python_version()}, NumPy {version('numpy')}, oneDNN (wheel "
        f"{version('onednn-cpu-gomp')}), PyTorch {peer}. Made by `benchmarks/cpu.py`.",
        "",
        "Milliseconds of a step, medians; ratios are netcfg's time by the other's, less is better.",
        "Training steps include the update (SGD, momentum, weight decay). `cl` is channels_last,",
        "`mt` malloc that keeps memory, `compile` torch.compile, `freeze` inductor's freezing.",
        "",
        f"| {' | '.join(HEADER)} |",
        f"|{'---|' * len(HEADER)}",
        *(f"| {' | '.join(cells)} |" for cells in rows),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", metavar="PYTHON", help="python of an environment with PyTorch")
    parser.add_argument("--only", default="", help="rows whose title holds this")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="where to write the page")
    args = parser.parse_args()
    rows = []
    for work in (w for w in WORKS if args.only in w.title):
        for threads in map(int, args.threads.split(",")):
            rows.append(row(work, threads, measure(work, threads, args.torch, args.rounds)))
            print("  ".join(rows[-1]), flush=True)
            if args.out:
                args.out.write_text(report(rows, args.torch))
    print(render(HEADER, rows, "<>>>>>>>"))


if __name__ == "__main__":
    main()

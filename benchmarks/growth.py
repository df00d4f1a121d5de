"""How the time of a pass grows with batch, depth and image size, beside the least it could take.

The floor of a pass is the greater of two times: its floating point operations at the speed of one
large product of matrices, and the bytes that its units read and write at the speed of a copy. Both
speeds are measured in the same run.

    python -m benchmarks.growth [--out benchmarks/results/growth.md] [--plot docs/images/growth.png]
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import nets
from benchmarks.cpu_page import machine, versions
from netcfg import Net, Phase
from netcfg.engines import get_engine, threads
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec
from netcfg.pycaffe.net_spec import layers as L
from netcfg.summary import summarize

BATCHES = (1, 2, 4, 8, 16, 32)
SIZES = (64, 96, 128, 192, 256, 384)
DEPTHS = {"10": (1, 1, 1, 1), "18": (2, 2, 2, 2), "34": (3, 4, 6, 3), "66": (5, 8, 12, 7)}
"""Layers of residual nets, with the blocks of their four stages."""


@dataclass(frozen=True)
class Machine:
    """What the processor can do: floating point operations and bytes in a second."""

    flops: float
    bandwidth: float


@dataclass(frozen=True)
class Point:
    """A pass: milliseconds that it takes, of its operations and of its bytes alone."""

    panel: str
    x: int
    ms: float
    operations: float
    bytes: float

    @property
    def floor(self) -> float:
        """The least it could take, in milliseconds."""
        return max(self.operations, self.bytes)


def measured(
    work: Callable[[], Any],
    rounds: int,
    of: Callable[[Sequence[float]], float] = statistics.median,
) -> float:
    """Return the seconds of a call, the median of rounds."""
    for _ in range(3):
        work()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return of(found)


def measure_machine(engine: Any, rounds: int, edge: int = 2048) -> Machine:
    """Measure the best of products of square matrices, and of copies beyond all caches."""
    a, b = (np.ones((edge, edge), np.float32) for _ in range(2))
    flops = 2 * edge**3 / measured(lambda: engine.linear(a, b, None), rounds, of=min)
    source = np.ones(16 * edge**2, np.float32)
    target = np.empty_like(source)
    bandwidth = 2 * source.nbytes / measured(lambda: np.copyto(target, source), rounds, of=min)
    return Machine(flops, bandwidth)


def residual(blocks: tuple[int, ...], batch: int, size: int) -> NetParameter:
    """Return a residual net of two convolutions a block."""
    spec = NetSpec()
    spec.data = L.Input(input_param={"shape": {"dim": [batch, 3, size, size]}})
    spec.prob = L.Softmax(nets.resnet(spec.data, blocks, bottleneck=False))
    return NetParameter.FromString(spec.to_proto().SerializeToString())


def point(panel: str, x: int, config: NetParameter, speed: Machine, rounds: int) -> Point:
    """Time a net on one batch."""
    net = Net(config, Phase.TEST, engine=get_engine())
    shape = net.top_shapes[0][0]
    batch = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    seconds = measured(lambda: net.forward({net.inputs[0]: batch}), rounds)
    operations = 2 * summarize(net).multiply_adds / speed.flops
    return Point(panel, x, 1e3 * seconds, 1e3 * operations, 1e3 * traffic(net) / speed.bandwidth)


def traffic(net: Net) -> int:
    """Return the bytes that a pass reads and writes at least: units' bottoms, tops and weights."""
    shapes = {
        blob: shape
        for node, tops in zip(net.graph.nodes, net.top_shapes, strict=True)
        for blob, shape in zip(node.tops, tops, strict=True)
    }
    blobs = [b for unit in net.units for b in (*unit.bottoms, *unit.tops)]
    values = sum(math.prod(shapes[b]) for b in blobs) + sum(math.prod(p.shape) for p in net.params)
    return 4 * values


def works() -> list[tuple[str, int, Callable[[], NetParameter]]]:
    """Return panels, places on their axis, and what makes the nets."""
    found: list[tuple[str, int, Callable[[], NetParameter]]] = []
    for name in ("SqueezeNet 1.1", "MobileNet", "ResNet-18"):
        found += [(f"images, {name}", b, partial(nets.make, name, b, False)) for b in BATCHES]
    for depth, blocks in DEPTHS.items():
        found.append(("layers, residual net", int(depth), partial(residual, blocks, 1, 224)))
    for size in SIZES:
        found.append(("pixels a side, ResNet-18", size, partial(residual, DEPTHS["18"], 1, size)))
    return found


def page(points: Sequence[Point], speed: Machine) -> str:
    """Return the table."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    lines = [
        "# How times grow",
        "",
        f"{machine()}, {threads.count()} threads; {', '.join(versions(None)[:-1])}. Made by "
        f"`benchmarks/growth.py` on {day}.",
        "",
        f"The best product of 2048 × 2048 matrices: {speed.flops / 1e9:.0f} GFLOP/s; the best "
        f"copy: {speed.bandwidth / 1e9:.1f} GB/s. Inference, medians; the floor is the greater of "
        "the two times that operations and bytes take at these speeds.",
        "",
        "| grows with | | ms | operations ms | bytes ms | time / floor |",
        "|---|---|---|---|---|---|",
    ]
    for p in points:
        lines.append(
            f"| {p.panel} | {p.x} | {p.ms:.2f} | {p.operations:.2f} | {p.bytes:.2f} "
            f"| {p.ms / p.floor:.2f} |"
        )
    return "\n".join(lines) + "\n"


def draw(points: Sequence[Point], path: Path) -> None:
    """Plot times and floors, a panel for what grows."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator

    kinds = list(dict.fromkeys(p.panel.partition(",")[0] for p in points))
    figure, axes = plt.subplots(
        1, len(kinds), figsize=(4.2 * len(kinds), 3.8), layout="constrained"
    )
    for axis, kind in zip(axes, kinds, strict=True):
        names = dict.fromkeys(p.panel for p in points if p.panel.partition(",")[0] == kind)
        for i, name in enumerate(names):
            own = [p for p in points if p.panel == name]
            xs = [p.x for p in own]
            label = name.partition(", ")[2]
            axis.plot(xs, [p.ms for p in own], "o-", color=f"C{i}", label=label)
            axis.plot(xs, [p.floor for p in own], ":", color=f"C{i}", label="its floor")
        axis.set(xscale="log", yscale="log", xlabel=kind, ylabel="ms")
        axis.set_xticks(xs, [str(x) for x in xs])
        axis.set_xticks([], minor=True)
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_locator(NullLocator())
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="panels whose name holds this")
    parser.add_argument("--out", type=Path, help="where to write the table")
    parser.add_argument("--plot", type=Path, help="where to write the picture")
    args = parser.parse_args(argv)
    speed = measure_machine(get_engine(), args.rounds)
    points = []
    for panel, x, make in works():
        if args.only in panel:
            points.append(point(panel, x, make(), speed, args.rounds))
            print(f"{panel} {x}: {points[-1].ms:.2f} ms, floor {points[-1].floor:.2f}", flush=True)
    if args.out:
        args.out.write_text(page(points, speed))
    if args.plot:
        draw(points, args.plot)


if __name__ == "__main__":
    main()

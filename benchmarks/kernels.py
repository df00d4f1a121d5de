"""Each primitive of the oneDNN engine beside its NumPy definition, at sizes of real nets.

The engine takes from oneDNN what is faster there; this is the table behind its choices. Both
engines get the same arrays, channels-last, and take turns.

    python -m benchmarks.kernels [--rounds 15] [--out benchmarks/results/kernels.md]
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cpu_page import machine, versions
from netcfg.engines import get_engine, threads
from netcfg.engines.base import Engine
from netcfg.engines.geometry import Conv, Window
from netcfg.engines.layout import first, last
from netcfg.types import Shape

EPS = 1e-5


@dataclass(frozen=True)
class Work:
    """A primitive on arrays of certain shapes.

    Attributes:
        name: of the method of ``Engine``.
        where: a net, and what of it has these shapes.
        given: its arguments.
    """

    name: str
    where: str
    given: dict[str, Any]

    def run(self, engine: Engine) -> Any:
        """Do it on an engine."""
        return getattr(engine, self.name)(**self.given)


def random(*shape: int) -> Any:
    """Return an array of the standard normal distribution, images channels-last."""
    values = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return first(np.ascontiguousarray(last(values))) if len(shape) == 4 else values


def window(kernel: int, stride: int = 1, pad: int = 0) -> Window:
    """Return a square window."""
    return Window((kernel,) * 2, (stride,) * 2, (pad,) * 2, (1, 1))


def convolutions() -> Iterator[Work]:
    """Yield the three passes of convolutions."""
    sizes: list[tuple[str, Shape, int, Conv]] = [
        ("LeNet conv2", (64, 20, 12, 12), 50, Conv(window(5))),
        ("CIFAR-10 quick conv1", (100, 3, 32, 32), 32, Conv(window(5, 1, 2))),
        ("ResNet-18 layer 1", (8, 64, 56, 56), 64, Conv(window(3, 1, 1))),
        ("ResNet-18 layer 3", (8, 256, 14, 14), 256, Conv(window(3, 1, 1))),
        ("MobileNet depthwise", (8, 128, 56, 56), 128, Conv(window(3, 1, 1), 128)),
    ]
    for where, shape, count, conv in sizes:
        x = random(*shape)
        w = random(count, shape[1] // conv.group, *conv.window.kernel)
        dy = random(shape[0], count, *conv.window.out(shape[2:]))
        yield Work("conv", where, {"x": x, "w": w, "b": random(count), "conv": conv})
        yield Work("conv_grad_x", where, {"dy": dy, "w": w, "x_shape": shape, "conv": conv})
        given = {"dy": dy, "x": x, "w_shape": w.shape, "conv": conv, "bias": True}
        yield Work("conv_grad_w", where, given)


def products() -> Iterator[Work]:
    """Yield the passes of inner products."""
    for where, rows, inner, outer in (
        ("LeNet ip1", 64, 800, 500),
        ("CaffeNet fc7", 32, 4096, 4096),
        ("CaffeNet fc7, one image", 1, 4096, 4096),
    ):
        x, w, dy = random(rows, inner), random(outer, inner), random(rows, outer)
        yield Work("linear", where, {"x": x, "w": w, "b": random(outer)})
        yield Work("linear_grad_x", where, {"dy": dy, "w": w})
        yield Work("linear_grad_w", where, {"dy": dy, "x": x})
    # Heads are parts of wide rows: (8, 197, 3, 64) with two axes changed.
    q = np.ascontiguousarray(random(8, 3, 197, 64).transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    yield Work("matmul", "ViT-Tiny scores of attention", {"a": q, "b": q.swapaxes(-1, -2)})


def by_channel() -> Iterator[Work]:
    """Yield pooling and normalization."""
    x, where, half = random(8, 64, 112, 112), "ResNet-18 conv1", (56, 56)
    pool = {"window": window(3, 2), "out": half}
    yield Work("max_pool", where, {"x": x, **pool})
    yield Work("ave_pool", where, {"x": x, **pool})
    given = {"dy": random(8, 64, *half), "x_shape": x.shape, "window": pool["window"]}
    yield Work("ave_pool_grad", where, given)
    yield Work("batch_norm", where, {"x": x, "eps": EPS})
    given = {"x": x, "w": random(64), "b": random(64), "eps": EPS, "relu": True}
    yield Work("norm_scale", where, given)
    lrn = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0}
    yield Work("lrn", "CaffeNet norm1", {"x": random(32, 96, 27, 27), **lrn})


def elementwise() -> Iterator[Work]:
    """Yield what is done value by value, or along an axis."""
    x, dy, where = random(8, 64, 56, 56), random(8, 64, 56, 56), "ResNet-18 layer 1"
    yield Work("relu", where, {"x": x, "slope": 0.0})
    yield Work("relu_grad", where, {"dy": dy, "x": x, "slope": 0.0})
    yield Work("weighted_sum", where, {"xs": [x, dy], "coeffs": [1.0, 1.0]})
    yield Work("concat", where, {"xs": [x, dy], "axis": 1})
    yield Work("sigmoid", where, {"x": x})
    yield Work("tanh", where, {"x": x})
    yield Work("softmax", "ImageNet scores of 32", {"x": random(32, 1000), "axis": 1})
    yield Work("softmax", "FCN scores", {"x": random(1, 21, 500, 500), "axis": 1})


def works() -> list[Work]:
    """Return all works."""
    return [*convolutions(), *products(), *by_channel(), *elementwise()]


def milliseconds(engines: Sequence[Engine], work: Work, rounds: int) -> list[float]:
    """Return the median time of the work on each engine, measured in turn."""
    times: list[list[float]] = [[] for _ in engines]
    for i in range(rounds + 2):
        for engine, found in zip(engines, times, strict=True):
            start = time.perf_counter()
            work.run(engine)
            if i > 1:  # the first calls make plans
                found.append(time.perf_counter() - start)
    return [1e3 * statistics.median(found) for found in times]


def page(rows: Sequence[tuple[Work, float, float]]) -> str:
    """Return the table."""
    lines = [
        "# Primitives of the CPU engine",
        "",
        f"{machine()}, {threads.count()} threads; {', '.join(versions(None)[:-1])}. Made by "
        f"`benchmarks/kernels.py` on {datetime.now(UTC):%Y-%m-%d}. Milliseconds of a call, "
        "medians. Where the ratio is about 1, the engine of oneDNN leaves the work to NumPy.",
        "",
        "| primitive | shapes of | oneDNN engine | NumPy engine | ratio |",
        "|---|---|---|---|---|",
    ]
    for work, fast, plain in rows:
        lines.append(
            f"| {work.name} | {work.where} | {fast:.3f} | {plain:.3f} | {fast / plain:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, help="where to write the table")
    args = parser.parse_args(argv)
    engines = get_engine("onednn"), get_engine("numpy")
    rows = []
    for work in works():
        fast, plain = milliseconds(engines, work, args.rounds)
        rows.append((work, fast, plain))
        print(f"{work.name}, {work.where}: {fast:.3f} ms, NumPy {plain:.3f}", flush=True)
    if args.out:
        args.out.write_text(page(rows))


if __name__ == "__main__":
    main()

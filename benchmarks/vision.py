"""Pictures from files through ResNet-18 beside the net alone on arrays that lie in memory.

    python benchmarks/vision.py FOLDER --save benchmarks/results/vision.md

FOLDER holds JPEG photographs; they are repeated under other names until there are 2 000. One side
is ``netcfg classify`` over these files, a process of its own, which decodes, resizes, crops and
writes a CSV; its rate counts from the first picture on. The other runs the same net with random
weights on one batch of floats, in a process of its own, too. The two take turns.
"""

import argparse
import datetime
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
NET = ROOT / "models/resnet18/deploy.prototxt"
GOAL = 0.85
"""Least share of the net's own rate."""


def make_pictures(source: Path, folder: Path, count: int) -> None:
    """Link the photographs of a folder under ``count`` names."""
    found = sorted(p.resolve() for p in source.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise SystemExit(f"'{source}' holds no JPEG photographs")
    folder.mkdir()
    for i, path in enumerate(islice(cycle(found), count)):
        (folder / f"{i:05d}.jpg").symlink_to(path)


def make_weights(path: Path) -> None:
    """Write random weights of the net; scales and statistics of norms are 1 and 0."""
    from netcfg.io.caffemodel import write_weights
    from netcfg.net import Net
    from netcfg.weights import stored_layers

    rng = np.random.default_rng(0)
    with Net(NET) as net:
        for layer in net.layers:
            norm = layer.type in ("BatchNorm", "Scale")
            for i, param in enumerate(layer.params):
                value = np.full(param.shape, float(norm and i != 1), np.float32)
                if layer.type == "BatchNorm":
                    value[...] = i > 0
                if not norm and len(param.shape) > 1:
                    fan = float(np.prod(param.shape[1:]))
                    value = rng.normal(0, (2 / fan) ** 0.5, param.shape).astype(np.float32)
                param.assign(net.engine.asarray(value))
        write_weights(path, net.name, stored_layers(net.layers, net.engine))


def classify(pictures: Path, weights: Path, out: Path, args: argparse.Namespace) -> float:
    """Run the command and return its images per second."""
    command = [sys.executable, "-m", "netcfg", "classify", str(NET), str(pictures)]
    command += ["--weights", str(weights), "--mean", "104,117,123", "--resize", "256"]
    command += ["--batch", str(args.batch), "--threads", str(args.threads)]
    command += ["--workers", str(args.workers)] if args.workers else []
    command += ["--out", str(out), "--restart"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    match = re.search(r"([\d.]+) images/s", text)
    assert match is not None, text
    return float(match[1])


def alone(weights: Path, args: argparse.Namespace) -> float:
    """Run the net on arrays in a process of its own and return its images per second."""
    command = [sys.executable, __file__, str(weights), "--worker"]
    for option in ("batch", "threads", "pictures"):
        command += [f"--{option}", str(getattr(args, option))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def work(args: argparse.Namespace) -> None:
    """Print the images per second of the net on one batch."""
    from netcfg.engines import threads
    from netcfg.vision.classifier import Classifier
    from netcfg.vision.settings import Settings

    threads.set_count(args.threads)
    model = Classifier(NET, Settings(weights=[args.folder]), batch=args.batch).model
    x = np.random.default_rng(0).normal(0, 60, (args.batch, *model.shape[1:])).astype(np.float32)
    model.run(x)
    batches = -(-args.pictures // args.batch)
    start = time.perf_counter()
    for _ in range(batches):
        model.run(x)
    print(batches * args.batch / (time.perf_counter() - start))


def table(files: list[float], memory: list[float], args: argparse.Namespace) -> str:
    """Return the figures as Markdown."""
    ratio = statistics.median(a / b for a, b in zip(files, memory, strict=True))
    rows = [("`netcfg classify`, JPEG files to CSV", files), ("the net, floats in memory", memory)]
    lines = [
        f"ResNet-18, {args.pictures} photographs, batch {args.batch}, {args.threads} threads, "
        f"{cpu()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"{datetime.date.today()}; median of {args.rounds} rounds",
        "",
        "| work | images/s, median | min | max |",
        "|---|---|---|---|",
        *(
            f"| {name} | {statistics.median(values):.1f} | {min(values):.1f} | {max(values):.1f} |"
            for name, values in rows
        ),
        "",
        f"files / memory, round by round: {ratio:.2f} (goal: {GOAL}: "
        f"{'reached' if ratio >= GOAL else 'missed'})",
    ]
    return "\n".join(lines) + "\n"


def cpu() -> str:
    """Return the processor's name and the number of cores."""
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
    name = models[0].split(":")[1].strip() if models else platform.processor()
    return f"{name}, {os.cpu_count()} cores"


def main() -> None:
    """Parse the options, measure, print the table and keep it where --save says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="of photographs")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--workers", type=int, help="threads that decode; the command's default")
    parser.add_argument("--save", type=Path, help="file that gets the table")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args)
        return
    files, memory = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pictures(args.folder, folder / "pictures", args.pictures)
        make_weights(folder / "weights.caffemodel")
        for _ in range(args.rounds):
            memory.append(alone(folder / "weights.caffemodel", args))
            out = folder / "result.csv"
            files.append(classify(folder / "pictures", folder / "weights.caffemodel", out, args))
    text = table(files, memory, args)
    print(text)
    if args.save:
        args.save.write_text(text)


if __name__ == "__main__":
    main()

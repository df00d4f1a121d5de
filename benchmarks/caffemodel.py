"""Reading a .caffemodel of half a gigabyte: time beside plain reading of its bytes, and memory.

    python benchmarks/caffemodel.py

Every figure comes from a process of its own that does one thing once, on a file that lies in the
system's cache; the kinds take turns, and medians over the rounds are printed. Memory is the peak of
the process less what it had before, with Python and NumPy loaded; for ``Net.load`` the net is built
and the file read before, so a net that takes its weights from a file has them twice for a moment.
"""

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

LAYERS, WIDTH = 8, 4000
"""Inner products from WIDTH to WIDTH: 64 MB each."""

KINDS = {
    "fromfile": "np.fromfile of the .caffemodel's bytes",
    "decode": "read_weights of the .caffemodel: named arrays",
    "net": "Net.load of these arrays, besides",
    "fromfile-h5": "np.fromfile of the .caffemodel.h5's bytes",
    "decode-h5": "read_weights of the .caffemodel.h5: named arrays",
}


def make_files(folder: Path) -> None:
    """Write the same random weights in both formats."""
    from netcfg.io.caffemodel import StoredLayer, write_weights
    from netcfg.io.hdf5 import write_weights_hdf5

    rng = np.random.default_rng(0)

    def layers() -> Iterator[StoredLayer]:
        for i in range(LAYERS):
            blobs = [rng.random((WIDTH, WIDTH), np.float32), rng.random(WIDTH, np.float32)]
            yield StoredLayer(f"ip{i}", "InnerProduct", [f"x{i}"], [f"x{i + 1}"], blobs)

    write_weights(folder / "w.caffemodel", "wide", layers())
    write_weights_hdf5(folder / "w.caffemodel.h5", "wide", layers())


def net_text() -> str:
    """Return the net whose weights the files hold."""
    shape = f"shape {{ dim: 1 dim: {WIDTH} }}"
    text = f'layer {{ name: "x" type: "Input" top: "x0" input_param {{ {shape} }} }}'
    for i in range(LAYERS):
        text += (
            f'layer {{ name: "ip{i}" type: "InnerProduct" bottom: "x{i}" top: "x{i + 1}" '
            f"inner_product_param {{ num_output: {WIDTH} }} }}"
        )
    return text


def job(kind: str, folder: Path) -> Callable[[], object]:
    """Return what a kind does, with all that it needs imported and built."""
    from netcfg.io import hdf5  # noqa: F401 - its time is not the file's
    from netcfg.io.caffemodel import read_weights

    path = folder / ("w.caffemodel.h5" if kind.endswith("h5") else "w.caffemodel")
    if kind.startswith("fromfile"):
        return lambda: np.fromfile(path, np.uint8)
    if kind.startswith("decode"):
        return lambda: read_weights(path)
    from netcfg.net import Net
    from netcfg.schema import parse_net

    net = Net(parse_net(net_text()).message)
    for param in net.params:
        param.data[...] = 1  # so that its memory is there
    weights = read_weights(path)
    return lambda: net.load(weights)


def work(kind: str, folder: Path) -> None:
    """Do one thing once and print its seconds and the megabytes that it took."""
    run = job(kind, folder)
    before = memory("VmRSS")
    start = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - start
    print(seconds, memory("VmHWM") - before)
    del result


def memory(field: str) -> float:
    """Return resident memory of this process in MB: ``VmRSS`` is now, ``VmHWM`` its peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("needs Linux: /proc/self/status says nothing about memory")


def measure(rounds: int, folder: Path) -> dict[str, list[tuple[float, float]]]:
    """Run all kinds in turn, round by round; the first round only warms up."""
    figures: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for number in range(rounds + 1):
        for kind, values in figures.items():
            command = [sys.executable, __file__, "--worker", kind, "--folder", str(folder)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds, megabytes = map(float, out.split())
            if number:
                values.append((seconds, megabytes))
    return figures


def table(figures: dict[str, list[tuple[float, float]]], size: float) -> str:
    """Return the figures as a Markdown table with machine and date."""
    count = len(figures["decode"])
    lines = [
        f"{size:,.0f} MB of weights, {cpu()}, Python {platform.python_version()}, NumPy "
        f"{np.__version__}, h5py {h5py.__version__}, {datetime.date.today()}; median of {count} "
        "processes",
        "",
        "| work | seconds, median | min | max | times np.fromfile: medians | minima | memory, "
        "times the weights |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, values in figures.items():
        seconds = [value[0] for value in values]
        plain = [
            value[0] for value in figures["fromfile-h5" if kind.endswith("h5") else "fromfile"]
        ]
        middle = statistics.median(seconds)
        peak = max(value[1] for value in values) / size
        lines.append(
            f"| {KINDS[kind]} | {middle:.3f} | {min(seconds):.3f} | {max(seconds):.3f} | "
            f"{middle / statistics.median(plain):.2f} | {min(seconds) / min(plain):.2f} | "
            f"{peak:.2f} |"
        )
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
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--save", type=Path, help="file that gets the table")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, args.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder))
        size = LAYERS * (WIDTH * WIDTH + WIDTH) * 4 / 1e6
        text = table(measure(args.rounds, Path(folder)), size)
    print(text)
    if args.save:
        args.save.write_text(text)


if __name__ == "__main__":
    main()

"""LeNet on MNIST-sized records: netcfg with its data pipeline beside PyTorch.

    python benchmarks/lenet.py                                   # netcfg alone
    python benchmarks/lenet.py --peer path/to/python-with-torch  # and PyTorch beside it

Each side is a process of its own; the two take turns, and medians over the rounds are printed.
netcfg reads Datum records from LMDB (made here, random pixels), transforms them, and trains with
momentum and weight decay. PyTorch trains the same net with the same batch, threads and update on
uint8 images that already lie in memory, which leaves out reading and decoding on its side.
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
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
BATCH = 64
STEPS = 50
RECORDS = 20_000


def make_database(folder: Path) -> None:
    """Write RECORDS random 28×28 digits as an LMDB of Datum records."""
    import lmdb

    from netcfg.netcfg_pb2 import Datum

    rng = np.random.default_rng(0)
    env = lmdb.open(str(folder), map_size=1 << 30)
    with env.begin(write=True) as txn:
        for i in range(RECORDS):
            pixels = rng.integers(0, 256, 784, np.uint8).tobytes()
            datum = Datum(channels=1, height=28, width=28, data=pixels, label=i % 10)
            txn.put(f"{i:08d}".encode(), datum.SerializeToString())
    env.close()


def netcfg_training(database: str) -> Callable[[], float]:
    """Return a function that trains STEPS batches and returns the seconds they took."""
    from netcfg.schema import parse_solver, read_net
    from netcfg.solver import Solver

    config = parse_solver((ROOT / "configs/mnist/solver.prototxt").read_text()).message
    net = read_net(ROOT / "configs/mnist/train_val.prototxt").message
    for layer in net.layer:
        if layer.type == "Data":
            layer.data_param.source = database
    config.ClearField("net")
    config.net_param.CopyFrom(net)
    del config.test_iter[:]
    config.display = config.snapshot = 0
    config.test_initialization = config.snapshot_after_train = False
    config.max_iter = 1_000_000
    solver = Solver(config, hooks=())

    def run() -> float:
        start = time.perf_counter()
        solver.step(STEPS)
        return time.perf_counter() - start

    return run


def netcfg_reading(database: str) -> Callable[[], float]:
    """Return a function that reads and transforms STEPS batches and returns the seconds."""
    from netcfg.net import Net
    from netcfg.schema import parse_net

    net = Net(
        parse_net(
            'layer { name: "data" type: "Data" top: "data" top: "label" '
            "transform_param { scale: 0.00390625 } "
            f'data_param {{ source: "{database}" batch_size: {BATCH} backend: LMDB }} }}'
        ).message
    )

    def run() -> float:
        start = time.perf_counter()
        for _ in range(STEPS):
            net.forward()
        return time.perf_counter() - start

    return run


def torch_training(threads: int, channels_last: bool) -> Callable[[], float]:
    """Return PyTorch's counterpart of ``netcfg_training``, from images in memory."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = nn.Sequential(
        nn.Conv2d(1, 20, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    ).to(memory_format=layout)
    images = torch.randint(0, 256, (RECORDS, 1, 28, 28), dtype=torch.uint8)
    labels = torch.randint(0, 10, (RECORDS,))
    update = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=0.0005)
    loss_of = nn.CrossEntropyLoss()
    position = 0

    def run() -> float:
        nonlocal position
        start = time.perf_counter()
        for _ in range(STEPS):
            batch = slice(position, position + BATCH)
            position = (position + BATCH) % (RECORDS - BATCH)
            x = (images[batch].float() * 0.00390625).to(memory_format=layout)
            loss = loss_of(model(x), labels[batch])
            update.zero_grad()
            loss.backward()
            update.step()
        return time.perf_counter() - start

    return run


def work(kind: str, database: str, threads: int) -> None:
    """Serve rounds: for each line on standard input run once and print images per second."""
    run = {
        "netcfg": lambda: netcfg_training(database),
        "reading": lambda: netcfg_reading(database),
        "torch": lambda: torch_training(threads, channels_last=False),
        "torch-cl": lambda: torch_training(threads, channels_last=True),
    }[kind]()
    run()  # warm up
    print("ready", flush=True)
    for _ in sys.stdin:
        print(STEPS * BATCH / run(), flush=True)


def start_worker(python: str, kind: str, database: str, threads: int) -> "subprocess.Popen[str]":
    """Start a worker process and wait until it is warm."""
    env = os.environ | {"NETCFG_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    command = [python, __file__, "--worker", kind, "--database", database]
    command += ["--threads", str(threads)]
    worker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    )
    assert worker.stdout is not None
    if worker.stdout.readline().strip() != "ready":
        raise SystemExit(f"worker '{kind}' failed")
    return worker


def one_round(worker: "subprocess.Popen[str]") -> float:
    """Let a worker run once and return its images per second."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def measure(args: argparse.Namespace, database: str) -> dict[str, list[float]]:
    """Run all workers in turn, round by round."""
    kinds = {"netcfg": sys.executable, "reading": sys.executable}
    if args.peer:
        kinds |= {"torch": args.peer, "torch-cl": args.peer}
    workers = {k: start_worker(python, k, database, args.threads) for k, python in kinds.items()}
    figures: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(args.rounds):
        for kind, worker in workers.items():
            figures[kind].append(one_round(worker))
    for worker in workers.values():
        assert worker.stdin is not None
        worker.stdin.close()
        worker.wait()
    return figures


def table(figures: dict[str, list[float]], args: argparse.Namespace) -> str:
    """Return the figures as a Markdown table with machine and date."""
    names = {
        "netcfg": "netcfg trains, LMDB pipeline included",
        "reading": "netcfg reads and transforms LMDB records",
        "torch": "PyTorch trains from memory",
        "torch-cl": "PyTorch trains from memory, channels_last",
    }
    ours = statistics.median(figures["netcfg"])
    today = datetime.date.today()
    lines = [
        f"LeNet, batch {BATCH}, {args.threads} threads, {cpu()}, Python "
        f"{platform.python_version()}, NumPy {np.__version__}, {today}; median of {args.rounds} "
        f"rounds of {STEPS} batches",
        "",
        "| work | images/s, median | min | max | netcfg training / this |",
        "|---|---|---|---|---|",
    ]
    for kind, values in figures.items():
        middle = statistics.median(values)
        ratio = f"{ours / middle:.2f}" if kind.startswith("torch") else ""
        lines.append(
            f"| {names[kind]} | {middle:,.0f} | {min(values):,.0f} | {max(values):,.0f} | {ratio} |"
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
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peer", help="a Python interpreter that has PyTorch")
    parser.add_argument("--save", type=Path, help="file that gets the table")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--database", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, args.database, args.threads)
        return
    with tempfile.TemporaryDirectory() as folder:
        make_database(Path(folder))
        text = table(measure(args, folder), args)
    print(text)
    if args.save:
        args.save.write_text(text)


if __name__ == "__main__":
    main()

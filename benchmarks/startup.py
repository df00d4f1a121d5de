"""How long a new process takes to the first output of SqueezeNet 1.1, imports included.

python -m benchmarks.startup [--rounds 7] [--out benchmarks/results/startup.md]
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cpu_page import machine, versions

ROOT = Path(__file__).resolve().parents[1]
STEPS = {
    "the interpreter alone": "",
    "import NumPy": "import numpy",
    "import netcfg's nets": "from netcfg import Net",
    "build the net": "from netcfg import Net; Net('models/squeezenet1.1/deploy.prototxt')",
    "the first output": (
        "import numpy as np; from netcfg import Net; "
        "net = Net('models/squeezenet1.1/deploy.prototxt'); "
        "net.forward({'data': np.zeros((1, 3, 227, 227), np.float32)})"
    ),
}
"""What a process does, each with all before it."""


def measure(code: str, rounds: int) -> float:
    """Return the median seconds of a process that runs ``code``."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def page(seconds: dict[str, float]) -> str:
    """Return the table."""
    rows = "".join(f"| {name} | {value:.2f} |\n" for name, value in seconds.items())
    return (
        "# From nothing to the first output\n\n"
        f"{machine()}; {', '.join(versions(None)[:-1])}. Made by `benchmarks/startup.py` on "
        f"{datetime.now(UTC):%Y-%m-%d}: seconds of a new process that does so much, medians.\n\n"
        f"| up to | s |\n|---|---|\n{rows}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="where to write the table")
    args = parser.parse_args(argv)
    text = page({name: measure(code, args.rounds) for name, code in STEPS.items()})
    print(text)
    if args.out:
        args.out.write_text(text)


if __name__ == "__main__":
    main()

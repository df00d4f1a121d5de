"""Everything that only a card can tell, in under eight minutes, as one table.

    python tools/gpu_check.py                  # all parts
    python tools/gpu_check.py parity golden    # some parts
    python tools/gpu_check.py --list

Each part is a process of its own with a limit of time; what one does wrong hides nothing of the
others. Checks run side by side, benchmarks after them, one by one. Needs CuPy; without cuDNN's
frontend or nvmath the engine takes slower ways, which the part ``device`` says. What a machine
without a network lacks can be brought along:

    pip download -d wheels --no-deps --python-version 3.12 --only-binary :all: \\
        nvidia-cudnn-frontend==1.28.0 nvmath-python==1.0.0 cuda-pathfinder lmdb h5py tqdm

Where the environment variable ``OUT`` names a folder, the properties of the card are written there
as cuDNN wants them to build plans without a card.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import gpu_parts as parts  # noqa: E402 - it lies beside this file

TOTAL = 470
"""Seconds for everything."""

# Running ---------------------------------------------------------------------------------------

CHECKS: dict[str, tuple[Callable[[], str], int]] = {
    "device": (parts.device, 60),
    "parity": (parts.parity, 150),
    "parity_mixed": (parts.parity_mixed, 200),
    "gradients": (parts.gradients, 150),
    "golden": (parts.golden, 120),
    "determinism": (parts.determinism, 90),
    "graphs": (parts.graphs, 150),
    "leak": (parts.leak, 120),
    "sanitizer": (parts.sanitizer, 150),
}
"""Parts and the seconds they may take."""

INNER = {"parity_small": parts.parity_small}


def run(name: str, seconds: float) -> tuple[str, str, float]:
    """Run a part in a process of its own; return how it went, what it says and its seconds."""
    start = time.perf_counter()
    command = [sys.executable, __file__, "--inner", name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return "FAILED", f"took more than {seconds:.0f} s", seconds
    spent = time.perf_counter() - start
    if out := os.environ.get("OUT"):
        Path(out, f"{name}.log").write_text(done.stdout + done.stderr)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or [""]
    says = lines[-1][:300]
    state = "FAILED" if done.returncode else "skipped" if says.startswith("skipped") else "ok"
    return state, says, spent


def main() -> int:
    """Run the parts and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--inner", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inner:
        function = {**INNER, **{k: f for k, (f, _) in CHECKS.items()}}[args.inner]
        print(function())
        return 0
    from benchmarks.gpu import WORKS, compare, row

    if args.list:
        print("\n".join([*CHECKS, *(w.title for w in WORKS)]))
        return 0
    start = time.perf_counter()
    names = [n for n in CHECKS if not args.parts or n in args.parts]
    with ThreadPoolExecutor(4) as pool:
        results = dict(zip(names, pool.map(lambda n: run(n, CHECKS[n][1]), names), strict=True))
    for name, (state, says, spent) in results.items():
        print(f"| {name} | {state} | {spent:.0f} s | {says} |", flush=True)
    found: dict[str, Any] = {}
    for work in WORKS:
        left = TOTAL - (time.perf_counter() - start)
        if args.parts and work.title not in args.parts:
            continue
        if left < 20:
            print(f"| {work.title} | skipped | | no time left |")
            continue
        found[work.title] = compare(work, min(60.0, left / 3))
        print(row(work, found[work.title]), flush=True)
    if out := os.environ.get("OUT"):
        Path(out, "gpu_check.json").write_text(json.dumps({"checks": results, "works": found}))
    return int(any(state == "FAILED" for state, _, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main())

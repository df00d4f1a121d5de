"""What every process of the benchmark does: get a job, make sure of the net, step when told to.

Needs the standard library and NumPy only, for it runs in the peers' environment as well.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP = 3
TOLERANCE = 1e-3


def serve(build: Callable[[Any], Callable[[], Any]]) -> None:
    """Read a job, then numbers of steps; answer each step with a line.

    The line holds milliseconds, how often the process was preempted, and the most memory so far in
    KiB.
    """
    step = build(json.loads(sys.stdin.readline()))
    for _ in range(WARM_UP):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
            start = time.perf_counter()
            step()
            spent = (time.perf_counter() - start) * 1e3
            preempted = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - before
            print(spent, preempted, peak_memory(), flush=True)


def peak_memory() -> int:
    """Return the most resident memory of this program in KiB.

    ``ru_maxrss`` would not do: it begins with what the parent had when it started this process.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = status.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def read_reference(job: Any) -> dict[str, np.ndarray]:
    """Return the arrays that ``benchmarks.reference.write`` left for a job, if any."""
    if not job.get("reference"):
        return {}
    with np.load(job["reference"]) as file:
        return dict(file)


def check_output(output: np.ndarray, reference: dict[str, np.ndarray]) -> None:
    """Compare probabilities by their logarithms, less the mean: logits but for a constant.

    Raises:
        SystemExit: they differ, so this is another net.
    """
    ours, theirs = (_logits(p) for p in (output, reference["output"]))
    error = float(abs(ours - theirs).max() / abs(theirs).max())
    if not error <= TOLERANCE:
        raise SystemExit(f"not the same net: outputs differ by {error:.2g} of the largest")


def _logits(probabilities: np.ndarray) -> np.ndarray:
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-30))
    return logs - logs.mean(axis=1, keepdims=True)

"""Runs the programs of ``examples`` as their users do, and reads what they print and draw."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


def start(name: str, *args: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of ``examples`` in a folder of its own, warnings as errors."""
    script = ROOT / "examples" / name
    command = [sys.executable, "-W", "error", "-m", "netcfg.pycaffe", str(script), *map(str, args)]
    # The tests may run in parallel: threads that wait by spinning would slow each other down.
    quick = {"PYTHONPATH": str(ROOT), "NETCFG_THREADS": "1", "GOMP_SPINCOUNT": "0"}
    return subprocess.run(
        command, cwd=folder, env=os.environ | quick, capture_output=True, text=True, check=False
    )


def run(name: str, *args: str | Path, folder: Path) -> str:
    """Run a program that must succeed and return what it prints."""
    done = start(name, *args, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def number(pattern: str, text: str) -> float:
    """Return the number that a line of the output says."""
    found = re.search(pattern + r" *(-?[\d.]+(?:e[-+]?\d+)?)", text)
    assert found, f"no '{pattern}' in:\n{text}"
    return float(found[1])


def picture(path: Path) -> np.ndarray:
    """Return the pixels of an image file."""
    with Image.open(path) as image:
        return np.asarray(image)

"""OpenBLAS's number of threads, in processes of their own: it is that of the whole process."""

import ctypes
import os
import subprocess
import sys
from typing import Any

import pytest

from netcfg.engines import openblas

COUNT = "from netcfg.engines import Engine, openblas; Engine(); print(openblas.threads())"


def run(variables: dict[str, str]) -> str:
    """Return how many threads OpenBLAS has once there is an engine."""
    own = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "GOTO_NUM_THREADS")
    env = {k: v for k, v in os.environ.items() if k not in own} | variables
    done = subprocess.run([sys.executable, "-c", COUNT], env=env, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.skipif(openblas.threads() is None, reason="NumPy uses another library than OpenBLAS")
def test_an_engine_sets_one_thread() -> None:
    assert run({}) == "1"


@pytest.mark.skipif(openblas.threads() is None, reason="NumPy uses another library than OpenBLAS")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="OpenBLAS has no more threads than cores")
def test_the_users_choice_stands() -> None:
    assert run({"OPENBLAS_NUM_THREADS": "2"}) == "2"


@pytest.mark.parametrize("library", [object(), None])
def test_does_nothing_with_another_library(monkeypatch: Any, library: object) -> None:
    def load(name: str) -> object:
        if library is None:
            raise OSError("no such library")
        return library

    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr(ctypes, "CDLL", load)
    openblas.use_one_thread.__wrapped__()
    assert openblas.threads() is None

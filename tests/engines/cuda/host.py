"""The kernels compiled for the CPU, called as ``Kernels`` calls them on a GPU."""

import ctypes
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.engines.cuda.compile import STORAGE, source
from netcfg.engines.cuda.launch import Kernels, converters, signatures
from netcfg.testing import make_layer, top_shapes

FLAGS = (
    *("-std=c++20", "-O1", "-shared", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing"),
    *("-Wl,-Bsymbolic", "-w", "-x", "c++"),
)
GUARD, BYTE = 64, 0x7E
OLDEST = 12


class HostKernels(Kernels):
    """Kernels in a shared library; ``rising`` says in which order threads and blocks run."""

    def __init__(self, storage: str) -> None:
        self.storage = storage
        self.acc = np.float64 if storage == "float64" else np.float32
        self.dtype = dtype_of(storage)
        self.rising = True
        self._most = 3
        self._library = _library(storage)
        self._guarded: list[np.ndarray] = []

    def run(self, name: str, grid: Any, block: Any, *args: Any) -> None:
        dims = (ctypes.c_uint * 6)(*(*grid, 1, 1)[:3], *(*block, 1, 1)[:3])
        convert = converters(name, self.acc)
        values = [np.atleast_1d(c(a)) for c, a in zip(convert, args, strict=True)]
        pointers = (ctypes.c_void_p * len(values))(*(v.ctypes.data for v in values))
        self._library[f"launch_{name}"](dims, pointers, int(self.rising))
        for memory in self._guarded:
            edges = np.concatenate([memory[:GUARD], memory[-GUARD:]])
            assert (edges == BYTE).all(), f"{name} wrote outside an array"

    def array(self, values: Any, dtype: Any = None) -> np.ndarray:
        """Return a copy in C order, aligned as CuPy's, between bytes that must not change."""
        values = np.asarray(values)
        made = self.empty(values.shape, dtype)
        made[...] = values
        return made

    def empty(self, shape: Any, dtype: Any = None) -> np.ndarray:
        """Return an array of the storage type full of a pattern, likewise."""
        dtype = np.dtype(self.dtype if dtype is None else dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        raw = np.full(size + 2 * GUARD + 16, BYTE, np.uint8)
        start = -raw.ctypes.data % 16
        memory = raw[start : start + size + 2 * GUARD]
        self._guarded.append(memory)
        return memory[GUARD : GUARD + size].view(dtype).reshape(shape)


def dtype_of(storage: str) -> Any:
    if storage != "bfloat16":
        return np.dtype(storage)
    return np.dtype(pytest.importorskip("ml_dtypes").bfloat16)


@cache
def _library(storage: str) -> Any:
    compiler = shutil.which("g++")
    if compiler is None or platform.machine() != "x86_64" or platform.system() != "Linux":
        pytest.skip("needs g++ on Linux x86-64 to run kernels on the CPU")
    version = subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True, check=True)
    if int(version.stdout.split(".")[0]) < OLDEST:
        pytest.skip(f"needs g++ {OLDEST} to run kernels on the CPU: it knows float16")
    launchers = "".join(f"LAUNCHER({name})\n" for name in signatures())
    with TemporaryDirectory() as folder:
        code, library = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        code.write_text(f'#include "host_shim.h"\n{source()}\n{launchers}')
        include = f"-I{Path(__file__).parent}"
        command = [compiler, *FLAGS, f"-DREAL={STORAGE[storage]}", include]
        done = subprocess.run(
            [*command, str(code), "-o", str(library)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return ctypes.CDLL(str(library))


EPSILON = {"float32": 1e-6, "float64": 1e-14, "float16": 1e-3, "bfloat16": 8e-3}


def check(kernels: HostKernels, actual: np.ndarray, expected: Any, factor: float = 1) -> None:
    """Assert equality up to ``factor`` times what rounding to the array's type does.

    Args:
        kernels: whose arrays these are.
        actual: what a kernel wrote.
        expected: what NumPy makes of it in float64.
        factor: how much worse than one rounding it may be.
    """
    exact = kernels.storage if actual.dtype == kernels.dtype else actual.dtype.name
    expected = np.asarray(expected, np.float64)
    tolerance = factor * EPSILON[exact]
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    np.testing.assert_allclose(
        actual.astype(np.float64), expected, rtol=tolerance, atol=tolerance * min(scale, 1)
    )


def build(text: str, *shapes: Any, dtype: Any = np.float64, **options: Any) -> Any:
    """Return a layer on the NumPy engine, ready to run."""
    layer = make_layer(text, shapes, engine=Engine(dtype), **options)
    top_shapes(layer, shapes)
    return layer


def channels_last(x: np.ndarray) -> np.ndarray:
    """Return (N, C, *S) as (N, *S, C)."""
    return np.moveaxis(x, 1, -1)


def planes(x: np.ndarray) -> np.ndarray:
    """Return (N, *S, C) as (N, C, *S)."""
    return np.moveaxis(x, -1, 1)

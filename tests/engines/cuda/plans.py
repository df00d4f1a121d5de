"""What cuDNN makes of graphs without a card: ``offline`` run beside a driver that does nothing."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DRIVER = (
    "cuCtxGetCurrent cuCtxGetLimit cuCtxPopCurrent cuCtxPushCurrent cuDeviceGet cuInit "
    "cuKernelGetAttribute cuKernelGetFunction cuKernelSetAttribute cuLaunchCooperativeKernel "
    "cuLaunchKernel cuLaunchKernelEx cuLibraryGetKernel cuLibraryLoadData cuLibraryLoadFromFile "
    "cuLibraryUnload cuLinkAddData cuLinkComplete cuLinkCreate cuLinkDestroy cuModuleGetFunction "
    "cuModuleLoadData cuModuleUnload cuOccupancyMaxPotentialClusterSize cuStreamGetCtx "
    "cuTensorMapEncodeIm2col cuTensorMapEncodeTiled cuDriverGetVersion cuGetErrorString "
    "cuGetErrorName cuDeviceGetCount"
)
"""Functions of the driver that cuDNN is linked with; here they only answer that there is none."""


@cache
def built(folder: Path) -> dict[str, Any]:
    """Return what became of all specs, in a process with a driver that does nothing."""
    home = importlib.util.find_spec("nvidia")
    compiler = shutil.which("gcc")
    if importlib.util.find_spec("cudnn") is None or home is None or compiler is None:
        pytest.skip("needs cuDNN, its frontend, NVRTC and cuBLASLt (netcfg[cuda13]), and gcc")
    source = folder / "driver.c"
    source.write_text(
        "".join(f"int {name}() {{ return 100; }}\n" for name in DRIVER.split()[:-4])
        + "int cuDriverGetVersion(int* v) { *v = 13000; return 0; }\n"
        'int cuGetErrorString(int e, const char** s) { *s = "none"; return 0; }\n'
        'int cuGetErrorName(int e, const char** s) { *s = "none"; return 0; }\n'
        "int cuDeviceGetCount(int* n) { *n = 0; return 0; }\n"
    )
    library = folder / "libcuda.so.1"
    options = ["-w", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1"]
    subprocess.run([compiler, *options, str(source), "-o", str(library)], check=True)
    places = [p for root in home.submodule_search_locations or () for p in Path(root).glob("*/lib")]
    paths = [str(folder), *map(str, places), os.environ.get("LD_LIBRARY_PATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.engines.cuda.offline"],
        cwd=ROOT,
        env={**os.environ, "LD_LIBRARY_PATH": ":".join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1000:]
    return json.loads(done.stdout.splitlines()[-1])

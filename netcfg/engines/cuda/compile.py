"""The kernels compiled for an architecture, once for each storage type, and kept on disk."""

import functools
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from netcfg.errors import NetError
from netcfg.io.files import write_whole

__all__ = ["STORAGE", "CompilerError", "compiled", "source"]

FOLDER = Path(__file__).parent / "kernels"

FAMILIES = (
    *("common.cuh", "random.cu", "elementwise.cu", "combine.cu", "channels.cu", "pool.cu"),
    *("lrn.cu", "columns.cu", "softmax.cu", "loss.cu", "copy.cu", "convert.cu", "embed.cu"),
    *("recurrent.cu", "boxes.cu", "image.cu", "solver.cu"),
)
"""Files of the module; each may use what is before it."""

STORAGE = {"float32": "float", "float64": "double", "float16": "Half", "bfloat16": "Bfloat"}
"""The kernels' ``Real`` for each storage type."""


class CompilerError(NetError):
    """NVRTC is not there, or does not know the architecture."""


@functools.cache
def source() -> str:
    """Return the source of all kernels; the compiler names files and lines as they are on disk."""
    return "".join(f'#line 1 "{name}"\n{(FOLDER / name).read_text()}' for name in FAMILIES)


def compiled(storage: str, arch: str) -> Path:
    """Return the file with the kernels' machine code, a cubin, compiled if it is not there yet.

    It is kept under ``$XDG_CACHE_HOME/netcfg``, or ``~/.cache/netcfg``, by a hash of the source,
    the options and the compiler; where that cannot be written, in a temporary folder. No GPU is
    needed.

    Args:
        storage: one of ``STORAGE``.
        arch: as the compiler names it: ``sm_90``.

    Raises:
        CompilerError: NVRTC is not there, or does not know the architecture.
    """
    nvrtc = _nvrtc()
    options = (f"--gpu-architecture={arch}", "--std=c++17", f"-DREAL={STORAGE[storage]}")
    key = repr((source(), options, nvrtc.getVersion()))
    name = f"kernels-{storage}-{arch}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.cubin"
    path = _cache() / name
    if path.exists():
        return path
    code = _compile(nvrtc, options)
    try:
        with write_whole(path) as file:
            file.write(code)
    except NetError:
        path = Path(tempfile.mkdtemp(prefix="netcfg-"), name)
        path.write_bytes(code)
    return path


def _compile(nvrtc: Any, options: tuple[str, ...]) -> bytes:
    """Return the machine code of all kernels."""
    program = nvrtc.createProgram(source(), "kernels.cu", (), ())
    try:
        nvrtc.compileProgram(program, options)
        code: bytes = nvrtc.getCUBIN(program)
        return code
    except nvrtc.NVRTCError as error:
        log = nvrtc.getProgramLog(program).strip() or str(error)
        raise CompilerError(f"NVRTC cannot compile the kernels for {options[0]}: {log}") from error
    finally:
        nvrtc.destroyProgram(program)


@functools.cache
def _nvrtc() -> Any:
    """Return CuPy's binding of NVRTC.

    Raises:
        CompilerError: CuPy or the library is not there.
    """
    try:
        from cupy.cuda import nvrtc

        nvrtc.getVersion()
    except (ImportError, OSError, RuntimeError) as error:
        raise CompilerError(
            "engine cuda needs CuPy with NVRTC, as `pip install 'netcfg[cuda13]'` brings them: "
            f"{error}"
        ) from error
    return nvrtc


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netcfg"

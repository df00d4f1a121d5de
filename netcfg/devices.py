"""What this machine computes with: processor, memory, engines and NVIDIA cards."""

import ctypes
import ctypes.util
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from netcfg.engines import ENGINES, threads
from netcfg.errors import NetError
from netcfg.table import size

INSTRUCTIONS = (
    "sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8",
    "asimd", "asimddp", "bf16", "i8mm", "sve", "sve2",
)  # fmt: skip
"""Instruction sets that matter for speed, as Linux calls them: of x86-64, then of ARM."""

LIBRARIES = {
    "CuPy": ("cupy-cuda13x", "cupy-cuda12x", "cupy"),
    "NVRTC": ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu13", "nvidia-cuda-nvrtc-cu12"),
    "cuBLASLt": ("nvidia-cublas", "nvidia-cublas-cu13", "nvidia-cublas-cu12"),
    "its binding": ("nvmath-python",),
    "cuDNN": ("nvidia-cudnn-cu13", "nvidia-cudnn-cu12"),
    "its frontend": ("nvidia-cudnn-frontend",),
    "16-bit floats": ("ml_dtypes",),
}
"""What engine cuda calls, and the packages that may bring it."""

NEWEST = 13
"""Version of CUDA from which on drivers run what extra cuda13 installs."""

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")

# Attributes of cuDeviceGetAttribute.
_PROCESSORS, _MAJOR, _MINOR = 16, 75, 76


@dataclass(frozen=True)
class Cpu:
    """The processor and its memory.

    Attributes:
        name: of the model.
        cores: how many this process may use.
        present: how many there are.
        instructions: those of ``INSTRUCTIONS`` that it has; none where the system does not tell.
        memory: bytes that this process may use, as far as containers tell; 0 where unknown.
        free: bytes that nobody uses; 0 where unknown.
    """

    name: str
    cores: int
    present: int
    instructions: tuple[str, ...]
    memory: int
    free: int


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA card.

    Attributes:
        index: as ``CUDA_VISIBLE_DEVICES`` leaves them, from 0.
        name: of the model.
        memory: bytes.
        capability: major and minor compute capability.
        processors: streaming multiprocessors.
    """

    index: int
    name: str
    memory: int
    capability: tuple[int, int]
    processors: int


@dataclass(frozen=True)
class Cuda:
    """NVIDIA's driver and the cards that it offers.

    Attributes:
        cards: none where the driver is missing or finds none.
        version: newest CUDA that the driver supports, such as ``12.4``; empty without a driver.
        driver: its own version; empty where it is not told.
        reason: why there are no cards.
    """

    cards: tuple[Gpu, ...] = ()
    version: str = ""
    driver: str = ""
    reason: str = ""


# Processor -------------------------------------------------------------------------------------


def cpu() -> Cpu:
    """Return the processor and its memory."""
    info = _pairs(_PROC / "cpuinfo")
    name = info.get("model name") or info.get("Model") or platform.processor()
    flags = set((info.get("flags") or info.get("Features") or "").split())
    present = os.cpu_count() or 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else present
    memory, free = _memory()
    return Cpu(
        name or platform.machine(),
        cores,
        present,
        tuple(word for word in INSTRUCTIONS if word in flags),
        memory,
        free,
    )


def _pairs(path: Path) -> dict[str, str]:
    """Return the first value of each name in a file of ``name: value`` lines; {} without it."""
    pairs: dict[str, str] = {}
    if path.is_file():
        for line in path.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            pairs.setdefault(name.strip(), value.strip())
    return pairs


def _memory() -> tuple[int, int]:
    """Return bytes of memory, and of what is free."""
    told = _pairs(_PROC / "meminfo")
    total, free = (_kib(told.get(name, "")) for name in ("MemTotal", "MemAvailable"))
    limit = _CGROUP / "memory.max"
    text = limit.read_text().strip() if limit.is_file() else ""
    if text.isdecimal() and 0 < int(text) < total:
        total = int(text)
    return total, min(free, total)


def _kib(text: str) -> int:
    number = text.removesuffix("kB").strip()
    return int(number) * 1024 if number.isdecimal() else 0


# Engines ---------------------------------------------------------------------------------------


def engines() -> dict[str, str]:
    """Return each engine, with the version of what it calls or with what it misses."""
    told = {}
    for name, load in ENGINES.items():
        try:
            load()()
            told[name] = _VERSIONS.get(name, lambda: "at hand")()
        except (NetError, ImportError, OSError) as error:
            told[name] = f"missing: {error}"
    return told


def _onednn() -> str:
    from netcfg.engines.onednn.library import load

    return f"oneDNN {'.'.join(map(str, load().version))}"


def _cuda() -> str:
    """Return versions as the libraries tell them, and what is used in place of missing ones."""
    from netcfg.engines.cuda.device import find

    device = find()
    told = [f"CuPy {device.xp.__version__}", *device.reasons]
    if device.graphs is not None:
        number = device.graphs.version
        told.insert(1, f"cuDNN {number // 10000}.{number // 100 % 100}.{number % 100}")
    return "; ".join(told)


_VERSIONS: dict[str, Callable[[], str]] = {
    "numpy": lambda: f"NumPy {np.__version__}",
    "onednn": _onednn,
    "cuda": _cuda,
}


def _installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


# Cards -----------------------------------------------------------------------------------------


class _DriverError(Exception):
    """A function of the driver failed."""


def cuda() -> Cuda:
    """Ask NVIDIA's driver for its cards; neither CuPy nor the CUDA toolkit is needed."""
    library = _library("cuda", "libcuda.so.1", "nvcuda.dll")
    if library is None:
        return Cuda(reason="NVIDIA's driver is not installed")
    ask = _asker(library)
    try:
        ask("cuInit", 0)
        number = ctypes.c_int()
        ask("cuDriverGetVersion", ctypes.byref(number))
        newest = f"{number.value // 1000}.{number.value % 1000 // 10}"
        count = ctypes.c_int()
        ask("cuDeviceGetCount", ctypes.byref(count))
        cards = tuple(_card(ask, index) for index in range(count.value))
    except (_DriverError, AttributeError) as error:
        return Cuda(reason=f"NVIDIA's driver fails: {error}")
    return Cuda(cards, newest, _driver_version(), "" if cards else "NVIDIA's driver finds no card")


def _library(name: str, *files: str) -> Any:
    """Return a shared library, None where it cannot be loaded."""
    for file in (*files, ctypes.util.find_library(name)):
        try:
            if file:
                return ctypes.CDLL(file)
        except OSError:
            continue
    return None


def _asker(library: Any) -> Callable[..., None]:
    """Return a function that calls the driver and raises what it answers."""

    def ask(function: str, *arguments: Any) -> None:
        code = getattr(library, function)(*arguments)
        if code:
            name = ctypes.c_char_p()
            library.cuGetErrorName(code, ctypes.byref(name))
            told = (name.value or b"").decode() or f"error {code}"
            raise _DriverError(f"{function} answers {told}")

    return ask


def _card(ask: Callable[..., None], index: int) -> Gpu:
    device, name, memory = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
    ask("cuDeviceGet", ctypes.byref(device), index)
    ask("cuDeviceGetName", name, len(name), device)
    ask("cuDeviceTotalMem_v2", ctypes.byref(memory), device)

    def attribute(number: int) -> int:
        value = ctypes.c_int()
        ask("cuDeviceGetAttribute", ctypes.byref(value), number, device)
        return value.value

    return Gpu(
        index,
        name.value.decode(errors="replace"),
        memory.value,
        (attribute(_MAJOR), attribute(_MINOR)),
        attribute(_PROCESSORS),
    )


def _driver_version() -> str:
    """Return the version of the driver itself, as NVIDIA's management library tells it."""
    library = _library("nvidia-ml", "libnvidia-ml.so.1", "nvml.dll")
    text = ctypes.create_string_buffer(96)
    if library is None or library.nvmlInit_v2():
        return ""
    failed = library.nvmlSystemGetDriverVersion(text, len(text))
    library.nvmlShutdown()
    return "" if failed else text.value.decode(errors="replace")


# Report ----------------------------------------------------------------------------------------


def report(gpu: int | None = None) -> str:
    """Return the lines of ``netcfg device-query``.

    Args:
        gpu: the card to tell of; all where None.

    Raises:
        NetError: there are cards, but not this one.
    """
    return "\n".join(f"{name:12}  {text}".rstrip() for name, text in _rows(gpu))


def _rows(gpu: int | None) -> Iterator[tuple[str, str]]:
    found = cpu()
    yield "CPU", found.name
    yield "cores", f"{found.cores} of {found.present} may be used"
    yield "instructions", " ".join(found.instructions) or "not told"
    known = f"{size(found.memory)}, {size(found.free)} free" if found.memory else "not told"
    yield "memory", known
    yield "threads", f"{threads.count()}; {threads.VARIABLE} and --threads change it"
    for i, (name, state) in enumerate(engines().items()):
        yield "" if i else "engines", f"{name}: {state}"
    driver = cuda()
    if not driver.cards:
        yield "GPU", f"no CUDA device: {driver.reason}"
        return
    if gpu is not None and gpu >= len(driver.cards):
        raise NetError(f"there is no GPU {gpu}; the last one is {len(driver.cards) - 1}")
    yield "driver", f"{driver.driver or 'version not told'}, CUDA up to {driver.version}"
    yield from _libraries(driver.version)
    for card in driver.cards if gpu is None else [driver.cards[gpu]]:
        major, minor = card.capability
        yield (
            f"GPU {card.index}",
            f"{card.name}, {size(card.memory)}, compute capability {major}.{minor}, "
            f"{card.processors} multiprocessors",
        )


def _libraries(newest: str) -> Iterator[tuple[str, str]]:
    """Yield a row for what is installed of what cards need, and one for what is not.

    Args:
        newest: version of CUDA that the driver supports.
    """
    found = {
        what: next(filter(None, map(_installed, names)), "") for what, names in LIBRARIES.items()
    }
    yield "libraries", ", ".join(filter(None, found.values())) or "none of netcfg's"
    missing = [what for what, package in found.items() if not package]
    if missing:
        extra = "cuda13" if int(newest.partition(".")[0]) >= NEWEST else "cuda12"
        yield "", f"not from packages: {', '.join(missing)}; pip install 'netcfg[{extra}]'"

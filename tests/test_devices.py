"""What this machine computes with, and machines made up."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg import devices
from netcfg.devices import Cuda, Gpu, cpu, cuda, engines, report
from netcfg.engines import ENGINES, threads
from netcfg.errors import NetError

CPUINFO = """\
processor : 0
model name : Some CPU @ 2.0GHz
flags : fpu avx2 fma amx_bf16 avx512_bf16

processor : 1
model name : Another
"""
MEMINFO = "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:    8192 kB\n"


class Driver:
    """Stands in for libcuda: two cards, and the function that fails."""

    def __init__(self, fails: str = "", count: int = 2) -> None:
        self.fails = fails
        self.count = count

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            if name == self.fails:
                return 999
            outputs = [getattr(argument, "_obj", argument) for argument in arguments]
            getattr(type(self), f"do_{name}", lambda *_: None)(self, *outputs)
            return 0

        return call

    def do_cuGetErrorName(self, code: int, name: Any) -> None:  # noqa: N802
        assert code == 999
        name.value = b"CUDA_ERROR_UNKNOWN"

    def do_cuDriverGetVersion(self, number: Any) -> None:  # noqa: N802
        number.value = 12040

    def do_cuDeviceGetCount(self, count: Any) -> None:  # noqa: N802
        count.value = self.count

    def do_cuDeviceGet(self, device: Any, index: int) -> None:  # noqa: N802
        device.value = 70 + index

    def do_cuDeviceGetName(self, name: Any, length: int, device: Any) -> None:  # noqa: N802
        name.value = f"Card {device.value}".encode()[:length]

    def do_cuDeviceTotalMem_v2(self, memory: Any, device: Any) -> None:  # noqa: N802
        memory.value = (device.value - 69) << 34

    def do_cuDeviceGetAttribute(self, value: Any, number: int, device: Any) -> None:  # noqa: N802
        value.value = {16: 132, 75: 9, 76: device.value - 70}[number]

    def do_nvmlSystemGetDriverVersion(self, text: Any, length: int) -> None:  # noqa: N802
        text.value = b"550.54.15"[:length]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any file of the system; returns where they go."""
    monkeypatch.setattr(devices, "_PROC", tmp_path)
    monkeypatch.setattr(devices, "_CGROUP", tmp_path)
    return tmp_path


def install(monkeypatch: pytest.MonkeyPatch, driver: Driver | None, ml: Any = None) -> None:
    libraries = {"cuda": driver, "nvidia-ml": ml or driver}
    monkeypatch.setattr(devices, "_library", lambda name, *_: libraries[name])


def test_cpu(machine: Path) -> None:
    (machine / "cpuinfo").write_text(CPUINFO)
    (machine / "meminfo").write_text(MEMINFO)
    found = cpu()
    assert found.name == "Some CPU @ 2.0GHz"
    assert found.instructions == ("avx2", "fma", "avx512_bf16", "amx_bf16")
    assert (found.memory, found.free) == (16 << 20, 8 << 20)
    assert 1 <= found.cores <= found.present


def test_memory_of_containers(machine: Path) -> None:
    (machine / "meminfo").write_text(MEMINFO)
    for limit, expected in (("max", (16, 8)), (str(4 << 20), (4, 4)), (str(32 << 20), (16, 8))):
        (machine / "memory.max").write_text(f"{limit}\n")
        found = cpu()
        assert (found.memory >> 20, found.free >> 20) == expected


def test_systems_that_tell_nothing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = cpu()
    assert found.name
    assert (found.instructions, found.memory, found.free) == ((), 0, 0)
    install(monkeypatch, None)
    lines = report().splitlines()
    assert "instructions  not told" in lines
    assert "memory        not told" in lines


def test_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engines()["numpy"] == f"NumPy {np.__version__}"

    def missing() -> Any:
        raise NetError("it is not installed; `pip install it`")

    monkeypatch.setitem(ENGINES, "odd", missing)
    monkeypatch.setitem(ENGINES, "own", ENGINES["numpy"])
    told = engines()
    assert told["odd"] == "missing: it is not installed; `pip install it`"
    assert told["own"] == "at hand"
    assert list(told) == list(ENGINES)


def test_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Driver())
    assert cuda() == Cuda(
        (Gpu(0, "Card 70", 1 << 34, (9, 0), 132), Gpu(1, "Card 71", 2 << 34, (9, 1), 132)),
        "12.4",
        "550.54.15",
    )
    there = ("cupy", "ml_dtypes")
    monkeypatch.setattr(devices, "_installed", lambda name: f"{name} 1" if name in there else "")
    lines = report().splitlines()
    assert lines[-5:] == [
        "driver        550.54.15, CUDA up to 12.4",
        "libraries     cupy 1, ml_dtypes 1",
        "              not from packages: NVRTC, cuBLASLt, its binding, cuDNN, its frontend; "
        "pip install 'netcfg[cuda12]'",
        "GPU 0         Card 70, 16.0 GiB, compute capability 9.0, 132 multiprocessors",
        "GPU 1         Card 71, 32.0 GiB, compute capability 9.1, 132 multiprocessors",
    ]
    assert [line[:5] for line in report(1).splitlines()[-3:]] == ["libra", "     ", "GPU 1"]
    monkeypatch.setattr(devices, "_installed", lambda name: f"{name} 1")
    assert "libraries     cupy-cuda13x 1, nvidia-cuda-nvrtc 1, " in report()
    assert "not from packages" not in report()
    with pytest.raises(NetError, match="there is no GPU 2; the last one is 1"):
        report(2)


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        (None, "NVIDIA's driver is not installed"),
        (Driver(count=0), "NVIDIA's driver finds no card"),
        (Driver("cuInit"), "NVIDIA's driver fails: cuInit answers CUDA_ERROR_UNKNOWN"),
        (Driver("cuDeviceGetName"), "NVIDIA's driver fails: cuDeviceGetName answers CUDA_ERR"),
    ],
)
def test_no_cards(monkeypatch: pytest.MonkeyPatch, driver: Driver | None, reason: str) -> None:
    install(monkeypatch, driver)
    assert cuda().cards == ()
    assert cuda().reason.startswith(reason)
    assert f"\nGPU           no CUDA device: {reason}" in report(3)


@pytest.mark.parametrize("fails", ["nvmlInit_v2", "nvmlSystemGetDriverVersion"])
def test_drivers_that_do_not_tell_their_version(
    monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    install(monkeypatch, Driver(), Driver(fails))
    assert cuda().driver == ""
    assert "version not told, CUDA up to 12.4" in report()


def test_libraries() -> None:
    assert devices._library("no such library", "libnosuch.so.7") is None
    libc = devices._library("c", "libnosuch.so.7")
    assert libc is None or isinstance(libc, ctypes.CDLL)


def test_this_machine() -> None:
    lines = dict(line.split(maxsplit=1) for line in report().splitlines())
    assert lines["threads"].startswith(f"{threads.count()}; NETCFG_THREADS")
    assert "GPU" in report()

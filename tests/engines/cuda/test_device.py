"""Finding a card; counters and scratch memory."""

import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netcfg.engines.cuda.device import Counters, Device, MissingError, Workspace


class Runtime:
    class CUDARuntimeError(Exception):
        """Raised by calls."""

    def __init__(self, count: int | str) -> None:
        self.count = count

    def getDeviceCount(self) -> int:  # noqa: N802 - CUDA's name
        if isinstance(self.count, str):
            raise self.CUDARuntimeError(self.count)
        return self.count


def cupy(count: int | str) -> Any:
    module: Any = ModuleType("cupy")
    module.cuda = ModuleType("cuda")
    module.cuda.runtime = Runtime(count)
    return module


@pytest.mark.parametrize(
    ("count", "said"),
    [
        ("cudaErrorNoDevice: no CUDA-capable device is detected", "finds no card: no CUDA-capable"),
        (0, "finds no card: NVIDIA's driver offers none"),
        (2, "there is no GPU 3; the last one is 1"),
    ],
)
def test_what_is_missing(count: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", cupy(count))
    with pytest.raises(MissingError, match=said):
        Device(3)


def test_a_library_that_cannot_be_loaded_is_told() -> None:
    def load(device: Device) -> Any:
        raise OSError("libcudnn.so.9: cannot open")

    device = Device.__new__(Device)
    device.reasons = []
    assert device._library(load, "cuDNN", "convolutions by im2col") is None
    (reason,) = device.reasons
    assert reason.startswith("engine cuda uses convolutions by im2col, cuDNN is missing: libcudnn")


class Drawing:
    """Something that counts its passes."""


def test_counters_stand_where_the_layer_does() -> None:
    counters, one, two = Counters(np), Drawing(), Drawing()
    counter = counters.of(one, 4)
    assert counter.tolist() == [4]
    counter += 1  # what a kernel does
    assert counters.of(one, 5) is counter
    assert counter.tolist() == [5]
    assert counters.of(one, 9).tolist() == [9]
    counters.forget()
    counter[:] = 77  # a graph has counted on
    assert counters.of(one, 10).tolist() == [10]
    assert counters.of(two, 0) is not counter


def test_scratch_memory_grows_and_old_addresses_stay_good() -> None:
    class Memory(np.ndarray):
        @property
        def data(self) -> Any:  # type: ignore[override]
            return type("Pointer", (), {"ptr": self.ctypes.data})

    class Xp:
        @staticmethod
        def empty(size: int, dtype: Any) -> Any:
            return np.empty(size, dtype).view(Memory)

    workspace = Workspace(Xp)
    assert workspace.size == 0
    first = workspace.address(100)
    assert workspace.address(50) == first
    assert workspace.address(200) != first
    assert workspace.size == 200
    assert workspace._blocks[0].ctypes.data == first


def test_each_thread_is_given_card_and_stream() -> None:
    told: list[tuple[str, Any]] = []

    class Cuda:
        @staticmethod
        def Device(index: int) -> Any:  # noqa: N802 - CuPy's name
            return SimpleNamespace(use=lambda: told.append(("card", index)))

    def device(index: int) -> Device:
        made = Device.__new__(Device)
        made.xp, made.index = SimpleNamespace(cuda=Cuda), index
        made.stream = SimpleNamespace(use=lambda: told.append(("stream", index)))
        return made

    one, two = device(0), device(1)
    one.use()
    one.use()
    assert told == [("card", 0), ("stream", 0)]
    thread = threading.Thread(target=one.use)
    thread.start()
    thread.join()
    assert told == [("card", 0), ("stream", 0)] * 2
    two.use()
    one.use()
    assert told[4:] == [("card", 1), ("stream", 1), ("card", 0), ("stream", 0)]

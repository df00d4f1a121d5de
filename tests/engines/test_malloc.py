"""Memory that malloc keeps."""

import ctypes
import resource
from pathlib import Path
from typing import Any

import pytest

from netcfg.engines import malloc


@pytest.fixture(autouse=True)
def _again() -> Any:
    malloc.keep_freed_memory.cache_clear()
    yield
    malloc.keep_freed_memory.cache_clear()


class FakeLibrary:
    """Records what it is asked for and refuses more than ``limit``."""

    limit = 2**31
    calls: list[tuple[int, int]]

    def __init__(self, name: None) -> None:
        FakeLibrary.calls = []

    def mallopt(self, option: int, value: int) -> int:
        self.calls.append((option, value))
        return int(value <= self.limit)


def test_sets_both_thresholds_once(monkeypatch: Any) -> None:
    monkeypatch.setattr(malloc.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", FakeLibrary)
    malloc.keep_freed_memory()
    malloc.keep_freed_memory()
    assert sorted(option for option, _ in FakeLibrary.calls) == [-3, -1]
    assert all(0 < value < 2**31 for _, value in FakeLibrary.calls)


def test_asks_for_less_where_that_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr(malloc.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", FakeLibrary)
    monkeypatch.setattr(FakeLibrary, "limit", 32 << 20)
    malloc.keep_freed_memory()
    assert FakeLibrary.calls[-1] == (-3, 32 << 20)


def test_does_nothing_elsewhere(monkeypatch: Any) -> None:
    def fail(name: None) -> None:
        raise AssertionError("no library should be opened")

    monkeypatch.setattr(malloc.sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", fail)
    malloc.keep_freed_memory()


@pytest.mark.parametrize("library", [object(), None])
def test_does_nothing_with_another_libc(monkeypatch: Any, library: object) -> None:
    def load(name: None) -> object:
        if library is None:
            raise OSError("no such library")
        return library

    monkeypatch.setattr(malloc.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", load)
    malloc.keep_freed_memory()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc has malloc_trim")
def test_gives_back_what_is_free() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    malloc.keep_freed_memory()
    before = resident()
    blocks = [bytearray(b"x" * (8 << 20)) for _ in range(16)]
    last = bytearray(1 << 10)
    assert resident() - before > 100 << 20
    del blocks
    malloc.give_back()
    assert resident() - before < 30 << 20
    del last


def test_other_systems_keep_their_memory(monkeypatch: Any) -> None:
    monkeypatch.setattr(malloc.sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)
    malloc.give_back()

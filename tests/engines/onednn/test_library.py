"""Finding and checking oneDNN."""

import os
import subprocess
import sys
from ctypes import c_int, c_size_t
from pathlib import Path

import pytest

import netcfg.engines
from netcfg.engines import get_engine, threads
from netcfg.engines.onednn import library
from netcfg.engines.onednn.library import Library, MissingError, RefusedError, load


def run(code: str, **env: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=60,
    ).stdout


def test_it_is_there_and_of_version_3() -> None:
    assert load().version[0] == 3
    assert load() is load()


def test_a_status_is_an_error() -> None:
    with pytest.raises(RefusedError, match="dnnl_engine_create gave status 2"):
        load().create("engine", c_int(1), c_size_t(7))  # there is no eighth CPU


def test_what_is_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "libdnnl.so"
    path.write_bytes(b"no library")
    with pytest.raises(MissingError, match=r"libdnnl.so' cannot be loaded: "):
        Library(path)
    with pytest.raises(MissingError, match=r"is not oneDNN: it has no dnnl_version"):
        Library(Path("libc.so.6"))
    monkeypatch.setenv(library.VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(
        MissingError, match=r"NETCFG_ONEDNN names '.*nothing', which does not exist"
    ):
        load.__wrapped__()


def test_without_the_wheel_numpy_takes_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(library.VARIABLE, raising=False)
    monkeypatch.setattr(library, "WHEEL", "no-such-wheel")
    with pytest.raises(MissingError, match="pip install no-such-wheel"):
        load.__wrapped__()
    monkeypatch.setattr(library, "load", load.__wrapped__)
    netcfg.engines._explain.cache_clear()
    assert get_engine().name == get_engine().name == "numpy"
    assert [r.getMessage()[:35] for r in caplog.records] == ["running on NumPy, which is slower: "]


def test_another_build(tmp_path: Path) -> None:
    path = next(library._candidates())
    code = "from netcfg.engines.onednn.library import load; print(load().version)"
    assert run(code, NETCFG_ONEDNN=str(path)) == f"{load().version}\n"


def test_threads_are_those_that_were_set() -> None:
    try:
        for count in (1, 3):
            threads.set_count(count)
            load().use_threads(load().threads())
            assert load().threads_in_use() == count
    finally:
        threads.set_count(None)


def test_openblas_has_one_thread_beside_it() -> None:
    code = (
        "from netcfg.engines import get_engine, openblas; get_engine('onednn');"
        "print(openblas.threads())"
    )
    assert run(code, OPENBLAS_NUM_THREADS="") in {"1\n", "None\n"}

"""The kernels compile for every architecture, without a GPU, and are kept on disk."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from netcfg.engines.cuda import compile as subject
from netcfg.engines.cuda.compile import FAMILIES, STORAGE, CompilerError, compiled, source

ELF = b"\x7fELF"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def nvrtc() -> Any:
    try:
        return subject._nvrtc()
    except CompilerError as reason:
        pytest.skip(f"needs NVRTC to compile kernels: {reason}")


def test_every_file_is_part_of_the_module() -> None:
    assert sorted(FAMILIES) == sorted(
        path.name for path in subject.FOLDER.iterdir() if path.suffix in (".cu", ".cuh")
    )
    for name in FAMILIES:
        assert f'#line 1 "{name}"\n' in source()


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["sm_75", "sm_80", "sm_90", "sm_100"])
@pytest.mark.parametrize("storage", STORAGE)
def test_compiles(nvrtc: Any, folder: Path, storage: str, arch: str) -> None:
    path = compiled(storage, arch)
    code = path.read_bytes()
    assert code.startswith(ELF)
    assert b"softmax_loss_grad" in code
    assert path.is_relative_to(folder)


def test_what_is_compiled_is_kept(
    nvrtc: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "source", lambda: 'extern "C" __global__ void f() {}')
    first = compiled("float32", "sm_90")
    monkeypatch.setattr(subject, "_compile", lambda *_: pytest.fail("compiled again"))
    assert compiled("float32", "sm_90") == first
    with pytest.raises(pytest.fail.Exception):
        compiled("float16", "sm_90")


def test_a_cache_that_cannot_be_written(
    nvrtc: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "source", lambda: 'extern "C" __global__ void f() {}')
    (folder / "netcfg").write_text("in the way")
    path = compiled("float32", "sm_80")
    assert path.read_bytes().startswith(ELF)
    assert not path.is_relative_to(folder)


def test_an_unknown_architecture(nvrtc: Any, folder: Path) -> None:
    with pytest.raises(CompilerError, match=r"cannot compile the kernels for .*sm_1"):
        compiled("float32", "sm_1")


@pytest.mark.skipif(
    importlib.util.find_spec("cupy") is not None, reason="CuPy is here; it would be found"
)
def test_without_cupy(folder: Path) -> None:
    with pytest.raises(CompilerError, match="engine cuda needs CuPy with NVRTC"):
        compiled("float32", "sm_90")

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.user_code import blame, import_module, places, reason

NAMES = ("uc_good", "uc_bad", "uc_syntax", "uc_needs", "uc_pack", "uc_twin", "uc_exit")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] in NAMES]:
        del sys.modules[name]


def test_the_working_directory_comes_before_the_folder_of_the_prototxt(folder: Path) -> None:
    (folder / "uc_good.py").write_text("X = 1")
    (folder / "uc_twin.py").write_text("X = 1")
    (folder / "here/uc_twin.py").write_text("X = 2")
    near = str(folder / "net.prototxt")
    assert import_module("uc_good", near).X == 1
    assert import_module("uc_twin", near).X == 2
    assert sys.path[-2:] == [str(folder / "here"), str(folder)]
    length = len(sys.path)
    import_module("uc_good", near)
    assert len(sys.path) == length


def test_a_missing_module_suggests_the_nearest(folder: Path) -> None:
    (folder / "uc_good.py").touch()
    (folder / "here/uc_pack").mkdir()
    (folder / "here/uc_pack/__init__.py").touch()
    (folder / "here/uc_pack/layer.py").touch()
    near = str(folder / "net.prototxt")
    with pytest.raises(NetError) as caught:
        import_module("uc_goood", near)
    assert str(caught.value) == (
        f"there is no module 'uc_goood' in '{folder}/here' and '{folder}' or on Python's path, to "
        "which PYTHONPATH adds folders; did you mean 'uc_good'?"
    )
    with pytest.raises(NetError, match=r"no module 'uc_pakk' in .*mean 'uc_pack'"):
        import_module("uc_pakk.layer")
    with pytest.raises(NetError, match=r"'uc_pack.layers' in .*mean 'uc_pack.layer'\?"):
        import_module("uc_pack.layers")


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("uc_bad", "x = 1\n1 / 0", r"ZeroDivisionError: division by zero \(.*uc_bad.py:2\)$"),
        ("uc_syntax", "x = = 1", r"SyntaxError: invalid syntax \(uc_syntax.py, line 1\)"),
        ("uc_needs", "\nimport uc_yaml", r"ModuleNotFoundError: No .*'uc_yaml' \(.*needs.py:2\)$"),
        ("uc_exit", "raise SystemExit", r"SystemExit \(.*uc_exit.py:1\)$"),
    ],
)
def test_a_module_that_fails(folder: Path, name: str, code: str, message: str) -> None:
    (folder / f"here/{name}.py").write_text(code)
    with pytest.raises(NetError, match=rf"^module '{name}' cannot be imported: {message}"):
        import_module(name)


def test_a_name_that_is_none() -> None:
    with pytest.raises(NetError, match=r"module '' cannot be imported: ValueError: Empty module"):
        import_module("")


def caught(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError


def test_places_are_those_of_the_user() -> None:
    def parse() -> None:
        json.loads("{")

    error = caught(parse)
    files = [place.rpartition(":") for place in places(error).split(", ")]
    assert {file for file, _, _ in files} == {__file__}
    assert files[-1][2] == str(parse.__code__.co_firstlineno + 1)
    assert reason(error).startswith("JSONDecodeError: Expecting property name")


def test_blame_keeps_the_type() -> None:
    class Done(Exception):  # noqa: N818 - as users name them
        pass

    def work() -> None:
        raise Done("all read\nreally")

    error = blame(caught(work), "m.C.forward")
    assert isinstance(error, NetError)
    assert isinstance(error, Done)
    assert str(error).startswith("m.C.forward raised Done: all read (")
    located = error.at("net.prototxt:1:1")
    assert isinstance(located, Done)
    assert str(located) == f"net.prototxt:1:1: {error}"


@pytest.mark.parametrize(
    "call",
    [
        lambda: b"\xff".decode(),
        lambda: open("/nowhere/at/all"),  # noqa: SIM115
        lambda: {}["x"],
        lambda: next(iter(())),
        lambda: int("x"),
    ],
)
def test_types_that_want_more_than_a_text(call: Callable[[], object]) -> None:
    raised = caught(call)
    error = blame(raised, "it")
    assert isinstance(error, NetError)
    assert isinstance(error, type(raised))
    assert str(error).startswith(f"it raised {type(raised).__name__}")
    assert str(error.at("here")) == f"here: {error}"


def test_errors_of_netcfg_stay_what_they_are() -> None:
    def work() -> None:
        raise ShapeError("too long")

    error = blame(caught(work), "m.C.reshape")
    assert type(error) is ShapeError
    line = work.__code__.co_firstlineno + 1
    assert str(error).startswith(f"m.C.reshape ({__file__}:")
    assert str(error).endswith(f"{__file__}:{line}): too long")

"""Layers from modules, files and installed packages."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import netcfg.layers  # noqa: F401 - the types that are known before a test adds some
from netcfg.errors import NetError
from netcfg.layer import registry
from netcfg.plugins import GROUP, load_plugins

LAYER = """
from netcfg import Layer, register

@register("{0}")
class {0}(Layer):
    pass
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known, modules = set(registry), set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    for name in set(registry) - known:
        del registry[name]


def test_module_in_the_working_directory(folder: Path) -> None:
    (folder / "plug_a.py").write_text(LAYER.format("PlugA"))
    load_plugins(["plug_a"])
    assert registry["PlugA"].__module__ == "plug_a"


def test_file_elsewhere_and_twice(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "plug_b.py").write_text(LAYER.format("PlugB"))
    load_plugins(["sub/plug_b.py", "sub/plug_b.py"])
    assert "PlugB" in registry


def test_package(folder: Path) -> None:
    (folder / "plug_p").mkdir()
    (folder / "plug_p" / "__init__.py").write_text("")
    (folder / "plug_p" / "deep.py").write_text(LAYER.format("PlugP"))
    load_plugins(["plug_p.deep"])
    assert registry["PlugP"].__module__ == "plug_p.deep"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = (", r"SyntaxError"),
        ("import plug_missing", r"ModuleNotFoundError: No module named 'plug_missing' .*c.py:1\)"),
        ("\n1 / 0", r"ZeroDivisionError: division by zero \(.*plug_c.py:2\)"),
        ("raise SystemExit(3)", r"SystemExit: 3"),
        (LAYER.format("ReLU2").replace('"ReLU2"', '"ReLU"'), r"'ReLU' is registered already"),
    ],
)
@pytest.mark.parametrize("name", ["plug_c", "plug_c.py"])
def test_module_that_fails(folder: Path, name: str, source: str, words: str) -> None:
    (folder / "plug_c.py").write_text(source)
    with pytest.raises(NetError, match=words) as caught:
        load_plugins([name])
    assert str(caught.value).startswith(f"--import {name}: ")
    assert "\n" not in str(caught.value)
    assert "plug_c" not in sys.modules


def test_module_that_is_not_there(folder: Path) -> None:
    (folder / "my_layers.py").write_text("")
    with pytest.raises(NetError, match=r"--import my_layer: no such module .*mean 'my_layers'\?"):
        load_plugins(["my_layer"])
    with pytest.raises(NetError, match=r"--import sub/my_layers.py: no such file"):
        load_plugins(["sub/my_layers.py"])


def test_file_named_like_a_loaded_module(folder: Path) -> None:
    (folder / "json.py").write_text("")
    with pytest.raises(NetError, match="'json' is loaded already; rename the file"):
        load_plugins(["json.py"])


def test_installed_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "plug_d.py").write_text(LAYER.format("PlugD"))
    monkeypatch.syspath_prepend(str(folder))
    found = {"good": EntryPoint("plug-d", "plug_d", GROUP), "bad": EntryPoint("e", "plug_e", GROUP)}
    points = [found["good"]]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    load_plugins()
    assert "PlugD" in registry
    points.append(found["bad"])
    with pytest.raises(NetError, match=r"plugin 'e' \(plug_e\) cannot be imported: ModuleNotFound"):
        load_plugins()

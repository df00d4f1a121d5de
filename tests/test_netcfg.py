"""The public names of the package."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import netcfg

ROOT = Path(netcfg.__file__).parents[1]


@pytest.mark.parametrize("name", netcfg.__all__)
def test_public_names(name: str) -> None:
    assert getattr(netcfg, name) is not None
    assert name in dir(netcfg)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'netcfg' has no attribute 'Nett'"):
        _ = netcfg.Nett


def test_version_is_that_of_the_package() -> None:
    settings = ROOT / "pyproject.toml"
    if not settings.exists():
        pytest.skip("needs pyproject.toml, which is not installed")
    assert tomllib.loads(settings.read_text())["project"]["version"] == netcfg.__version__


def test_typed() -> None:
    assert (Path(netcfg.__file__).parent / "py.typed").exists()


def test_python_minus_m() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "netcfg", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert printed.stdout.startswith("netcfg ")

"""Versions of what netcfg runs on."""

import platform
from typing import Any

import pytest

from netcfg.cli import version


def test_text() -> None:
    lines = version.text().splitlines()
    assert f"Python    {platform.python_version()}" in lines
    assert lines[-1].startswith("engines   numpy")


@pytest.mark.parametrize(("count", "text"), [("1", "numpy (1 thread)"), ("3", "numpy (3 threads)")])
def test_engines_say_how_many_threads(monkeypatch: Any, count: str, text: str) -> None:
    monkeypatch.setenv("NETCFG_THREADS", count)
    assert text in version.text()


def test_package_that_is_missing() -> None:
    assert version._version("netcfg-no-such-package") == "not installed"

"""Versions of what netcfg runs on."""

import platform

import pytest

from netcfg.cli import version
from netcfg.engines import get_engine, threads


def test_text() -> None:
    lines = version.text().splitlines()
    assert f"Python    {platform.python_version()}" in lines
    assert lines[-1].startswith(f"engine    {get_engine().name}")


@pytest.mark.parametrize(("count", "text"), [(1, ", 1 thread"), (3, ", 3 threads")])
def test_the_number_of_threads(count: int, text: str) -> None:
    try:
        threads.set_count(count)
        assert version.text().endswith(text)
    finally:
        threads.set_count(None)


def test_package_that_is_missing() -> None:
    assert version._version("netcfg-no-such-package") == "not installed"

"""Versions of what netcfg runs on."""

import platform

from netcfg.cli import version


def test_text() -> None:
    lines = version.text().splitlines()
    assert f"Python    {platform.python_version()}" in lines
    assert lines[-1].startswith("engines   numpy")


def test_package_that_is_missing() -> None:
    assert version._version("netcfg-no-such-package") == "not installed"

"""What ``netcfg --version`` prints."""

import platform
from importlib.metadata import PackageNotFoundError, version

from netcfg import __version__


def text() -> str:
    """Return the versions of netcfg and of what it runs on, and the engines at hand."""
    from netcfg.engines import ENGINES, threads

    count = threads.count()
    shared = "1 thread" if count == 1 else f"{count} threads"
    rows = {
        "netcfg": __version__,
        "Python": platform.python_version(),
        "NumPy": _version("numpy"),
        "protobuf": _version("protobuf"),
        "engines": ", ".join(f"{n} ({shared})" if n == "numpy" else n for n in ENGINES),
    }
    return "\n".join(f"{name:8}  {value}" for name, value in rows.items())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

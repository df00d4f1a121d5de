"""What ``netcfg --version`` prints."""

import platform
from importlib.metadata import PackageNotFoundError, version

from netcfg import __version__

WHEEL = "onednn-cpu-gomp"


def text() -> str:
    """Return the versions of netcfg and of what it runs on, and the fastest engine."""
    from netcfg.engines import get_engine, threads

    fastest, count = get_engine().name, threads.count()
    number = f" {_version(WHEEL)}" if fastest == "onednn" else ""
    shared = "1 thread" if count == 1 else f"{count} threads"
    rows = {
        "netcfg": __version__,
        "Python": platform.python_version(),
        "NumPy": _version("numpy"),
        "protobuf": _version("protobuf"),
        "engine": f"{fastest}{number}, {shared}",
    }
    return "\n".join(f"{name:8}  {value}" for name, value in rows.items())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

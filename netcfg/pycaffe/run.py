"""Running programs that were written for Caffe: ``import caffe`` means ``netcfg.pycaffe``."""

import pkgutil
import runpy
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import netcfg.pycaffe

USAGE = """usage: python -m netcfg.pycaffe SCRIPT [ARGS ...]
       python -m netcfg.pycaffe -m MODULE [ARGS ...]

Runs a Python program in which `import caffe` means netcfg.pycaffe."""

ELSEWHERE = {
    "caffe._caffe": "netcfg.pycaffe",
    "caffe.pycaffe": "netcfg.pycaffe",
    "caffe.draw": "netcfg.draw",
}
"""Caffe's modules that are not modules of the same name in ``netcfg.pycaffe``."""


def install() -> None:
    """Let ``caffe`` and its modules be those of netcfg in this process."""
    package = netcfg.pycaffe
    sys.modules["caffe"] = package
    names = [module.name for module in pkgutil.walk_packages(package.__path__, "netcfg.pycaffe.")]
    aliases = {f"caffe.{name.removeprefix('netcfg.pycaffe.')}": name for name in names}
    for alias, name in (aliases | ELSEWHERE).items():
        if not name.endswith("__main__") and find_spec(name) is not None:
            sys.modules[alias] = import_module(name)
    for alias in ELSEWHERE:
        if alias in sys.modules:
            setattr(package, alias.removeprefix("caffe."), sys.modules[alias])


def main(arguments: Sequence[str]) -> int:
    """Run a script or module with its arguments; return the exit status where it is not its own."""
    first, *rest = list(arguments) or [""]
    if first in ("-h", "--help"):
        print(USAGE)
        return 0
    if not first or (first == "-m" and not rest):
        print(USAGE, file=sys.stderr)
        return 2
    if first != "-m" and not Path(first).exists():
        print(f"error: there is no file '{first}'", file=sys.stderr)
        return 2
    install()
    if first == "-m":
        sys.argv = rest
        sys.path[0:0] = [""]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return 0
    sys.argv = [first, *rest]
    sys.path[0:0] = [str(Path(first).resolve().parent)]
    runpy.run_path(first, run_name="__main__")
    return 0

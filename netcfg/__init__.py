"""Train, fine-tune and run Caffe networks from prototxt files, without Caffe.

Public names are imported when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netcfg.engines import get_engine
    from netcfg.errors import NetError
    from netcfg.layer import Layer, register
    from netcfg.net import Net
    from netcfg.schema import read_net, read_solver
    from netcfg.solver import Solver
    from netcfg.types import Phase

__all__ = [
    "Layer",
    "Net",
    "NetError",
    "Phase",
    "Solver",
    "__version__",
    "get_engine",
    "read_net",
    "read_solver",
    "register",
]

__version__ = "0.1.0"

_HOMES = {
    "Layer": "netcfg.layer",
    "Net": "netcfg.net",
    "NetError": "netcfg.errors",
    "Phase": "netcfg.types",
    "Solver": "netcfg.solver",
    "get_engine": "netcfg.engines",
    "read_net": "netcfg.schema",
    "read_solver": "netcfg.schema",
    "register": "netcfg.layer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'netcfg' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])

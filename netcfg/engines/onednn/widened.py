"""NumPy's primitives for arrays of 16-bit floats, which they see as float32."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from netcfg.engines.base import Engine
from netcfg.types import Array

_FLOATS = ("f", "i", "u", "b")


def widened(value: Any) -> Any:
    """Return an argument with its arrays of 16-bit floats as float32, in the same layout."""
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in _FLOATS else value.astype(np.float32)
    if isinstance(value, (list, tuple)):
        return type(value)(widened(v) for v in value)
    return value


class Widened(Engine):
    """The NumPy engine, whatever floats it is given."""

    def to_numpy(self, array: Array) -> np.ndarray:
        return super().to_numpy(widened(array))


def _widening(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Engine, *args: Any, **more: Any) -> Any:
        return method(self, *widened(args), **{k: widened(v) for k, v in more.items()})

    return call


for _name, _method in inspect.getmembers(Engine, inspect.isfunction):
    if not _name.startswith("_") and _name not in ("asarray", "freeze", "to_numpy", "zeros"):
        setattr(Widened, _name, _widening(_method))

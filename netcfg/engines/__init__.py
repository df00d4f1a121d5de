"""Engines: where arrays live and primitives run."""

from collections.abc import Callable
from typing import Any

import numpy as np

from netcfg.engines.base import Conv, Engine, Window
from netcfg.errors import NetError, nearest

__all__ = ["ENGINES", "Conv", "Engine", "Window", "get_engine"]

ENGINES: dict[str, Callable[[], type[Engine]]] = {"numpy": lambda: Engine}
"""For each name a function that imports and returns the engine's class."""


def get_engine(name: str = "auto", dtype: Any = np.float32) -> Engine:
    """Return a new engine; ``auto`` takes the fastest that runs here.

    Raises:
        NetError: there is no engine of that name.
    """
    if name == "auto":
        name = "numpy"
    if name not in ENGINES:
        known = ", ".join(["auto", *ENGINES])
        raise NetError(
            f"unknown engine '{name}'{nearest(name, ['auto', *ENGINES])} (known: {known})"
        )
    return ENGINES[name]()(dtype)

"""Engines: where arrays live and primitives run."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from netcfg.engines.base import Conv, Engine, Window
from netcfg.errors import NetError, nearest

__all__ = ["ENGINES", "Conv", "Engine", "Window", "get_engine"]


def _onednn() -> type[Engine]:
    from netcfg.engines.onednn.engine import OneDNN

    return OneDNN


ENGINES: dict[str, Callable[[], type[Engine]]] = {"numpy": lambda: Engine, "onednn": _onednn}
"""For each name a function that imports and returns the engine's class."""


def _fastest(dtype: Any) -> str:
    """Return the name of the engine to take where the user asks for none."""
    if dtype != np.float32:
        return "numpy"
    from netcfg.engines.onednn.library import MissingError, load

    try:
        load()
    except MissingError as reason:
        _explain(str(reason))
        return "numpy"
    return "onednn"


@functools.cache
def _explain(reason: str) -> None:
    """Say once why the fast engine is not used."""
    logging.getLogger(__name__).warning("running on NumPy, which is slower: %s", reason)


def get_engine(name: str = "auto", dtype: Any = np.float32, storage: str = "float32") -> Engine:
    """Return a new engine; ``auto`` takes the fastest that runs here.

    Raises:
        NetError: there is no engine of that name, or it lacks the storage.
    """
    if name == "auto":
        name = _fastest(np.dtype(dtype))
    if name not in ENGINES:
        known = ", ".join(["auto", *ENGINES])
        raise NetError(
            f"unknown engine '{name}'{nearest(name, ['auto', *ENGINES])} (known: {known})"
        )
    return ENGINES[name]()(dtype, storage)

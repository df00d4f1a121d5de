"""Engines: where arrays live and primitives run."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from netcfg.engines.base import Conv, Engine, Window
from netcfg.errors import NetError, nearest
from netcfg.netcfg_pb2 import Type

__all__ = ["ENGINES", "Conv", "Engine", "Window", "get_engine"]


def _onednn() -> type[Engine]:
    from netcfg.engines.onednn.engine import OneDNN

    return OneDNN


def _cuda() -> type[Engine]:
    from netcfg.engines.cuda.engine import Cuda

    return Cuda


ENGINES: dict[str, Callable[[], Any]] = {
    "numpy": lambda: Engine,
    "onednn": _onednn,
    "cuda": _cuda,
}
"""For each name a function that imports and returns the engine's class."""


def _fastest(dtype: Any) -> str:
    """Return the name of the engine to take where the user asks for none."""
    if dtype != np.float32:
        return "numpy"
    from netcfg.engines.onednn.library import MissingError, load

    try:
        load()
    except MissingError as reason:
        _explain(f"running on NumPy, which is slower: {reason}")
        return "numpy"
    return "onednn"


@functools.cache
def _explain(reason: str) -> None:
    """Say once why the fast engine is not used."""
    logging.getLogger(__name__).warning("%s", reason)


def for_type(engine: Engine, config: Any) -> Engine:
    """Return the engine that stores blobs and gradients as NVCaffe's fields of a net or layer say.

    CPUs compute as they do. On a GPU FLOAT16 is float16, or bfloat16 where the engine has that.
    Sums are made in float32 whatever ``forward_math`` and ``backward_math`` say.

    Raises:
        NetError: a field asks for what is neither FLOAT nor FLOAT16.
    """
    if engine.name != "cuda":
        return engine
    prefix = "default_" if hasattr(config, "default_forward_type") else ""
    for way in ("forward_math", "backward_math"):
        _is_short(config, prefix + way)
    ways = [_is_short(config, f"{prefix}{way}_type") for way in ("forward", "backward")]
    cuda: Any = engine
    return engine if ways == [None, None] else cuda._with(*ways, layer=not prefix)


def _is_short(config: Any, field: str) -> bool | None:
    """Return whether a field says FLOAT16; None where it is not set."""
    if not config.HasField(field):
        return None
    name = Type.Name(getattr(config, field))
    if name not in ("FLOAT", "FLOAT16"):
        raise NetError(f"{field}: a GPU computes in FLOAT or FLOAT16; given {name}")
    return name == "FLOAT16"


def get_engine(
    name: str = "auto",
    dtype: Any = np.float32,
    storage: str | None = None,
    *,
    gpu: int | None = None,
) -> Engine:
    """Return a new engine; ``auto`` takes the fastest that runs here.

    Args:
        name: of the engine.
        dtype: of blobs and parameters.
        storage: floats of blobs, as the engine has them by default where None.
        gpu: the card of engine ``cuda``; with ``auto`` that engine is taken where it runs.

    Raises:
        NetError: there is no engine of that name, or it lacks the storage or the card.
    """
    if name not in ("auto", *ENGINES):
        known = ", ".join(["auto", *ENGINES])
        raise NetError(
            f"unknown engine '{name}'{nearest(name, ['auto', *ENGINES])} (known: {known})"
        )
    more = {} if storage is None else {"storage": storage}
    if name == "cuda" or (name == "auto" and gpu is not None):
        from netcfg.engines.cuda.device import MissingError, find

        try:
            return ENGINES["cuda"]()(dtype, **more, device=find(gpu or 0))
        except MissingError as reason:
            if name == "cuda":
                raise
            _explain(f"running on the CPU: {reason}")
    return ENGINES[_fastest(np.dtype(dtype)) if name == "auto" else name]()(dtype, **more)

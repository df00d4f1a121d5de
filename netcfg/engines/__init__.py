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


FLOAT16, FLOAT = 2, 1
"""Of the schema's enum ``Type``, what blobs can be on a GPU."""


def for_type(engine: Engine, config: Any) -> Engine:
    """Return the engine that stores blobs as NVCaffe's fields of a net or layer say, if they do.

    CPUs compute as they do. On a GPU FLOAT16 is float16, or bfloat16 where the engine has that.
    """
    field = "default_forward_type" if hasattr(config, "default_forward_type") else "forward_type"
    kind = getattr(config, field)
    if engine.name != "cuda" or not config.HasField(field) or kind not in (FLOAT, FLOAT16):
        return engine
    cuda: Any = engine
    if kind == FLOAT16:
        return engine if cuda.store.itemsize == 2 else cuda._with("float16")
    return engine if cuda.store.itemsize != 2 else cuda._with("tf32")


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

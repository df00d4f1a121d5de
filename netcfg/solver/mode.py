"""Whether a solver runs where it asks to, and what does not."""

from collections.abc import Iterator

import numpy as np

from netcfg.engines.base import Engine
from netcfg.engines.cuda.device import MissingError, find
from netcfg.net import Net
from netcfg.netcfg_pb2 import SolverParameter


def gpu_missing(param: SolverParameter, engine: Engine) -> str:
    """Return what to say where a solver asks for a GPU and the engine is another; else nothing."""
    asked = param.HasField("solver_mode") and param.solver_mode == SolverParameter.GPU
    if not asked or engine.xp is not np:
        return ""
    return "solver_mode is GPU, but no GPU engine is in use"


def gpu_reason(param: SolverParameter) -> str:
    """Return what is missing for the card that a solver asks for, in parentheses; else nothing."""
    try:
        find(param.device_id)
    except MissingError as reason:
        return f" ({reason})"
    return ""


def carried_layers(net: Net) -> Iterator[str]:
    """Yield a line that names the layers of a net that run on the CPU beside a device."""
    names = [f"{x.name} ({x.type})" for x in net.layers if x.context.outer is not None]
    if names:
        yield f"on the CPU, with their arrays carried over: {', '.join(names)}"

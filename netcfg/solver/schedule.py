"""Learning rates: ``lr_policy`` and its fields as a function of the iteration alone.

Nothing is remembered between iterations, so a resumed run needs no state. Caffe counts the steps of
``multistep`` as it goes; ``current_step`` says what it would have counted, for files it reads.
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from netcfg.errors import nearest
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.places import field_error

Schedule = Callable[[int], float]
"""From the iteration, counted from 0, to the learning rate."""


def fixed(p: SolverParameter, i: int) -> float:
    """Return base_lr."""
    return p.base_lr


def step(p: SolverParameter, i: int) -> float:
    """Return base_lr · gamma^⌊i / stepsize⌋."""
    return p.base_lr * p.gamma ** (i // p.stepsize)


def exp(p: SolverParameter, i: int) -> float:
    """Return base_lr · gamma^i."""
    return p.base_lr * p.gamma**i


def inv(p: SolverParameter, i: int) -> float:
    """Return base_lr · (1 + gamma · i)^−power."""
    return p.base_lr * math.pow(1 + p.gamma * i, -p.power)


def multistep(p: SolverParameter, i: int) -> float:
    """Return base_lr · gamma^(how many of stepvalue are ≤ i)."""
    return p.base_lr * p.gamma ** bisect_right(p.stepvalue, i)


def poly(p: SolverParameter, i: int) -> float:
    """Return base_lr · (1 − i / max_iter)^power, which is 0 from max_iter on."""
    return p.base_lr * math.pow(max(0.0, 1 - i / p.max_iter), p.power)


def sigmoid(p: SolverParameter, i: int) -> float:
    """Return base_lr / (1 + e^(−gamma · (i − stepsize)))."""
    x = -p.gamma * (i - p.stepsize)
    return p.base_lr / (1 + math.exp(x)) if x < 700 else 0.0


def warm_up(p: SolverParameter, i: int) -> float:
    """Return the point at i of the line from warmup_start_lr at 0 to base_lr at warmup_iter."""
    return (i * p.base_lr + (p.warmup_iter - i) * p.warmup_start_lr) / p.warmup_iter


@dataclass(frozen=True)
class Policy:
    """A formula, and the fields without which it means nothing."""

    formula: Callable[[SolverParameter, int], float]
    needs: tuple[str, ...] = ()


POLICIES = {
    "fixed": Policy(fixed),
    "step": Policy(step, ("gamma", "stepsize")),
    "exp": Policy(exp, ("gamma",)),
    "inv": Policy(inv, ("gamma", "power")),
    "multistep": Policy(multistep, ("gamma", "stepvalue")),
    "poly": Policy(poly, ("power", "max_iter")),
    "sigmoid": Policy(sigmoid, ("gamma", "stepsize")),
}
"""Policies by the name in ``lr_policy``."""


def make_schedule(param: SolverParameter) -> Schedule:
    """Return the learning rate of a solver as a function of the iteration.

    Raises:
        NetError: lr_policy is missing or unknown, or a field that it needs is missing or wrong.
    """
    name = param.lr_policy
    if not name:
        known = ", ".join(POLICIES)
        raise field_error(param, f"lr_policy is missing; one of: {known}", "lr_policy")
    policy = POLICIES.get(name)
    if policy is None:
        known = f"{nearest(name, POLICIES)} (known: {', '.join(POLICIES)})"
        raise field_error(param, f"unknown lr_policy '{name}'{known}", "lr_policy")
    for field in ("base_lr", *policy.needs):
        if not (len(param.stepvalue) if field == "stepvalue" else param.HasField(field)):
            message = f"lr_policy '{name}' needs {field}, which is not given"
            raise field_error(param, message, "lr_policy")
    _check(param)
    return lambda i: warm_up(param, i) if i < param.warmup_iter else policy.formula(param, i)


def current_step(param: SolverParameter, iteration: int) -> int:
    """Return the steps that Caffe has counted when ``iteration`` updates are made."""
    last = iteration - 1
    if last < 0:
        return 0
    if param.lr_policy == "multistep":
        return bisect_right(param.stepvalue, last)
    return last // param.stepsize if param.lr_policy == "step" else 0


def _check(p: SolverParameter) -> None:
    steps = list(p.stepvalue)
    if p.lr_policy == "step" and p.stepsize <= 0:
        raise field_error(p, f"stepsize must be at least 1; given {p.stepsize}", "stepsize")
    if p.lr_policy == "poly" and p.max_iter <= 0:
        message = f"lr_policy 'poly' needs max_iter of at least 1; given {p.max_iter}"
        raise field_error(p, message, "max_iter")
    if p.lr_policy == "multistep" and steps != sorted(steps):
        given = ", ".join(map(str, steps))
        raise field_error(p, f"stepvalue must ascend; given {given}", "stepvalue")
    if p.lr_policy == "inv" and p.gamma < 0:
        message = f"lr_policy 'inv' needs gamma of at least 0; given {p.gamma:g}"
        raise field_error(p, message, "gamma")

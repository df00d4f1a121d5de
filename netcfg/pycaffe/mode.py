"""What holds for all of pycaffe at once: device, random numbers, and how many solvers there are.

Engines are chosen when a net is built, so most of Caffe's switches only record what was asked.
"""

import os
from dataclasses import dataclass

TRAIN, TEST = 0, 1


@dataclass
class _State:
    """The switches as they stand."""

    mode: str = "cpu"
    device: int = 0
    seed: int | None = None
    drawn: int = 0
    solver_count: int = 1
    solver_rank: int = 0
    multiprocess: bool = False


state = _State()


def set_mode_cpu() -> None:
    """Ask for the CPU."""
    state.mode = "cpu"


def set_mode_gpu() -> None:
    """Ask for a GPU; nets run on the best engine at hand either way."""
    state.mode = "gpu"


def set_device(device: int) -> None:
    """Choose a GPU by its number."""
    state.device = int(device)


def set_random_seed(seed: int) -> None:
    """Let all nets built from now on be the same in every run."""
    state.seed, state.drawn = int(seed), 0


def next_seed() -> int:
    """Return the seed of the next net: after ``set_random_seed`` a series, by chance without it."""
    if state.seed is None:
        return int.from_bytes(os.urandom(4), "little") >> 1
    state.drawn += 1
    return (state.seed + state.drawn - 1) % 2**31


def solver_count() -> int:
    """Return how many solvers train together."""
    return state.solver_count


def set_solver_count(count: int) -> None:
    """Say how many solvers train together."""
    state.solver_count = int(count)


def solver_rank() -> int:
    """Return which of the solvers this process is."""
    return state.solver_rank


def set_solver_rank(rank: int) -> None:
    """Say which of the solvers this process is."""
    state.solver_rank = int(rank)


def set_multiprocess(multiprocess: bool) -> None:
    """Say whether the solvers are processes of their own."""
    state.multiprocess = bool(multiprocess)


def has_nccl() -> bool:
    """Return whether GPUs can train together through NCCL: they cannot from here."""
    return False

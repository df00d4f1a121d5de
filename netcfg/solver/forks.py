"""What a solver takes from Caffe's forks."""

from netcfg.errors import NetError
from netcfg.fork_use import refuse_forks
from netcfg.netcfg_pb2 import SolverParameter

IMPLEMENTED: tuple[str, ...] = ("warmup_iter", "warmup_start_lr")
"""Fields of forks that netcfg's schedules, rules and loop implement."""


def check_forks(param: SolverParameter) -> None:
    """Refuse a solver that sets other fields of forks.

    Raises:
        NetError: it names them all, with the place of the solver.
    """
    try:
        refuse_forks(param, "solver", IMPLEMENTED)
    except NetError as error:
        source = param.source
        if not source.file:
            raise
        raise error.at(f"{source.file}:{source.line}:{source.column}") from None

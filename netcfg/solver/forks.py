"""What a solver takes from Caffe's forks."""

from netcfg.errors import NetError
from netcfg.fork_use import not_implemented, refuse_forks
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.places import place_of
from netcfg.solver.evaluation import check_evaluation

IMPLEMENTED: tuple[str, ...] = (
    "warmup_iter",
    "warmup_start_lr",
    "eval_type",
    "ap_version",
    "show_per_class_result",
)
"""Fields of forks that netcfg's schedules, rules and loop implement."""


def check_forks(param: SolverParameter) -> None:
    """Refuse a solver that sets other fields of forks, or unknown kinds of evaluation.

    Raises:
        NetError: it names the fields, with the place of one of them.
    """
    try:
        refuse_forks(param, "solver", IMPLEMENTED)
    except NetError as error:
        first = not_implemented(param, IMPLEMENTED)[0]
        raise error.at(place_of(param, first.path)) from None
    check_evaluation(param)

"""``netcfg train``: train as a solver says."""

import argparse
import contextlib
import os
import sys
from typing import Any

from netcfg.cli import nets, options
from netcfg.errors import NetError

INTERRUPTED = 130

SET_HELP = """\
set a field of the solver or of its nets, e.g. base_lr=0.005, stepvalue=100,200 or
layer[conv1].convolution_param.num_output=64; may be given more than once"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "train",
        help="train a net as a solver says",
        description="Train a net as a solver says. Ctrl-C stops after a snapshot, SIGHUP takes "
        "one and goes on; --snapshot auto goes on from the latest.",
    )
    parser.add_argument("solver", metavar="SOLVER", nargs="?", help="prototxt of a solver")
    parser.add_argument("--solver", dest="solver_option", metavar="SOLVER", help="the same")
    start = parser.add_argument_group("where to start")
    start.add_argument(
        "--weights",
        metavar="FILE",
        action="append",
        default=[],
        help="weights to start from; several with commas, the last to name a layer counts",
    )
    start.add_argument(
        "--snapshot",
        metavar="FILE",
        help="go on from this .solverstate or .solverstate.h5; 'auto': from the latest good one, "
        "if there is one",
    )
    start.add_argument("--seed", type=options.natural, help="in place of the solver's random_seed")
    options.add_ignore_mismatch(start)
    change = parser.add_argument_group("what to change")
    change.add_argument(
        "--set", dest="sets", metavar="FIELD=VALUE", action="append", default=[], help=SET_HELP
    )
    change.add_argument("--max-iter", type=options.natural, help="the same as --set max_iter=…")
    change.add_argument("--level", type=int, help="for include { min_level } rules")
    options.add_stage(change)
    options.add_ignore_field(change)
    options.add_import(change)
    how = parser.add_argument_group("how to run")
    how.add_argument(
        "--out", metavar="DIR", help="folder for snapshots, log, metrics, TensorBoard and curve"
    )
    options.add_engine(how)
    options.add_workers(how)
    options.add_skip_bad_data(how)
    how.add_argument("--strict", action="store_true", help="stop where others are only warned")
    how.add_argument("--quiet", action="store_true", help="print the result only")


def run(args: argparse.Namespace) -> int:
    """Train and print the result.

    Raises:
        NetError: the solver, a net, weights or data cannot be used.
    """
    from netcfg.cli.result import Result
    from netcfg.overrides import override
    from netcfg.plugins import load_plugins
    from netcfg.schema import read_solver, refuse
    from netcfg.solver import Solver
    from netcfg.solver.hooks import default_hooks

    weights = options.words(args.weights)
    if weights and args.snapshot not in (None, "auto"):
        raise NetError("--snapshot goes on with the weights of the snapshot; leave out --weights")
    load_plugins(args.modules)
    ignored = nets.ignored(args)
    parsed = read_solver(options.one_of(args.solver, args.solver_option, "the solver"), ignored)
    refuse(parsed.findings)
    sets = [*args.sets, *([] if args.max_iter is None else [f"max_iter={args.max_iter}"])]
    findings = parsed.findings + override(parsed.message, sets, ignored)
    nets.check_ignored(args, findings, parsed.message)
    result = Result()
    with contextlib.ExitStack() as stack:
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        hooks = default_hooks(nowhere if args.quiet else sys.stderr)
        solver = stack.enter_context(
            Solver(
                parsed.message,
                engine=options.engine_of(args, parsed.message),
                weights=weights,
                ignore_mismatch=options.words(args.ignore_mismatch),
                rename=options.renames(args.rename),
                seed=args.seed,
                out=args.out,
                hooks=[result, *hooks],
                skip_bad_data=args.skip_bad_data,
                level=args.level,
                stages=args.stages,
                strict=args.strict,
            )
        )
        for finding in nets.unexplained(findings, parsed.message):
            solver.say(str(finding))
        if args.snapshot:
            solver.restore(args.snapshot)
        solver.solve()
        print(result.text(solver))
    return INTERRUPTED if result.reason == "stopped" else 0

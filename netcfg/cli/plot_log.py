"""``netcfg plot-log``: learning curves of one or several runs."""

import argparse
from typing import TYPE_CHECKING, Any

from netcfg.errors import NetError, nearest

if TYPE_CHECKING:
    from netcfg.solver.curves import Panels

CURVES = {
    "test-accuracy": ("accuracy", True),
    "test-loss": ("loss", True),
    "learning-rate": ("learning rate", False),
    "train-loss": ("loss", False),
}
"""Names of curves: their panel, and whether they are of test nets."""

AXES = {"iters": "iteration", "seconds": "seconds"}

CHARTS = [(y, x) for y in CURVES for x in AXES]
"""Numbers of Caffe's ``plot_training_log.py``."""

HELP = """\
Draw learning curves of one or several runs into a picture: losses, accuracies and learning rates,
or what --y names. Needs matplotlib: pip install 'netcfg[viz]'.

Charts of Caffe's plot_training_log.py:
"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    charts = "".join(f"  {i}: --y {y} --x {x}\n" for i, (y, x) in enumerate(CHARTS))
    parser = subparsers.add_parser(
        "plot-log",
        help="draw the learning curves of logs",
        description=HELP + charts,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", metavar="OUT", help="the picture, such as curves.png or .svg")
    parser.add_argument(
        "logs",
        metavar="LOG",
        nargs="+",
        help="a log of Caffe or netcfg, a metrics.jsonl, or the folder of a run",
    )
    parser.add_argument(
        "--y",
        metavar="CURVE",
        action="append",
        default=[],
        help=f"only this: {', '.join(CURVES)} or an output of the net; may be given more than once",
    )
    parser.add_argument(
        "--x", choices=list(AXES), default="iters", help="what to draw over (default: iters)"
    )
    parser.add_argument(
        "--chart", type=int, metavar="N", help="a chart of Caffe's, see above, in place of --y, --x"
    )
    parser.add_argument("--title", help="what stands above (default: the names of the runs)")


def run(args: argparse.Namespace) -> int:
    """Draw the picture.

    Raises:
        NetError: a log is none, holds nothing of what is asked for, or matplotlib is missing.
    """
    from netcfg.solver.logs import read_log, run_names

    try:
        from netcfg.solver.curves import compare, draw_panels
    except ImportError:
        raise NetError("plot-log needs matplotlib: pip install 'netcfg[viz]'") from None
    wanted, x = _wanted(args)
    names = run_names(args.logs)
    runs = {name: read_log(log) for name, log in zip(names, args.logs, strict=True)}
    panels = compare(runs, AXES[x])
    if wanted:
        panels = _choose(panels, wanted)
    if not panels:
        raise NetError(f"there is nothing to draw over {x} in {', '.join(args.logs)}")
    title = args.title if args.title is not None else ", ".join(names)
    draw_panels(panels, args.out, title, AXES[x])
    print(f"{args.out}: {', '.join(panels)}")
    return 0


def _wanted(args: argparse.Namespace) -> tuple[list[str], str]:
    """Return the curves and the axis to draw over."""
    if args.chart is None:
        return args.y, args.x
    if args.y:
        raise NetError("--chart and --y exclude each other")
    if not 0 <= args.chart < len(CHARTS):
        raise NetError(f"--chart must be 0 to {len(CHARTS) - 1}; given {args.chart}")
    curve, x = CHARTS[args.chart]
    return [curve], x


def _choose(panels: "Panels", wanted: list[str]) -> "Panels":
    """Return the panels of some curves only.

    Raises:
        NetError: no log holds one of them.
    """
    chosen: Panels = {}
    for curve in wanted:
        panel, test = CURVES.get(curve, ("", None))
        found = {
            name: [
                line
                for line in lines
                if (name == panel and line.test is test)
                or name == curve
                or line.label.endswith(f" {curve}")
            ]
            for name, lines in panels.items()
        }
        if not any(found.values()):
            labels = {line.label.split()[-1] for lines in panels.values() for line in lines}
            known = sorted({*panels, *labels} - {"rate"})
            raise NetError(
                f"--y {curve}: no log holds it{nearest(curve, [*CURVES, *known])} (outputs and "
                f"panels: {', '.join(known)})"
            )
        for name, lines in found.items():
            if lines:
                before = chosen.get(name, [])
                chosen[name] = before + [line for line in lines if line not in before]
    return chosen

"""``netcfg time``: how long each layer of a net takes."""

import argparse
from pathlib import Path
from typing import Any

from netcfg.cli import nets, options


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "time",
        help="time the layers of a net",
        description="Run a net and print the median time of each layer's passes, their share of "
        "the total, and images per second.",
    )
    parser.add_argument("net", metavar="NET", nargs="?", help="prototxt of a net")
    parser.add_argument("--net", "--model", dest="net_option", metavar="NET", help="the same")
    parser.add_argument(
        "--iterations", type=options.positive, default=50, help="passes to time (default: 50)"
    )
    parser.add_argument(
        "--trace",
        metavar="FILE",
        help="also write when each layer, primitive and reorder ran, as a Chrome trace",
    )
    parser.add_argument("--forward-only", action="store_true", help="leave the backward pass out")
    options.add_state(parser, "train")
    options.add_shapes(parser)
    options.add_engine(parser)
    options.add_workers(parser)
    options.add_ignore_field(parser)
    options.add_import(parser)


def run(args: argparse.Namespace) -> int:
    """Print the table of times."""
    from netcfg.plugins import load_plugins
    from netcfg.recorded import report
    from netcfg.timing import clock_of, measure, trace

    load_plugins(args.modules)
    config = nets.read(args, options.one_of(args.net, args.net_option, "the net"))
    with nets.build(args, config) as net:
        backward = bool(net.plan.backward) and not args.forward_only
        clock = clock_of(net.engine)
        timing = measure(net, args.iterations, backward=backward, clock=clock)
        print(f"engine {net.engine.name}, medians of {timing.iterations} iterations\n")
        if args.trace:
            events = trace(net, backward=backward)
            events.write(Path(args.trace))
    print(timing)
    if net.engine.name == "cuda":
        print(f"\n{report(net)}")
    if not net.plan.backward:
        print("\nno loss depends on a parameter: there is no backward pass")
    print(
        f"\n{timing.total * 1e3:.3f} ms an iteration of {timing.images} images, "
        f"{timing.images_per_second:.1f} images/s"
    )
    if args.trace:
        print(
            f"{args.trace}: {events.count('primitive')} primitives and {events.count('reorder')} "
            "reorders of 3 iterations; open it in chrome://tracing or ui.perfetto.dev"
        )
    return 0

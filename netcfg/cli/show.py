"""``netcfg show``: a net as it will run, and what it consists of."""

import argparse
from typing import Any

from netcfg.cli import nets, options


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "show",
        help="print a net as it will run, with shapes, parameters and work",
        description="Print a net upgraded to today's fields and filtered by phase, then a table "
        "of its layers: output shapes, parameters, multiply-adds and memory of the outputs.",
    )
    parser.add_argument("net", metavar="NET", help="prototxt of a net")
    options.add_state(parser, "test")
    parser.add_argument("--text", action="store_true", help="print the prototxt only")
    options.add_shapes(parser)
    options.add_ignore_field(parser)
    options.add_import(parser)
    parser.add_argument(
        "--engine",
        choices=["numpy", "cuda"],
        default="numpy",
        help="cuda: say how much memory of a GPU the net takes, about; none is needed for that",
    )
    parser.add_argument(
        "--precision",
        choices=["float32", "tf32", "float16", "bfloat16"],
        default="float32",
        help="floats of blobs that --engine cuda reckons with (default: float32)",
    )
    parser.set_defaults(threads=None)


def run(args: argparse.Namespace) -> int:
    """Print the net and its table."""
    from netcfg.memory import predict
    from netcfg.netcfg_pb2 import NetState
    from netcfg.phases import filter_net
    from netcfg.plugins import load_plugins
    from netcfg.schema import to_text
    from netcfg.summary import summarize

    load_plugins(args.modules)
    config = nets.read(args, args.net)
    state = NetState(phase=int(options.phase_of(args)), level=args.level, stage=args.stages)
    text = to_text(filter_net(config, state)).rstrip()
    if args.text:
        print(text)
        return 0
    wanted, short = args.engine, args.precision.endswith("16")
    args.engine, args.precision = "numpy", None  # shapes are all that is needed
    with nets.build(args, config) as net:
        print(f"{text}\n\n{summarize(net)}")
        if wanted == "cuda":
            print(f"\n{predict(net, 2 if short else 4)}")
    return 0

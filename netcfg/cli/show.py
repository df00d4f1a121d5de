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
    parser.set_defaults(engine="numpy", threads=None)


def run(args: argparse.Namespace) -> int:
    """Print the net and its table."""
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
    with nets.build(args, config) as net:
        print(f"{text}\n\n{summarize(net)}")
    return 0

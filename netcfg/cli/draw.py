"""``netcfg draw``: a net as a picture."""

import argparse
from typing import Any

from netcfg.cli import nets, options
from netcfg.errors import NetError


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "draw",
        help="draw a net as a picture",
        description="Draw the layers of a net as boxes and its blobs as arrows with their shapes, "
        "as far as those are known without weights and without data that is missing. Needs "
        "Graphviz, but for .dot files.",
    )
    parser.add_argument("net", metavar="NET", help="prototxt of a net of any age")
    parser.add_argument(
        "out", metavar="OUT", help="the picture; .png, .svg, .pdf and .dot are good endings"
    )
    parser.add_argument(
        "--rankdir",
        type=str.upper,
        choices=["LR", "TB", "RL", "BT"],
        default="LR",
        help="left to right, top to bottom, and back (default: LR)",
    )
    parser.add_argument(
        "--phase",
        type=str.upper,
        choices=["TRAIN", "TEST", "ALL"],
        default="ALL",
        help="which layers to draw (default: ALL)",
    )
    parser.add_argument(
        "--display-lrm", action="store_true", help="tell the learning rate multipliers of layers"
    )
    options.add_shapes(parser)
    options.add_import(parser)
    parser.set_defaults(ignore_fields=[])


def run(args: argparse.Namespace) -> int:
    """Write the picture and say what it holds."""
    from netcfg.draw import draw_net_to_file
    from netcfg.plugins import load_plugins
    from netcfg.types import Phase

    load_plugins(args.modules)
    phase = None if args.phase == "ALL" else Phase[args.phase]
    net = nets.read(args, args.net)
    if not net.layer:
        raise NetError(f"'{args.net}' holds no layers to draw")
    draw_net_to_file(net, args.out, args.rankdir, phase, args.display_lrm)
    print(f"{args.out}: drawn")
    return 0

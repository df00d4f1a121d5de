"""``netcfg deploy``: a net that answers, made from one that is trained."""

import argparse
from pathlib import Path
from typing import Any

from netcfg.cli import nets, options
from netcfg.errors import NetError


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "deploy",
        help="derive the net that answers from the one that is trained",
        description="Put an Input in place of data, a Softmax or Sigmoid in place of the loss that "
        "has it inside, and leave out what only training or measuring needs.",
    )
    parser.add_argument("net", metavar="NET", help="prototxt of a net with data and losses")
    parser.add_argument(
        "-o",
        "--out",
        metavar="OUT",
        help="a .prototxt, or a new folder for deploy.prototxt and a card.toml that says how "
        "images are prepared (default: print the net)",
    )
    parser.add_argument(
        "--batch", metavar="N", type=options.positive, default=1, help="images at once (default: 1)"
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="of the net: a folder gets a copy; its card says how images were prepared for them",
    )
    parser.add_argument(
        "--merge",
        action="store_true",
        help="merge BatchNorm and Scale into the layers before them; with --weights the new ones "
        "go to a .caffemodel beside the prototxt",
    )
    options.add_shapes(parser)
    parser.add_argument("--level", type=int, default=0, help="for include { min_level } rules")
    options.add_stage(parser)
    add_about(parser)
    options.add_ignore_field(parser)
    options.add_import(parser)


def add_about(parser: options.Parser) -> None:
    """Add what a card says of the input where the net does not say it."""
    parser.add_argument(
        "--mean",
        metavar="B,G,R",
        type=numbers,
        help="for the card: taken away from each channel, in place of the data layer's",
    )
    parser.add_argument(
        "--scale", type=float, help="for the card: multiplied after the mean is taken away"
    )
    parser.add_argument(
        "--channels",
        choices=["BGR", "RGB", "GREY"],
        help="for the card: their order (default: BGR, or GREY where there is one)",
    )
    parser.add_argument(
        "--resize",
        metavar="H,W",
        type=size,
        help="for the card: images get this height and width before the centre is cut out",
    )


def numbers(text: str) -> tuple[float, ...]:
    """Parse ``104,117,123``.

    >>> numbers("104,117.5")
    (104.0, 117.5)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' must look like 104,117,123") from None


def size(text: str) -> tuple[int, ...]:
    """Parse ``256,256``.

    >>> size("256,340")
    (256, 340)
    """
    sides = text.split(",")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise argparse.ArgumentTypeError(f"'{text}' must look like 256,256")
    return tuple(map(int, sides))


def run(args: argparse.Namespace) -> int:
    """Write or print the net."""
    import sys

    from netcfg.deploy import deploy_net
    from netcfg.io.caffemodel import read_weights
    from netcfg.merge import merge_normalization
    from netcfg.plugins import load_plugins
    from netcfg.schema import to_text
    from netcfg.zoo.make import About, write_deployed, write_model

    _check(args)
    load_plugins(args.modules)
    shapes, args.shapes = dict(args.shapes), []
    deployed = deploy_net(
        nets.read(args, args.net),
        batch=args.batch,
        shapes=shapes,
        level=args.level,
        stages=args.stages,
    )
    for note in deployed.notes:
        print(f"netcfg: note: {note}", file=sys.stderr)
    if args.out is None:
        net = merge_normalization(deployed.net).net if args.merge else deployed.net
        print(to_text(net).rstrip())
    elif args.out.endswith(".prototxt"):
        learned = read_weights(args.weights) if args.weights else None
        file = write_deployed(deployed, Path(args.out), learned, merge=args.merge)
        print(f"{args.out}: {len(deployed.net.layer)} layers")
        if file is not None:
            print(f"{file}: their weights")
    else:
        about = About(mean=args.mean, scale=args.scale, channels=args.channels, resize=args.resize)
        card = write_model(deployed, Path(args.out), about, args.weights, merge=args.merge)
        print(f"{args.out}: {len(deployed.net.layer)} layers, answer in blob {card.output.blob}")
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse weights that would go nowhere."""
    if args.weights and args.out is None:
        raise NetError("--weights needs -o, which says where they go")
    if args.weights and args.out.endswith(".prototxt") and not args.merge:
        raise NetError(
            "--weights fit the deployed net as they are: give -o a folder to put both there, or "
            "--merge to change both"
        )

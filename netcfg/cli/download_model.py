"""``netcfg download-model``: the weights that a model's readme names."""

import argparse
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "download-model",
        help="fetch the weights of a model folder of Caffe's zoo",
        description="Read caffemodel, caffemodel_url and sha1 from the head of DIR/readme.md and "
        "put the weights beside it, checked. A download that was cut off goes on where it ended.",
    )
    parser.add_argument("dir", metavar="DIR", help="folder with the readme.md of a model")
    parser.add_argument(
        "--from",
        dest="given",
        metavar="FOLDER",
        help="copy the weights from a folder that holds them, without the network",
    )


def run(args: argparse.Namespace) -> int:
    """Fetch the weights and say where they are."""
    from netcfg.model_card import fetch_weights, read_card

    card = read_card(args.dir)
    print(f"{card.name or card.file}, license: {card.license or 'not told'}")
    path, there = fetch_weights(card, args.given)
    print(f"{path}: {'there already, ' if there else ''}sha1 as it should be")
    return 0

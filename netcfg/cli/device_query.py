"""``netcfg device-query``: what this machine computes with."""

import argparse
from typing import Any

from netcfg.cli.options import natural


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "device-query",
        help="tell processor, memory, engines and NVIDIA cards",
        description="Tell what netcfg can compute with here: processor, memory and threads, "
        "engines with their versions or with what they miss, and NVIDIA cards.",
    )
    parser.add_argument(
        "-gpu", "--gpu", metavar="N", type=card, help="tell of this card only (default: all)"
    )


def card(text: str) -> int | None:
    """Parse the number of a card, or ``all``."""
    return None if text == "all" else natural(text)


def run(args: argparse.Namespace) -> int:
    """Print the report."""
    from netcfg.devices import report

    print(report(args.gpu))
    return 0

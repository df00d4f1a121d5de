"""``netcfg upgrade``: files of old ages as files of today."""

import argparse
import os
from typing import Any

from netcfg.errors import NetError


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "upgrade",
        help="write an old net, solver or .caffemodel as a current one",
        description="Write a net or solver in prototxt, or weights in a .caffemodel, of any age as "
        "a file of today, and tell what was changed. Weights stay as they are, bit by bit; fields "
        "of forks stay, comments go.",
    )
    parser.add_argument("file", metavar="IN", help="the old file; its content says what it is")
    parser.add_argument("out", metavar="OUT", nargs="?", help="the new file")
    parser.add_argument("--in-place", action="store_true", help="replace IN by the new file")
    kind = parser.add_mutually_exclusive_group()
    for name, what in (("net", "a net"), ("solver", "a solver"), ("weights", "a .caffemodel")):
        kind.add_argument(
            f"--{name}", dest="kind", action="store_const", const=name, help=f"read IN as {what}"
        )


def run(args: argparse.Namespace) -> int:
    """Write the new file and print what was changed.

    Raises:
        NetError: OUT is missing, or would replace IN unasked.
    """
    from netcfg.upgrade_files import upgrade_file

    if bool(args.out) == args.in_place:
        raise NetError("upgrade needs either OUT, the new file, or --in-place, not both")
    out = os.path.realpath(args.file) if args.in_place else args.out
    if not args.in_place and os.path.realpath(out) == os.path.realpath(args.file):
        raise NetError(f"'{out}' is the file to upgrade; --in-place replaces it")
    upgraded = upgrade_file(args.file, out, args.kind)
    for finding in upgraded.findings:
        print(f"{finding.where}: {finding.severity}: {finding.message}")
    if upgraded.changed:
        print(f"{args.out or args.file}: {upgraded.kind}, upgraded")
    else:
        print(f"{args.out or args.file}: {upgraded.kind}, current already: the file is as it was")
    return 0

"""``netcfg check``: everything that is wrong with files, without training."""

import argparse
from typing import Any

from netcfg.cli import options


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "check",
        help="tell everything that is wrong with nets and solvers",
        description="Read nets or solvers (with the nets they name), upgrade them, choose the "
        "layers of each phase, connect them and check shapes, all without training. Exit status "
        "0 where there is no error, 2 where there is one.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="prototxt of a net or a solver")
    options.add_import(parser)


def run(args: argparse.Namespace) -> int:
    """Print all findings and their number."""
    from netcfg.check import check_file
    from netcfg.plugins import load_plugins

    load_plugins(args.modules)
    counts = {"error": 0, "warning": 0, "note": 0}
    for path in args.files:
        for finding in check_file(path):
            print(f"{finding.where}: {finding.severity}: {finding.message}")
            counts[finding.severity] += 1
    files = "1 file" if len(args.files) == 1 else f"{len(args.files)} files"
    found = ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counts.items())
    print(f"{files}: {found}")
    return 2 if counts["error"] else 0

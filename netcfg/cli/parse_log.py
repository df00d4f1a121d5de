"""``netcfg parse-log``: the tables of Caffe's ``parse_log.py``."""

import argparse
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "parse-log",
        help="turn a log of training into tables",
        description="Write LOG.train and LOG.test in OUTDIR: a line for each iteration that the "
        "log tells of, with NumIters, Seconds, LearningRate and the outputs of the net. Further "
        "test nets get LOG.test1 and so on.",
    )
    parser.add_argument(
        "log",
        metavar="LOG",
        help="a log of Caffe or netcfg, a metrics.jsonl, or the folder of a run",
    )
    parser.add_argument("outdir", metavar="OUTDIR", help="folder of the tables")
    parser.add_argument(
        "--delimiter", default=",", help=r"what stands between columns, \t for a tab (default: ,)"
    )
    parser.add_argument("--verbose", action="store_true", help="say which files were written")


def run(args: argparse.Namespace) -> int:
    """Write the tables."""
    from netcfg.solver.logs import find_log, read_log, write_tables

    delimiter = args.delimiter.replace(r"\t", "\t")
    name = find_log(args.log).name
    written = write_tables(read_log(args.log), args.outdir, name, delimiter)
    if args.verbose:
        for path in written:
            print(f"wrote {path}")
    return 0

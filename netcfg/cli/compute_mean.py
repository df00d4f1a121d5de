"""``netcfg compute-mean``: the mean image of a database."""

import argparse
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from netcfg.cli.bar import bar
from netcfg.cli.options import positive
from netcfg.errors import NetError


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "compute-mean",
        help="mean image of a database",
        description="Take the mean of all images of a database, pixel by pixel: a file for "
        "mean_file, and the mean of each channel for mean_value.",
    )
    parser.add_argument("database", metavar="DB", help="LMDB or LevelDB of images")
    parser.add_argument(
        "out", metavar="OUT", nargs="?", help="the mean image, such as mean.binaryproto"
    )
    parser.add_argument(
        "--backend",
        type=str.lower,
        choices=["lmdb", "leveldb"],
        help="kind of database (default: what DB is)",
    )
    parser.add_argument(
        "--threads", metavar="N", type=positive, help="that read records (default: one a core)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the mean image and print the mean of each channel.

    Raises:
        NetError: the database is none, its images differ in size, or OUT cannot be written.
    """
    from netcfg.data.compute_mean import channel_means, compute_mean
    from netcfg.data.database import open_database
    from netcfg.data.mean import encode_mean
    from netcfg.io.files import find_file, write_whole

    path = find_file(args.database)
    if args.out and Path(args.out).is_dir():
        raise NetError(f"OUT '{args.out}' is a folder; the mean image needs the name of a file")
    kind = args.backend or ("leveldb" if (path / "CURRENT").is_file() else "lmdb")
    with ExitStack() as stack:
        # Opened first, so that a folder that cannot be written is not found out after the work.
        out = stack.enter_context(write_whole(args.out)) if args.out else None
        database = stack.enter_context(closing(open_database(path, kind.upper())))
        with bar(database.size, "records") as step:
            mean = compute_mean(database, args.threads, step)
        if out is not None:
            out.write(encode_mean(mean))
    channels, height, width = mean.shape
    print(f"{database.size} images of {channels} × {height} × {width}")
    for i, value in enumerate(channel_means(mean)):
        print(f"mean_value channel [{i}]: {value:g}")
    return 0

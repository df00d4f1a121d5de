"""``netcfg convert-imageset``: a database of the images that a text file lists."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcfg.cli.bar import bar
from netcfg.cli.options import natural, positive
from netcfg.errors import NetError

if TYPE_CHECKING:
    from netcfg.data.image_list import ImageList


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "convert-imageset",
        help="put images into an LMDB or LevelDB",
        description="Write the images of a list into a database for Data layers: as pixels, blue "
        "first, or as image files. The keys are the number of the line and the path.",
    )
    parser.add_argument("root", metavar="ROOTFOLDER", help="folder that paths in the list begin at")
    parser.add_argument(
        "list", metavar="LISTFILE", help="text file with a path, a space and a label a line"
    )
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what all commands that make databases of images have in common."""
    parser.add_argument("database", metavar="DB", help="the folder of the new database")
    parser.add_argument("--gray", action="store_true", help="make images gray; otherwise color")
    parser.add_argument("--shuffle", action="store_true", help="shuffle the list")
    parser.add_argument(
        "--seed", metavar="N", type=natural, default=1, help="of --shuffle (default: 1)"
    )
    parser.add_argument(
        "--backend",
        type=str.lower,
        choices=["lmdb", "leveldb"],
        default="lmdb",
        help="kind of database (default: lmdb)",
    )
    for side in ("width", "height"):
        parser.add_argument(
            f"--resize-{side}", metavar="N", type=natural, default=0, help=f"{side} of all images"
        )
    parser.add_argument(
        "--check-size", action="store_true", help="refuse images whose size is not the first one's"
    )
    parser.add_argument(
        "--encoded", action="store_true", help="store image files, which Data layers decode"
    )
    parser.add_argument(
        "--encode-type",
        metavar="KIND",
        type=str.lower,
        default="",
        help="format of these: jpg, png, … (default: that of each file)",
    )
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out images that cannot be used, and name them",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace the database if it is there already"
    )
    parser.add_argument(
        "--threads", metavar="N", type=positive, help="that read images (default: one a core)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the database and say what it holds.

    Raises:
        NetError: options do not fit together, an image is bad or the database is there already.
    """
    from netcfg.data.image_list import ImageList

    options = list_options(args)
    return write(args, ImageList(find_list(args), **options))


def write(args: argparse.Namespace, images: "ImageList") -> int:
    """Write the database of a list and say what it holds.

    Raises:
        NetError: as for ``run``.
    """
    from netcfg.data.imageset import convert_imageset
    from netcfg.io.image import ENCODINGS

    if args.encode_type and args.encode_type not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise NetError(f"--encode-type must be one of {known}; given '{args.encode_type}'")
    with bar(len(images), "images") as step:
        result = convert_imageset(
            images,
            args.database,
            backend=args.backend,
            encode=args.encode_type if args.encoded or args.encode_type else None,
            check_size=args.check_size,
            skip_bad=args.skip_bad,
            force=args.force,
            threads=args.threads,
            on_image=step,
        )
    for where, what in result.skipped:
        print(f"netcfg: warning: {where}: {what}", file=sys.stderr)
    skipped = f", {len(result.skipped)} left out" if result.skipped else ""
    print(f"{args.database}: {result.written} images{skipped}")
    return 0


def find_list(args: argparse.Namespace) -> Path:
    """Return the list of images.

    Raises:
        NetError: it is missing.
    """
    from netcfg.io.files import find_file

    return find_file(args.list)


def list_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return what ``ImageList`` is told besides its file.

    Raises:
        NetError: one side of a size is missing, or the folder is none.
    """
    from netcfg.data.draws import Draws
    from netcfg.io.files import find_file

    width, height = args.resize_width, args.resize_height
    if bool(width) != bool(height):
        given, missing = ("width", "height") if width else ("height", "width")
        raise NetError(f"--resize-{given} needs --resize-{missing} too")
    root = find_file(args.root or ".")
    if not root.is_dir():
        raise NetError(f"ROOTFOLDER '{args.root}' is no folder")
    return {
        "root": str(root),
        "color": not args.gray,
        "size": (height, width) if width else None,
        "shuffle": Draws(args.seed, "convert-imageset") if args.shuffle else None,
    }

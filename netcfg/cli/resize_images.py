"""``netcfg resize-images``: a folder of images in another size."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from netcfg.cli.bar import bar
from netcfg.cli.options import positive
from netcfg.errors import NetError


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "resize-images",
        help="resize a folder of images",
        description="Resize all images below a folder, keeping their places in it, in color and "
        "upright as the camera was held. What is there already in the right size and not older "
        "than its image is kept, so that a run goes on where another one ended.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="of the images")
    parser.add_argument("out", metavar="OUT", help="folder of the results")
    parser.add_argument(
        "--size",
        metavar="N|WxH",
        type=size,
        default=(256, 256, False),
        help="N for the shorter side, or width and height that images are stretched to "
        "(default: 256)",
    )
    parser.add_argument(
        "--crop",
        action="store_true",
        help="keep the proportions and take the center, N × N or W × H",
    )
    parser.add_argument(
        "--list", metavar="FILE", help="text file with the images, one a line, in place of all"
    )
    parser.add_argument(
        "--filter",
        choices=["bilinear", "bicubic", "lanczos", "opencv"],
        default="bilinear",
        help="how to resize; opencv is bilinear without smoothing, what Caffe's tools do "
        "(default: bilinear)",
    )
    parser.add_argument(
        "--format", metavar="KIND", type=str.lower, default="", help="of the results: jpg, png, …"
    )
    parser.add_argument(
        "--quality", metavar="N", type=percent, default=95, help="of JPEG and WebP (default: 95)"
    )
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="leave out images that cannot be read, and name them",
    )
    parser.add_argument("--force", action="store_true", help="write all results anew")
    parser.add_argument(
        "--threads", metavar="N", type=positive, help="that resize (default: one a core)"
    )


def size(text: str) -> tuple[int, int, bool]:
    """Parse ``256`` or ``320x240``: width, height and whether both were given.

    >>> size("256"), size("320x240")
    ((256, 256, False), (320, 240, True))
    """
    match = re.fullmatch(r"([1-9]\d{0,4})(?:[x×]([1-9]\d{0,4}))?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' must look like 256 or 320x240")
    return int(match[1]), int(match[2] or match[1]), match[2] is not None


def percent(text: str) -> int:
    """Parse a number from 1 to 100."""
    value = positive(text)
    if value > 100:
        raise argparse.ArgumentTypeError(f"must be 1 to 100; given {value}")
    return value


def run(args: argparse.Namespace) -> int:
    """Write the images and say how many."""
    from netcfg.data.resize_images import Size, resize_images

    width, height, exact = args.size
    pairs = _pairs(args)
    with bar(len(pairs), "images") as step:
        result = resize_images(
            pairs,
            Size(width, height, exact=exact, crop=args.crop),
            method=args.filter,
            quality=args.quality,
            skip_bad=args.skip_bad,
            force=args.force,
            threads=args.threads,
            on_image=step,
        )
    for where, what in result.skipped:
        print(f"netcfg: warning: {where}: {what}", file=sys.stderr)
    kept = f", {result.kept} there already" if result.kept else ""
    skipped = f", {len(result.skipped)} left out" if result.skipped else ""
    print(f"{args.out}: {result.written} images{kept}{skipped}")
    return 0


def _pairs(args: argparse.Namespace) -> list[tuple[Path, Path]]:
    """Return images and where they go.

    Raises:
        NetError: there are none, or the folders are one within the other.
    """
    from netcfg.data.resize_images import images_below, listed_images, pair_up
    from netcfg.io.files import find_file
    from netcfg.io.image import ENCODINGS

    if args.format and args.format not in ENCODINGS:
        raise NetError(f"--format must be one of {', '.join(ENCODINGS)}; given '{args.format}'")
    folder, out = find_file(args.folder), Path(args.out)
    if not folder.is_dir():
        raise NetError(f"'{folder}' is no folder")
    if out.exists() and not out.is_dir():
        raise NetError(f"'{out}' is there already and is no folder")
    if out.resolve().is_relative_to(folder.resolve()):
        raise NetError(f"OUT '{out}' must lie outside of the images' folder '{folder}'")
    names = listed_images(find_file(args.list), folder) if args.list else images_below(folder)
    if not names:
        place = f"'{args.list}' names" if args.list else f"'{folder}' holds"
        raise NetError(f"{place} no images ({', '.join(ENCODINGS)})")
    return pair_up(names, folder, out, args.format)

"""``netcfg features``: what blobs of a net hold for pictures."""

import argparse
from typing import TYPE_CHECKING, Any

from netcfg.cli import options, vision_options

if TYPE_CHECKING:
    from netcfg.vision.extractor import FeatureExtractor


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = vision_options.add_parser(
        subparsers,
        "features",
        "tell what blobs hold for pictures",
        "Show pictures to a net and write what its blobs hold, a row for each picture. "
        "(`netcfg extract-features` does so for a net that reads its own data.)",
    )
    parser.add_argument(
        "--blobs",
        metavar="NAMES",
        action="append",
        default=[],
        help="names, with commas (default: the card's, or the only output)",
    )
    vision_options.add_oversample(parser)


def run(args: argparse.Namespace) -> int:
    """Write the features."""
    return vision_options.run(args, _extractor)


def _extractor(args: argparse.Namespace) -> "FeatureExtractor":
    from netcfg.vision.extractor import FeatureExtractor

    return FeatureExtractor(
        args.model,
        vision_options.settings(args),
        blobs=options.words(args.blobs),
        engine=options.engine_of(args),
        batch=args.batch,
        workers=args.workers,
    )

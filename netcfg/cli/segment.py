"""``netcfg segment``: which class each pixel of pictures belongs to."""

import argparse
from typing import TYPE_CHECKING, Any

from netcfg.cli import options, vision_options

if TYPE_CHECKING:
    from netcfg.vision.segmenter import Segmenter


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = vision_options.add_parser(
        subparsers,
        "segment",
        "tell the class of each pixel",
        "Show pictures to a net, write the share of each class to a table and, with --pictures, "
        "masks of the size of the pictures.",
    )
    vision_options.add_blob(parser, "the scores (N, classes, H, W)")
    vision_options.add_pictures(parser, "masks, and pictures under their colours")


def run(args: argparse.Namespace) -> int:
    """Write the shares and masks."""
    return vision_options.run(args, _segmenter)


def _segmenter(args: argparse.Namespace) -> "Segmenter":
    from netcfg.vision.segmenter import Segmenter

    return Segmenter(
        args.model,
        vision_options.settings(args),
        blob=args.blob,
        engine=options.engine_of(args),
        batch=args.batch,
        workers=args.workers,
    )

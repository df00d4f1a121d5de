"""``netcfg detect``: where things are in pictures."""

import argparse
from typing import TYPE_CHECKING, Any

from netcfg.cli import options, vision_options

if TYPE_CHECKING:
    from netcfg.vision.detector import Detector


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = vision_options.add_parser(
        subparsers,
        "detect",
        "find things in pictures",
        "Show pictures to a detector and write its boxes, in pixels of the picture, to a table. "
        "Nets of SSD, YOLO and Faster R-CNN are understood as they are; for other ones --decode "
        "says how their outputs become boxes.",
    )
    parser.add_argument(
        "--decode",
        metavar="FILE",
        help="TOML that says how raw boxes are decoded (default: decode.toml of the model's "
        "folder); docs/vision.md describes it",
    )
    parser.add_argument(
        "--threshold",
        type=vision_options.share,
        default=0.5,
        help="least score of a box (default: 0.5)",
    )
    parser.add_argument(
        "--nms",
        type=vision_options.share,
        help="greatest overlap of two boxes of a class, where they are chosen here",
    )
    parser.add_argument(
        "--blob", default="", help="that holds rows (image, label, score, x1, y1, x2, y2)"
    )
    vision_options.add_pictures(parser, "pictures with their boxes")


def run(args: argparse.Namespace) -> int:
    """Write the boxes."""
    return vision_options.run(args, _detector)


def _detector(args: argparse.Namespace) -> "Detector":
    from netcfg.vision.detector import Detector

    return Detector(
        args.model,
        vision_options.settings(args),
        blob=args.blob,
        decoding=args.decode,
        threshold=args.threshold,
        nms=args.nms,
        engine=options.engine_of(args),
        batch=args.batch,
        workers=args.workers,
    )

"""``netcfg classify``: the best classes of pictures."""

import argparse
from typing import TYPE_CHECKING, Any

from netcfg.cli import options, vision_options

if TYPE_CHECKING:
    from netcfg.vision.classifier import Classifier


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = vision_options.add_parser(
        subparsers,
        "classify",
        "tell the classes of pictures",
        "Show pictures to a net and write their best classes to a table. What was interrupted, in "
        "whatever way, goes on when the same command is given again.",
    )
    parser.add_argument(
        "--top", metavar="K", type=options.positive, default=5, help="classes to tell (default: 5)"
    )
    parser.add_argument("--scores", action="store_true", help="write the scores of all classes too")
    parser.add_argument(
        "--logits", action="store_true", help="take scores from before the last Softmax"
    )
    vision_options.add_blob(parser, "the scores")
    vision_options.add_oversample(parser)
    vision_options.add_pictures(parser, "a contact sheet, index.html")


def run(args: argparse.Namespace) -> int:
    """Write the classes."""
    return vision_options.run(args, _classifier)


def _classifier(args: argparse.Namespace) -> "Classifier":
    from netcfg.vision.classifier import Classifier

    return Classifier(
        args.model,
        vision_options.settings(args),
        blob=args.blob,
        top=args.top,
        logits=args.logits,
        every=args.scores,
        engine=options.engine_of(args),
        batch=args.batch,
        workers=args.workers,
    )

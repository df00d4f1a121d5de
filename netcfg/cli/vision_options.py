"""Options and output that the commands about pictures share."""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from netcfg.cli import options
from netcfg.cli.bar import bar
from netcfg.errors import NetError

if TYPE_CHECKING:
    from netcfg.vision.settings import Settings
    from netcfg.vision.task import Task

T = TypeVar("T", bound="Task[Any]")

SHOWN = 20
"""Unreadable pictures that are told one by one."""

LEFT_OUT = 2
"""Exit status where pictures could not be read; the results hold the others."""


def add_parser(subparsers: Any, name: str, help: str, description: str) -> Any:
    """Add a command with the arguments that all of them take."""
    parser = subparsers.add_parser(name, help=help, description=description)
    parser.add_argument(
        "model", metavar="MODEL", help="prototxt of a net, folder with a card.toml, or zoo:NAME"
    )
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="pictures, folders, patterns, .txt lists of paths, databases; - reads paths from "
        "standard input",
    )
    parser.add_argument(
        "--out",
        metavar="RESULT",
        required=True,
        help="file of the results: .csv, .jsonl, .parquet, .h5 or .npz",
    )
    parser.add_argument(
        "--list",
        dest="lists",
        metavar="FILE",
        action="append",
        default=[],
        help="a list of paths, whatever it is called; may be given more than once",
    )
    _add_preparation(parser.add_argument_group("the model"))
    _add_running(parser.add_argument_group("the run"))
    options.add_engine(parser)
    options.add_import(parser)
    return parser


def _add_preparation(group: options.Parser) -> None:
    group.add_argument(
        "--weights",
        metavar="FILE",
        action="append",
        default=[],
        help="weights to load; several with commas, the last to name a layer counts",
    )
    group.add_argument("--labels", metavar="FILE", help="names of classes, one a line")
    options.add_shapes(group)
    options.add_ignore_mismatch(group)
    options.add_ignore_field(group)
    _add_pixels(group)


def _add_pixels(group: options.Parser) -> None:
    group.add_argument(
        "--mean",
        type=_mean,
        metavar="B,G,R|FILE",
        help="taken away: a number for each channel in the order of --channels, or a .binaryproto "
        "or .npy file",
    )
    group.add_argument("--scale", type=float, help="multiplied after the mean is taken away")
    group.add_argument(
        "--channels",
        type=str.upper,
        choices=["BGR", "RGB", "GREY"],
        help="order of channels (default: the card's, else BGR, or GREY for one channel)",
    )
    group.add_argument(
        "--size",
        type=_size,
        metavar="H,W|image",
        help="of what the net sees (default: its input); image: that of each picture",
    )
    group.add_argument(
        "--resize",
        type=_pair,
        metavar="H,W",
        help="resize to this before the centre is cut out (default: the size of the input)",
    )
    group.add_argument(
        "--keep-aspect",
        action="store_true",
        default=None,
        help="the shorter side becomes that of --resize, the other one as it fits",
    )


def _add_running(group: options.Parser) -> None:
    group.add_argument(
        "--batch",
        type=_batch,
        default="auto",
        metavar="N|auto",
        help="pictures at once (default: auto, what memory and a short measurement say)",
    )
    group.add_argument(
        "--workers",
        type=options.positive,
        metavar="N",
        help="threads that decode ahead (default: as many as compute)",
    )
    group.add_argument(
        "--on-error",
        choices=["skip", "stop"],
        default="skip",
        help="what an unreadable picture does (default: skip, told at the end with exit status 2)",
    )
    group.add_argument(
        "--restart", action="store_true", help="begin again, whatever results there are"
    )


def add_blob(parser: options.Parser, what: str) -> None:
    """Add ``--blob``."""
    parser.add_argument(
        "--blob", default="", help=f"that holds {what} (default: the card's, or the only output)"
    )


def add_oversample(parser: options.Parser) -> None:
    """Add ``--oversample``."""
    parser.add_argument(
        "--oversample",
        action="store_true",
        help="the mean over ten views: corners and centre of what --resize gives, and mirrored",
    )


def add_pictures(parser: options.Parser, what: str) -> None:
    """Add ``--pictures``."""
    parser.add_argument("--pictures", metavar="DIR", help=f"folder for {what}")


def settings(args: argparse.Namespace) -> "Settings":
    """Return how pictures are prepared, as far as the command line says it."""
    from netcfg.vision.settings import Settings

    return Settings(
        weights=options.words(args.weights),
        labels=args.labels,
        mean=args.mean,
        scale=args.scale,
        channels=args.channels,
        size=args.size,
        resize=args.resize,
        keep_aspect=args.keep_aspect,
        oversample=getattr(args, "oversample", False),
        shapes=dict(args.shapes),
        ignore_fields=options.words(args.ignore_fields),
        ignore_mismatch=options.words(args.ignore_mismatch),
        renames=options.renames(args.rename),
    )


def run(args: argparse.Namespace, make: Callable[[argparse.Namespace], T]) -> int:
    """Run a task over the inputs and say what became of it.

    Args:
        args: the command line.
        make: builds the task.
    """
    from netcfg.plugins import load_plugins
    from netcfg.vision.inputs import collect
    from netcfg.vision.job import Job
    from netcfg.vision.results import check_ending

    warnings.filterwarnings("ignore", "Image size")  # Pillow's, of pictures that it still reads
    out = Path(args.out)
    check_ending(out)
    load_plugins(args.modules)
    items = collect(args.inputs, args.lists)
    pictures = getattr(args, "pictures", None)
    if pictures and args.command != "classify":  # whose sheet holds its thumbnails
        _check_apart(Path(pictures), args.inputs)
    job = Job(
        make(args), items, out, pictures=Path(pictures) if pictures else None, restart=args.restart
    )
    if job.before:
        print(f"{job.before} of {len(items)} pictures were done before", file=sys.stderr)
    with bar(job.left, "images") as step:
        report = job.run(args.on_error, step)
    new = report.pictures - report.before
    rate = f", {new / report.seconds:.1f} images/s" if new and report.seconds else ""
    print(f"{out}: {report.pictures} picture{'s' * (report.pictures != 1)}{rate}")
    if pictures:
        print(f"{pictures}: pictures of the results")
    if report.unreadable:
        _tell(out, report.unreadable)
        return LEFT_OUT
    return 0


def _check_apart(pictures: Path, inputs: list[str]) -> None:
    """Refuse pictures of results in a folder of inputs, where the next run would take them."""
    for word in inputs:
        if Path(word).is_dir() and pictures.resolve().is_relative_to(Path(word).resolve()):
            raise NetError(
                f"--pictures '{pictures}' must lie outside of the pictures' folder '{word}'"
            )


def _tell(out: Path, unreadable: list[tuple[str, str]]) -> None:
    from netcfg.vision.job import REPORT

    for name, reason in unreadable[:SHOWN]:
        print(f"netcfg: warning: '{name}' is left out: {reason}", file=sys.stderr)
    count = f"{len(unreadable)} picture{'s' * (len(unreadable) != 1)}"
    more = f"and {len(unreadable) - SHOWN} more: " if len(unreadable) > SHOWN else ""
    print(
        f"netcfg: warning: {more}{count} could not be read, see "
        f"'{out}{REPORT}'; the same command tries these again",
        file=sys.stderr,
    )


# Values of options -----------------------------------------------------------------------------


def _pair(text: str) -> tuple[int, int]:
    """Parse a height and a width, or both in one.

    >>> _pair("227"), _pair("240,320")
    ((227, 227), (240, 320))
    """
    words = text.replace("x", ",").split(",")
    if len(words) > 2 or not all(word.isdecimal() and int(word) for word in words):
        raise argparse.ArgumentTypeError(f"'{text}' must look like 227 or 240,320, height first")
    return int(words[0]), int(words[-1])


def _size(text: str) -> tuple[int, int] | Literal["image"]:
    return "image" if text == "image" else _pair(text)


def _mean(text: str) -> list[float] | str:
    """Parse numbers with commas; anything else is a file."""
    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        return text


def _batch(text: str) -> int | Literal["auto"]:
    return "auto" if text == "auto" else options.positive(text)


def share(text: str) -> float:
    """Parse a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1; given '{text}'")
    return value

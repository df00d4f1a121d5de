"""``netcfg extract-features``: what blobs of a net hold for each image of a data set."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcfg.cli import nets, options
from netcfg.cli.bar import bar
from netcfg.errors import NetError

if TYPE_CHECKING:
    from netcfg.features import Output

DEVICES = ("CPU", "GPU")


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "extract-features",
        help="store what blobs hold for each image",
        description="Run a net with given weights over its data and write blobs, image by image: "
        "LMDB and LevelDB of float Datums, or arrays named after the blobs in HDF5 and NPZ files. "
        "Without NUM_BATCHES each record of the data comes once.",
    )
    parser.add_argument("weights", metavar="WEIGHTS", nargs="?", help="weights to load")
    parser.add_argument("net", metavar="NET", nargs="?", help="prototxt of a net with its data")
    parser.add_argument("blobs", metavar="BLOBS", nargs="?", help="names, with commas")
    parser.add_argument(
        "out",
        metavar="OUT",
        nargs="?",
        help="as many names, with commas; an HDF5 or NPZ file may also hold all blobs",
    )
    parser.add_argument("batches", metavar="NUM_BATCHES", nargs="?", help="how many to run")
    parser.add_argument("kind", metavar="FORMAT", nargs="?", help="lmdb, leveldb, hdf5 or npz")
    parser.add_argument(
        "device",
        metavar="CPU|GPU",
        nargs="*",
        help="may follow as in Caffe; it is --engine that says where the net runs",
    )
    parser.add_argument("--weights", dest="weights_option", metavar="FILE", help="WEIGHTS")
    parser.add_argument("--net", "--model", dest="net_option", metavar="NET", help="NET")
    parser.add_argument("--blobs", dest="blobs_option", metavar="NAMES", help="BLOBS")
    parser.add_argument("--out", dest="out_option", metavar="PATHS", help="OUT")
    parser.add_argument(
        "--iterations", metavar="N", type=options.positive, help="NUM_BATCHES, batches to run"
    )
    parser.add_argument(
        "--format",
        type=str.lower,
        choices=["lmdb", "leveldb", "hdf5", "npz"],
        help="FORMAT (default: by the ending of OUT, .h5 or .npz, else lmdb)",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace databases that are there already"
    )
    options.add_state(parser, "test")
    options.add_engine(parser)
    options.add_workers(parser)
    options.add_skip_bad_data(parser)
    options.add_ignore_mismatch(parser)
    options.add_ignore_field(parser)
    options.add_import(parser)


def run(args: argparse.Namespace) -> int:
    """Write the features and say what they are."""
    from netcfg.features import Passes, extract_features, form_of, whole
    from netcfg.plugins import load_plugins

    load_plugins(args.modules)
    batches, form = _rest(args)
    weights = options.one_of(args.weights, args.weights_option, "WEIGHTS")
    path = options.one_of(args.net, args.net_option, "NET")
    blobs = options.words([options.one_of(args.blobs, args.blobs_option, "BLOBS")])
    paths = options.words([options.one_of(args.out, args.out_option, "OUT")])
    form = form or form_of(paths[0])
    outputs = _outputs(blobs, paths, form)
    config = nets.read(args, path)
    with nets.build(args, config, keep=blobs) as net:
        nets.load(args, net, [weights])
        passes = Passes(batches) if batches else whole(net)
        with bar(passes.batches, "batches") as step:
            shapes = extract_features(net, outputs, passes, form, force=args.force, on_batch=step)
    for output in outputs:
        for blob in output.blobs:
            print(f"{output.path}: {blob} {' × '.join(map(str, shapes[blob]))}")
    return 0


def _rest(args: argparse.Namespace) -> tuple[int | None, str | None]:
    """Return NUM_BATCHES and FORMAT, from either place.

    Raises:
        NetError: one is given twice, or something else is given.
    """
    from netcfg.features import FORMATS

    rest = [word for word in (args.batches, args.kind, *args.device) if word is not None]
    batches, form = args.iterations, args.format
    if rest and rest[0].isdecimal() and int(rest[0]):
        if batches:
            raise NetError(f"NUM_BATCHES is given twice: {rest[0]} and {batches}")
        batches = int(rest.pop(0))
    if rest and rest[0].lower() in FORMATS:
        if form:
            raise NetError(f"FORMAT is given twice: {rest[0]} and {form}")
        form = rest.pop(0).lower()
    if rest and rest[0].upper() in DEVICES and len(rest) <= 2:
        if rest[0].upper() == "GPU":
            print("netcfg: warning: GPU is passed over; --engine says where", file=sys.stderr)
        return batches, form
    if rest:
        raise NetError(
            f"NUM_BATCHES must be a number above 0 and FORMAT one of {', '.join(FORMATS)}; "
            f"given '{' '.join(rest)}'"
        )
    return batches, form


def _outputs(blobs: list[str], paths: list[str], form: str) -> "list[Output]":
    """Return which blobs go where.

    Raises:
        NetError: the numbers do not fit, or a name comes twice.
    """
    from netcfg.data.new_database import BACKENDS
    from netcfg.features import Output

    for words, what in ((blobs, "BLOBS"), (paths, "OUT")):
        if len(set(words)) < len(words):
            raise NetError(f"{what} names one twice: {', '.join(words)}")
    if len(blobs) == len(paths):
        return [Output(Path(p), (blob,)) for blob, p in zip(blobs, paths, strict=True)]
    if len(paths) == 1 and form not in BACKENDS:
        return [Output(Path(paths[0]), tuple(blobs))]
    raise NetError(
        f"OUT must name as many outputs as BLOBS names blobs, {len(blobs)}; given {len(paths)}"
    )

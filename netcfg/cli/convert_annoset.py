"""``netcfg convert-annoset``: a database of images with boxes, as SSD trains on them."""

import argparse
from typing import Any

from netcfg.cli.convert_imageset import add_options, find_list, list_options, write
from netcfg.errors import NetError

KINDS = ("xml", "json", "txt")


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "convert-annoset",
        help="put images and the boxes of their objects into an LMDB or LevelDB",
        description="Write the images of a list and their annotations into a database for "
        "AnnotatedData layers. Annotations are Pascal VOC's XML, JSON with the 'annotation' and "
        "'image' of one image in COCO's format, or text, 'label xmin ymin xmax ymax' a line, in "
        "pixels of the image file.",
    )
    parser.add_argument("root", metavar="ROOTFOLDER", help="folder that paths in the list begin at")
    parser.add_argument(
        "list",
        metavar="LISTFILE",
        help="text file with the paths of an image and of its annotations a line",
    )
    add_options(parser)
    parser.add_argument(
        "--label-map",
        "--label-map-file",
        metavar="FILE",
        default="",
        help="LabelMap with names and numbers of classes; text may go without",
    )
    parser.add_argument(
        "--label-type",
        type=str.lower,
        choices=KINDS,
        default="",
        help="kind of annotations (default: what the ending of each file says)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the database and say what it holds.

    Raises:
        NetError: options do not fit together, an image or its annotations are bad, or the database
            is there already.
    """
    from netcfg.data.annoset import AnnotationList
    from netcfg.data.annotation_files import read_label_map
    from netcfg.io.files import find_file

    if not args.label_map and args.label_type in ("xml", "json"):
        raise NetError(f"--label-type {args.label_type} needs --label-map: names become numbers")
    options = list_options(args)
    labels = read_label_map(find_file(args.label_map)) if args.label_map else {}
    images = AnnotationList(find_list(args), labels, kind=args.label_type, **options)
    return write(args, images)

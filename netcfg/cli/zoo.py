"""``netcfg zoo``: models by name, their weights, and what is known of them."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netcfg.cli.deploy import add_about
from netcfg.errors import NetError


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "zoo",
        help="models by name: list, show, download, verify, add",
        description="Models are folders with a card. They are looked for in the folders of "
        "NETCFG_MODELS, in the cache (NETCFG_ZOO), and among those that come with netcfg. "
        "Wherever a net is wanted, zoo:NAME is one; zoo:NAME/weights are its weights.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for add in (_add_list, _add_show, _add_download, _add_verify, _add_add):
        add(actions)


def _add_list(actions: Any) -> None:
    parser = actions.add_parser("list", help="models, one a line")
    parser.add_argument("pattern", metavar="PATTERN", nargs="?", default="*", help="such as 'vgg*'")
    parser.add_argument("--task", help="those for one task only, such as classification")


def _add_show(actions: Any) -> None:
    parser = actions.add_parser("show", help="what is known of a model")
    parser.add_argument("name", metavar="NAME")


def _add_download(actions: Any) -> None:
    parser = actions.add_parser("download", help="fetch weights, checked")
    parser.add_argument("names", metavar="NAME", nargs="+")
    parser.add_argument(
        "--from",
        dest="given",
        metavar="FOLDER",
        type=Path,
        help="copy the weights from a folder that holds them, without the network",
    )
    parser.add_argument(
        "--dir", metavar="CACHE", type=Path, help="keep them below this folder, not in the cache"
    )
    parser.add_argument(
        "--offline", action="store_true", help="stay away from the network, as NETCFG_OFFLINE=1"
    )


def _add_verify(actions: Any) -> None:
    parser = actions.add_parser("verify", help="check nets and files that are there by the cards")
    parser.add_argument("names", metavar="NAME", nargs="*", help="(default: all models)")


def _add_add(actions: Any) -> None:
    parser = actions.add_parser("add", help="put a model of yours into the cache")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--net", required=True, help="its prototxt, for training or for answers")
    parser.add_argument("--weights", required=True, help="a .caffemodel or .caffemodel.h5")
    parser.add_argument("--image", help="is asked about; the card keeps the best answers")
    parser.add_argument("--labels", help="file with the name of a class a line")
    for word, what in (("title", "of the model"), ("task", "such as classification")):
        parser.add_argument(f"--{word}", default="", help=f"for the card: {what}")
    for word, what in (("paper", "that describes it"), ("licence", "of the weights")):
        parser.add_argument(f"--{word}", default="unknown", help=f"for the card: {what}")
    add_about(parser)


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    return ACTIONS[args.action](args)


def _list(args: argparse.Namespace) -> int:
    from fnmatch import fnmatch

    from netcfg.errors import nearest
    from netcfg.table import grouped, render
    from netcfg.zoo.card import TASKS, read_card
    from netcfg.zoo.store import models

    if args.task is not None and args.task not in TASKS:
        known = ", ".join(TASKS)
        raise NetError(f"unknown task '{args.task}'{nearest(args.task, TASKS)} (known: {known})")
    cards = [read_card(folder) for name, folder in models().items() if fnmatch(name, args.pattern)]
    cards = [card for card in cards if args.task in (None, card.task)]
    if not cards:
        raise NetError(f"no model matches '{args.pattern}'")
    rows = [
        [c.name, c.task, grouped(c.parameters), grouped(c.multiply_adds), _weights_there(c)]
        for c in cards
    ]
    print(render(["name", "task", "parameters", "multiply-adds", "weights"], rows, "<<>><"))
    return 0


def _weights_there(card: Any) -> str:
    from netcfg.zoo.store import place

    if not card.weights:
        return "none known"
    if all(place(card, weights).is_file() for weights in card.weights):
        return "here"
    return "to download" if all(weights.urls for weights in card.weights) else "no address"


def _show(args: argparse.Namespace) -> int:
    from netcfg.zoo.card import to_toml
    from netcfg.zoo.store import find_model, place

    card = find_model(args.name)
    print(to_toml(card))
    print(f"# folder: {card.folder}")
    for weights in card.weights:
        path = place(card, weights)
        print(f"# {weights.file}: {path if path.is_file() else 'not downloaded'}")
    return 0


def _download(args: argparse.Namespace) -> int:
    from netcfg.zoo.store import fetch, find_model

    for card in [find_model(name) for name in args.names]:
        if not card.weights:
            raise NetError(f"the card of '{card.name}' names no weights")
        for weights in card.weights:
            path, there = fetch(
                card, weights, folder=args.dir, given=args.given, offline=args.offline
            )
            known = " and ".join(weights.hashes)
            how = f"{known} as it should be" if known else "no hash is known to check it by"
            print(f"{path}: {'there already, ' if there else ''}{how}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from netcfg.zoo.store import find_model, models
    from netcfg.zoo.verify import verify

    wrong = 0
    for name in args.names or models():
        for finding in verify(find_model(name)):
            wrong += finding.ok is False
            mark = "error: " if finding.ok is False else ""
            print(f"{name}/{finding.file}: {mark}{finding.text}")
    if wrong:
        print(f"netcfg: {wrong} of the files are not as their cards say", file=sys.stderr)
    return 2 if wrong else 0


def _add(args: argparse.Namespace) -> int:
    from netcfg.zoo.make import About, add

    about = About(
        title=args.title,
        task=args.task,
        paper=args.paper,
        licence=args.licence,
        channels=args.channels,
        mean=args.mean,
        scale=args.scale,
        resize=args.resize,
    )
    card = add(args.name, args.net, args.weights, image=args.image, labels=args.labels, about=about)
    print(f"{card.folder}: {card.parameters} parameters, {card.multiply_adds} multiply-adds")
    if card.example is not None:
        pairs = zip(card.example.classes, card.example.scores, strict=True)
        answers = ", ".join(f"{k} ({score:.4f})" for k, score in pairs)
        print(f"{card.example.image}: classes {answers}")
    return 0


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "download": _download,
    "verify": _verify,
    "add": _add,
}

"""Where models lie, and paths that name them: ``zoo:NAME`` and ``zoo:NAME/FILE``.

Models are folders with a ``card.toml``. They are looked for in the folders of ``NETCFG_MODELS``, in
the cache of the user, and among those that come with the package. Weights that are not beside their
card are kept in the cache, in a folder of the model's name.
"""

import os
import sys
from pathlib import Path

from netcfg.errors import NetError, nearest
from netcfg.io.caffemodel import read_weights
from netcfg.io.download import File, check_hash, keep, refuse_page
from netcfg.table import size
from netcfg.zoo.card import DEPLOY, FILE, Card, Weights, check_name, read_card

PREFIX = "zoo:"
WEIGHTS = "weights"
"""``zoo:NAME/weights`` is the first file of weights, whatever it is called."""


def cache() -> Path:
    """Return the folder of the user: ``NETCFG_ZOO``, else below the cache of the system's user."""
    given = os.environ.get("NETCFG_ZOO")
    if given:
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "netcfg" / "zoo"


def packaged() -> Path:
    """Return the folder of the models that come with netcfg, or with its checkout."""
    inside = Path(__file__).with_name("models")
    return inside if inside.is_dir() else Path(__file__).parents[2] / "models"


def folders() -> list[Path]:
    """Return the folders that hold models, the one that counts first."""
    given = os.environ.get("NETCFG_MODELS", "").split(os.pathsep)
    return [*(Path(path).expanduser() for path in given if path), cache(), packaged()]


def models() -> dict[str, Path]:
    """Return the folder of each model, by name."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob(f"*/{FILE}")):
            found.setdefault(path.parent.name, path.parent)
    return dict(sorted(found.items()))


def find_model(name: str) -> Card:
    """Return the card of a model.

    Raises:
        NetError: there is no such model, or its card is wrong.
    """
    known = models()
    if name not in known:
        near = nearest(name, known)
        raise NetError(f"no model '{name}'{near} (`netcfg zoo list` names them)")
    return read_card(known[name])


def is_offline() -> bool:
    """Whether ``NETCFG_OFFLINE`` forbids the network."""
    return os.environ.get("NETCFG_OFFLINE", "0") not in ("", "0")


# Weights ---------------------------------------------------------------------------------------


def place(card: Card, weights: Weights) -> Path:
    """Return where a file of weights is, or would be put: beside the card, else in the cache."""
    beside = card.folder / weights.file
    return beside if beside.is_file() else cache() / card.name / weights.file


def check(path: Path, weights: Weights) -> None:
    """Refuse a file that is not the one of the card: by size and hashes, else by its form.

    Raises:
        NetError: the message says what differs.
    """
    found = path.stat().st_size
    if not weights.hashes:
        refuse_page(path)
    if weights.size is not None and found != weights.size:
        name = path.with_name(path.name.removesuffix(".part"))
        raise NetError(f"'{name}' has {found} bytes, not {weights.size}; it is cut off or another")
    for kind, expected in weights.hashes.items():
        check_hash(path, expected, kind)
    if not weights.hashes:
        read_weights(path)


def fetch(
    card: Card,
    weights: Weights,
    *,
    folder: Path | None = None,
    given: Path | None = None,
    offline: bool = False,
) -> tuple[Path, bool]:
    """Put weights where they belong, unless they are there; checked in both cases.

    Args:
        card: of the model.
        weights: which of its files.
        folder: in place of the cache; the file goes to a folder of the model's name within.
        given: a folder to copy the file from, in place of the network.
        offline: stay away from the network.

    Returns:
        Where the file is, and whether it was there already.

    Raises:
        NetError: it is not to be had, or is not what the card says.
    """
    path = place(card, weights) if folder is None else folder / card.name / weights.file
    file = File(weights.file, weights.size, lambda path: check(path, weights))
    if given is None and not path.is_file():
        _refuse(card, weights, path, offline or is_offline())
        _announce(card, weights, path)
    return keep(file, weights.urls, path.parent, given)


def _refuse(card: Card, weights: Weights, path: Path, offline: bool) -> None:
    """Refuse to download what must not or cannot be."""
    how = f"put it there, or run `netcfg zoo download {card.name} --from FOLDER`"
    if not weights.urls:
        raise NetError(
            f"'{path}' is missing, and the card of '{card.name}' knows no address; {how}"
        )
    if offline:
        raise NetError(
            f"'{path}' is missing, and the network is not to be used; {how}, or "
            f"`netcfg zoo download {card.name}` where there is a network"
        )


def _announce(card: Card, weights: Weights, path: Path) -> None:
    """Say what is downloaded, before it is."""
    about = size(weights.size) if weights.size is not None else "size not known"
    licence = weights.licence or card.licence
    known = "" if weights.hashes else "; no hash is known to check it by"
    print(
        f"netcfg: downloading {weights.file} of {card.name} ({about}, licence: {licence}) to "
        f"'{path.parent}'{known}",
        file=sys.stderr,
    )


# Paths -----------------------------------------------------------------------------------------


def resolve(path: str, default: str = DEPLOY) -> Path:
    """Return the file that ``zoo:NAME`` or ``zoo:NAME/FILE`` means; weights are fetched for it.

    Args:
        path: ``zoo:NAME/weights`` is the first file of weights of the card.
        default: what FILE is where it is left out.

    Raises:
        NetError: there is no such model or file, or its weights are not to be had.
    """
    name, _, file = path.removeprefix(PREFIX).partition("/")
    try:
        card = find_model(name)
        return _file(card, file or default)
    except NetError as error:
        raise error.at(path) from None


def _file(card: Card, file: str) -> Path:
    check_name(file, "what follows the model's name")
    if file == WEIGHTS and not card.weights:
        raise NetError(f"the card of '{card.name}' names no weights")
    for weights in card.weights:
        if file in (WEIGHTS, weights.file):
            path = place(card, weights)
            return path if path.is_file() else fetch(card, weights)[0]
    path = card.folder / file
    if not path.is_file():
        held = [p.name for p in card.folder.iterdir()] + [w.file for w in card.weights]
        known = ", ".join(sorted(held))
        raise NetError(f"the model has no '{file}'{nearest(file, held)} (files: {known})")
    return path

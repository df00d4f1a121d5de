"""What a model's ``card.toml`` says: the task, how images are prepared, where the weights are.

Each table of the file is a class here, each key an attribute of the same name; an attribute without
a default is a key that must be there.
"""

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from netcfg.errors import NetError, nearest

FILE = "card.toml"
DEPLOY = "deploy.prototxt"
"""The net that answers; every model has one."""

TASKS = (
    "classification",
    "detection",
    "segmentation",
    "features",
    "pose",
    "captioning",
    "edges",
    "colorization",
    "generation",
)
CHANNELS = {"BGR": 3, "RGB": 3, "GREY": 1}
"""Orders of channels, and how many there are."""

HASHES = {"sha1": 40, "sha256": 64}
"""Hashes of weights, and their hexadecimal digits."""

T = TypeVar("T")


@dataclass(frozen=True)
class Published:
    """Figures as a source gives them, rounded there.

    Attributes:
        source: where they stand.
        parameters, multiply_adds: in the source's own words; empty where it gives none.
    """

    source: str
    parameters: str = ""
    multiply_adds: str = ""


@dataclass(frozen=True)
class Input:
    """How an image becomes the input of the net.

    Attributes:
        size: height and width of the crop.
        channels: their order, one of ``CHANNELS``.
        resize: height and width before the crop of the centre; ``size`` where empty.
        keep_aspect: whether the shorter side becomes that of ``resize``, the other one as it fits.
        mean: taken away, one number for each channel or one for all.
        mean_file: the same as an image, in the folder of the card.
        scale: multiplied after the mean is taken away.
    """

    size: tuple[int, ...]
    channels: str
    resize: tuple[int, ...] = ()
    keep_aspect: bool = False
    mean: tuple[float, ...] = ()
    mean_file: str = ""
    scale: float = 1.0


@dataclass(frozen=True)
class Output:
    """Which blob holds the answer.

    Attributes:
        blob: its name.
        labels: file of the folder with a name a line, or ``imagenet``.
    """

    blob: str
    labels: str = ""


@dataclass(frozen=True)
class Accuracy:
    """Published accuracy in percent, and how it was measured."""

    protocol: str
    top1: float | None = None
    top5: float | None = None
    map: float | None = None
    miou: float | None = None


@dataclass(frozen=True)
class Example:
    """What the net said of an image when the card was made.

    Attributes:
        image: file of the folder.
        classes: numbers of the best classes, best first.
        scores: what they got.
    """

    image: str
    classes: tuple[int, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Weights:
    """A file of weights.

    Attributes:
        file: its name in the folder.
        urls: where it is to be had, mirrors last.
        size: bytes; None where nobody knows.
        sha1, sha256: in hexadecimal; empty where nobody knows.
        licence: where it is not that of the card.
    """

    file: str
    urls: tuple[str, ...] = ()
    size: int | None = None
    sha1: str = ""
    sha256: str = ""
    licence: str = ""

    @property
    def hashes(self) -> dict[str, str]:
        """Those that are known, by kind."""
        return {kind: getattr(self, kind) for kind in HASHES if getattr(self, kind)}


@dataclass(frozen=True)
class Card:
    """A model.

    Attributes:
        name: of the model and of its folder.
        title: as people write it.
        task: one of ``TASKS``.
        paper: authors, year and number or journal.
        licence: of the weights.
        parameters, multiply_adds: of deploy.prototxt, the latter for one image.
        input, output: how to ask and where the answer is.
        published: what others say of both.
        accuracy: what others measured.
        example: what was measured here.
        weights: the first is what ``zoo:NAME/weights`` means.
        notes: what else is to be known.
        folder: where the card stands.
    """

    name: str
    title: str
    task: str
    paper: str
    licence: str
    parameters: int
    multiply_adds: int
    input: Input
    output: Output
    published: Published | None = None
    notes: str = ""
    accuracy: Accuracy | None = None
    example: Example | None = None
    weights: tuple[Weights, ...] = ()
    folder: Path = field(default=Path(), compare=False, metadata={"key": False})


# Reading ---------------------------------------------------------------------------------------


def read_card(folder: str | Path) -> Card:
    """Read the card of a model folder.

    Raises:
        NetError: there is none, it is not TOML, or a key is unknown, missing or of a wrong kind.
    """
    path = Path(folder) / FILE
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NetError(f"cannot read '{path}': {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise NetError(f"{path}: must be text in UTF-8: {error.reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, str(error)) from error
    try:
        card = _record(Card, given, "", {"folder": Path(folder)})
        _check(card)
    except NetError as error:
        raise error.at(str(path)) from None
    return card


def _syntax_error(path: Path, message: str) -> NetError:
    """Return the error of the parser with its place in front."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message)
    if match is None:
        return NetError(f"{path}: {message}")
    return NetError(f"{path}:{match[2]}:{match[3]}: {match[1]}")


def _record(
    cls: type[T], given: Mapping[str, Any], prefix: str, more: Mapping[str, Any] | None = None
) -> T:
    """Make an object of a table; ``prefix`` names the table in messages."""
    kinds = get_type_hints(cls)
    keys = {key.name: key for key in _keys(cls)}
    for key in given:
        if key not in keys:
            raise NetError(f"unknown key '{prefix}{key}'{nearest(key, keys)}")
    for key in keys:
        if key not in given and keys[key].default is MISSING:
            raise NetError(f"key '{prefix}{key}' is missing")
    values = {key: _value(kinds[key], value, prefix + key) for key, value in given.items()}
    return cls(**values, **more or {})


def _keys(cls: Any) -> list["Field[Any]"]:
    return [f for f in fields(cls) if f.metadata.get("key", True)]


def _value(kind: Any, given: Any, name: str) -> Any:
    """Return a value of TOML as an attribute of a given kind."""
    if isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        if not isinstance(given, list):
            raise NetError(f"key '{name}' must be a list; given {_kind(given)}")
        return tuple(_value(get_args(kind)[0], item, name) for item in given)
    if kind not in _KINDS:
        if not isinstance(given, dict):
            raise NetError(f"key '{name}' must be a table; given {_kind(given)}")
        return _record(kind, given, f"{name}.")
    word = _KINDS[kind]
    if isinstance(given, bool) is not (kind is bool) or not isinstance(
        given, (int, float) if kind is float else kind
    ):
        raise NetError(f"key '{name}' must be {word}; given {_kind(given)}")
    if kind is float and not math.isfinite(given):
        raise NetError(f"key '{name}' must be finite; given {given}")
    return kind(given)


_KINDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def _kind(given: Any) -> str:
    """Say what a value is.

    >>> _kind("x"), _kind([1])
    ("'x'", 'a list')
    """
    if isinstance(given, dict | list):
        return "a table" if isinstance(given, dict) else "a list"
    return repr(given)


# Checking --------------------------------------------------------------------------------------


def _check(card: Card) -> None:
    """Refuse what no model can have."""
    inner = card.folder.resolve().name
    if card.name != inner:
        raise NetError(f"name must be that of the folder, '{inner}'; given '{card.name}'")
    if card.task not in TASKS:
        known = ", ".join(TASKS)
        raise NetError(f"unknown task '{card.task}'{nearest(card.task, TASKS)} (known: {known})")
    if card.parameters < 0 or card.multiply_adds < 0:
        raise NetError("parameters and multiply_adds must not be below 0")
    _check_input(card.input)
    names = [weights.file for weights in card.weights]
    for weights in card.weights:
        _check_weights(weights)
        if names.count(weights.file) > 1:
            raise NetError(f"weights.file '{weights.file}' is named twice")
    for key, name in (("mean_file", card.input.mean_file), ("labels", card.output.labels)):
        if name:
            check_name(name, key)
    if card.example is not None:
        check_name(card.example.image, "example.image")


def _check_input(given: Input) -> None:
    count = CHANNELS.get(given.channels)
    if count is None:
        near = nearest(given.channels, CHANNELS)
        raise NetError(f"input.channels must be BGR, RGB or GREY; given '{given.channels}'{near}")
    for key in ("size", "resize"):
        sides = getattr(given, key)
        if (sides or key == "size") and (len(sides) != 2 or min(sides) < 1):
            raise NetError(f"input.{key} must be height and width; given {list(sides)}")
    if given.resize and min(r - s for r, s in zip(given.resize, given.size, strict=True)) < 0:
        raise NetError(f"input.resize {list(given.resize)} must hold size {list(given.size)}")
    if len(given.mean) not in (0, 1, count):
        raise NetError(
            f"input.mean must have one number for each of {count} channels; given {len(given.mean)}"
        )
    if given.mean and given.mean_file:
        raise NetError("input must have mean or mean_file, not both")


def _check_weights(weights: Weights) -> None:
    check_name(weights.file, "weights.file")
    if weights.size is not None and weights.size < 1:
        raise NetError(f"weights.size must be above 0; given {weights.size}")
    for kind, digits in HASHES.items():
        given = getattr(weights, kind)
        if given and not re.fullmatch(f"[0-9a-f]{{{digits}}}", given):
            raise NetError(
                f"weights.{kind} must be {digits} hexadecimal digits in lower case; given '{given}'"
            )
    for url in weights.urls:
        if not re.match("https?://", url):
            raise NetError(f"weights.urls must begin with http:// or https://; given '{url}'")


def check_name(name: str, key: str) -> None:
    """Refuse a file name that leads out of its folder.

    Raises:
        NetError: it is empty or holds folders.
    """
    if name in ("", ".", "..") or re.search(r"[/\\\0]", name):
        raise NetError(f"{key} must be a file name without folders; given '{name}'")


# Writing ---------------------------------------------------------------------------------------


def to_toml(card: Card) -> str:
    """Return the text of a card, without the keys that have their defaults."""
    return "\n".join(_lines(card, "")).strip() + "\n"


def _lines(record: Any, table: str) -> list[str]:
    lines, tables = [], []
    for key in _keys(type(record)):
        value = getattr(record, key.name)
        if key.default is not MISSING and value == key.default:
            continue
        name = f"{table}.{key.name}".lstrip(".")
        if hasattr(value, "__dataclass_fields__"):
            tables += ["", f"[{name}]", *_lines(value, name)]
        elif isinstance(value, tuple) and hasattr((*value, None)[0], "__dataclass_fields__"):
            for item in value:
                tables += ["", f"[[{name}]]", *_lines(item, name)]
        else:
            lines.append(f"{key.name} = {_text(value)}")
    return lines + tables


def _text(value: Any) -> str:
    """Write a value.

    >>> _text('say "yes"'), _text((1.5, 2.0)), _text(True)
    ('"say \\\\"yes\\\\""', '[1.5, 2.0]', 'true')
    """
    if isinstance(value, tuple):
        return f"[{', '.join(_text(item) for item in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)

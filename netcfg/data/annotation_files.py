"""Files that say which objects an image shows: Pascal VOC's XML, COCO's JSON, plain text."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from netcfg.data.objects import COLUMNS, Objects
from netcfg.errors import DataError, nearest
from netcfg.netcfg_pb2 import LabelMap
from netcfg.prototxt import Parser
from netcfg.prototxt_tokens import Text

SIDES = ("xmin", "ymin", "xmax", "ymax")

Size = tuple[int, int]
"""Height and width."""

Found = tuple[int, float, float, float, float, bool]
"""Label, xmin, ymin, xmax, ymax in pixels, and whether it is difficult."""

Reader = Callable[[str, Size, Mapping[str, int]], tuple[Size, list[Found]]]


def read_label_map(path: str | Path) -> dict[str, int]:
    """Read a LabelMap file; return numbers by name.

    Raises:
        DataError: it cannot be read, or a name or number is missing or comes twice.
        SchemaError: it is no label map.
    """
    labels: dict[str, int] = {}
    message = LabelMap()
    parser = Parser(Text(_text(Path(path)), str(path)))
    parser.read(message)
    for i, item in enumerate(message.item):
        if not item.HasField("name") or not item.HasField("label"):
            raise DataError(f"{path}: item {i} must have a name and a label")
        if item.name in labels or item.label in labels.values():
            raise DataError(f"{path}: name '{item.name}' or label {item.label} comes twice")
        labels[item.name] = item.label
    if not labels:
        raise DataError(f"{path}: the label map holds no item")
    return labels


def read_objects(
    path: str | Path, size: Size, labels: Mapping[str, int], kind: str = ""
) -> Objects:
    """Read the objects of an image; corners become shares of it, cut to it.

    Args:
        path: the file.
        size: of the image, which counts where the file does not say it.
        labels: numbers of classes by name.
        kind: a key of ``READERS``; what the file's ending says where empty.

    Raises:
        DataError: the file is damaged, names an unknown class or has an empty box.
    """
    path = Path(path)
    kind = kind or path.suffix[1:].lower()
    if kind not in READERS:
        raise DataError(
            f"annotations must be of a kind of {', '.join(READERS)}; '{path.name}' is '{kind}'"
        )
    try:
        (height, width), found = READERS[kind](_text(path), size, labels)
        rows = list(_rows(found, height, width))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return np.array(rows, np.float32).reshape(-1, COLUMNS)


def _rows(found: list[Found], height: int, width: int) -> Iterator[tuple[float, ...]]:
    if height < 1 or width < 1:
        raise DataError(f"the image has size {height} x {width} (height x width)")
    counts: dict[int, int] = {}
    for label, *corners, difficult in found:
        shares = [v / n for v, n in zip(corners, (width, height) * 2, strict=True)]
        xmin, ymin, xmax, ymax = (min(max(share, 0.0), 1.0) for share in shares)
        # A NaN fails both comparisons.
        if not (xmin < xmax and ymin < ymax and all(map(math.isfinite, corners))):
            given = ", ".join(f"{value:g}" for value in corners)
            raise DataError(
                f"a box of label {label} must have an area in the image, {height} x {width} (height"
                f" x width), as xmin, ymin, xmax, ymax; given {given}"
            )
        yield label, counts.get(label, 0), xmin, ymin, xmax, ymax, difficult
        counts[label] = counts.get(label, 0) + 1


def _xml(text: str, size: Size, labels: Mapping[str, int]) -> tuple[Size, list[Found]]:
    """Read Pascal VOC's format."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(f"no XML: {error}") from error
    height, width = (int(_number(root.findtext(f"size/{n}", "0"))) for n in ("height", "width"))
    found: list[Found] = []
    for node in root.iter("object"):
        label = _label((node.findtext("name") or "").strip(), labels)
        box = [_number(node.findtext(f"bndbox/{side}", "")) for side in SIDES]
        difficult = _number(node.findtext("difficult") or "0") != 0
        found.append((label, box[0], box[1], box[2], box[3], difficult))
    return (height, width) if height and width else size, found


def _json(text: str, size: Size, labels: Mapping[str, int]) -> tuple[Size, list[Found]]:
    """Read the part of COCO's format that is about one image, as SSD cuts it out."""
    try:
        root: Any = json.loads(text)
        image = root.get("image", {})
        found: list[Found] = []
        for entry in root["annotation"]:
            x, y, width, height = map(float, entry["bbox"])
            label = _label(str(entry["category_id"]), labels)
            found.append((label, x, y, x + width, y + height, bool(entry.get("iscrowd", 0))))
        return (int(image.get("height", size[0])), int(image.get("width", size[1]))), found
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            "JSON must hold a list 'annotation' with 'category_id' and 'bbox' of 4 numbers, and "
            f"may hold 'image' with 'height' and 'width'; {type(error).__name__}: {error}"
        ) from error


def _txt(text: str, size: Size, labels: Mapping[str, int]) -> tuple[Size, list[Found]]:
    """Read lines of ``label xmin ymin xmax ymax``, the label a number or a name of the map."""
    found: list[Found] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 5:
            raise DataError(
                f"line {number} must be label, xmin, ymin, xmax, ymax; given '{line.strip()[:80]}'"
            )
        known = words[0] in labels or not words[0].isdecimal()
        label = _label(words[0], labels) if known else int(words[0])
        a, b, c, d = map(_number, words[1:])
        found.append((label, a, b, c, d, False))
    return size, found


READERS: dict[str, Reader] = {"xml": _xml, "json": _json, "txt": _txt}
"""Kinds of annotation files."""


def _label(name: str, labels: Mapping[str, int]) -> int:
    if name not in labels:
        raise DataError(f"class '{name}' is not in the label map{nearest(name, labels)}")
    return labels[name]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"a number is needed; given '{text[:40]}'") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' must be text in UTF-8: {error.reason}") from error

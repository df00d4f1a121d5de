"""Names of classes: a file with one a line, or SSD's label map."""

import re
from collections.abc import Sequence
from pathlib import Path

from netcfg.errors import NetError
from netcfg.io.files import find_file
from netcfg.netcfg_pb2 import LabelMap
from netcfg.prototxt import Parser
from netcfg.prototxt_tokens import Text

BACKGROUND = ("background", "__background__", "none_of_the_above")
"""What the class 0 of detectors is called."""


def read_labels(path: str | Path) -> list[str]:
    """Read the names of classes, in their order.

    Raises:
        NetError: the file cannot be read or names nothing.
    """
    try:
        text = find_file(str(path)).read_text("utf-8-sig")
    except OSError as error:
        raise NetError(f"cannot read labels '{path}': {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise NetError(f"labels '{path}' must be text in UTF-8: {error.reason}") from error
    is_map = re.search(r"^\s*item\s*\{", text, re.MULTILINE)
    names = _label_map(text, str(path)) if is_map else _lines(text)
    if not names:
        raise NetError(f"labels '{path}' must have a name a line; it is empty")
    return names


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _label_map(text: str, path: str) -> list[str]:
    """Return names for people by label; a gap is named by its number."""
    message = LabelMap()
    Parser(Text(text, path)).read(message)
    names = {item.label: item.display_name or item.name for item in message.item}
    names.setdefault(0, BACKGROUND[0])
    return [names.get(k, str(k)) for k in range(max(names) + 1)]


def name_of(labels: Sequence[str], index: int) -> str:
    """Return the name of a class, its number where it has none.

    >>> name_of(["cat"], 0), name_of(["cat"], 1)
    ('cat', '1')
    """
    return labels[index] if 0 <= index < len(labels) else str(index)


def with_background(labels: Sequence[str]) -> list[str]:
    """Return names whose first is the background, as detectors count.

    >>> with_background(["face"])
    ['background', 'face']
    """
    if labels and labels[0].lower() not in BACKGROUND:
        return ["background", *labels]
    return list(labels)

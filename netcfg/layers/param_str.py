"""What ``param_str`` holds for layers that others wrote in Python: a little YAML."""

import ast
import re
from collections.abc import Mapping
from typing import Any

from netcfg.errors import NetError, nearest

__all__ = ["read_param_str"]


def read_param_str(text: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``known``, its values replaced by those in ``text``.

    Args:
        text: ``name: value`` for each line, or all within braces; a value is a number, a list of
            them, true or false, or a text without commas. Names and texts may stand in quotes.
        known: names and defaults; a default gives the type.

    Raises:
        NetError: a name is not known, or a value is not of its type.

    >>> read_param_str("'feat_stride': 8", {"feat_stride": 16, "scales": [8]})
    {'feat_stride': 8, 'scales': [8]}
    """
    values = dict(known)
    body = text.strip()
    if body.startswith("{") and body.endswith("}"):
        body = body[1:-1]
    # A comma or a line ends a value, but not within a list.
    for part in re.findall(r"(?:\[[^\]]*\]|\([^)]*\)|[^,\n\[(])+", body):
        if not part.strip():
            continue
        name, colon, value = part.partition(":")
        name = name.strip().strip("'\"")
        if not colon or name not in known:
            hint = nearest(name, known) or f" (known: {', '.join(known)})"
            raise NetError(f"param_str: unknown field '{name}'{hint}")
        values[name] = _typed(name, value.strip(), known[name])
    return values


def _typed(name: str, text: str, default: Any) -> Any:
    """Return a value of the type of ``default``."""
    if isinstance(default, str):
        return text.strip("'\"")
    plain = re.sub(r"!!python/\w+\s*", "", text)
    plain = {"true": "True", "false": "False"}.get(plain.lower(), plain)
    try:
        value = ast.literal_eval(plain)
    except (ValueError, SyntaxError):
        value = None
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(default, list):
        value = list(value) if isinstance(value, list | tuple) else [value]
        if value and all(_is_number(v) for v in value):
            return value
    elif isinstance(default, float):
        if _is_number(value):
            return float(value)
    elif _is_number(value) and (isinstance(value, int) or value.is_integer()):
        return int(value)
    kind = {bool: "true or false", list: "a list of numbers", int: "a whole number"}
    wanted = kind.get(type(default), "a number")
    raise NetError(f"param_str: {name} must be {wanted}; given {text or 'nothing'}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

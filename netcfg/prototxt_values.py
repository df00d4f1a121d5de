"""Values of protobuf's text form ↔ Python values, one conversion for each kind of field."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

Convert = Callable[[str, str], Any]
"""(kind of token, its text) → the value; RefusedError where it cannot be one."""

_FLOAT_LIMIT = 2.0**128 - 2.0**103
"""From here on a number rounds to infinity in float32."""

_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})"
    r"|u([0-9a-fA-F]{4})|U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})|(.))",
    re.DOTALL,
)
_ESCAPED = {
    "n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v",
    "\\": b"\\", "'": b"'", '"': b'"', "?": b"?",
}  # fmt: skip
_QUOTED = {i: f"\\{i:03o}" for i in (*range(32), 127)} | {
    ord(c): f"\\{e}" for c, e in {"\n": "n", "\t": "t", "\r": "r", "\\": "\\", '"': '"'}.items()
}
"""Characters that must be escaped within double quotes."""
_QUOTED_BYTES = _QUOTED | {i: f"\\{i:03o}" for i in range(128, 256)}


_HEX = re.compile(r"[-+]?0[xX]")


class RefusedError(Exception):
    """A value cannot be one of its field; the text says what it must be."""


class UnlistedError(Exception):
    """An enum lacks a value."""


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is read.

    Attributes:
        name: its name.
        repeated: whether it may be given more than once.
        convert: for scalars, text to value; None for messages.
        keeps: whether its message has ``source`` and ``unknown``.
    """

    name: str
    repeated: bool
    convert: Convert | None
    keeps: bool


@lru_cache
def fields_of(descriptor: Descriptor) -> dict[str, Field]:
    """Return the fields a text may give, by name: all but ``source`` and ``unknown`` of netcfg."""
    own = ("netcfg.Source", "netcfg.UnknownField")
    return {
        field.name: Field(
            field.name,
            is_repeated(field),
            None if field.message_type else converter(field),
            bool(field.message_type and "unknown" in field.message_type.fields_by_name),
        )
        for field in descriptor.fields
        if not (field.message_type and field.message_type.full_name in own)
    }


def is_repeated(field: FieldDescriptor) -> bool:
    """Return whether a field may be given more than once."""
    # protobuf 5 lacks FieldDescriptor.is_repeated, and later versions warn of label.
    return isinstance(field.default_value, list)


def converter(field: FieldDescriptor) -> Convert:
    """Return what reads values of a scalar field."""
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return _CONVERTERS[field.type]


def integer(low: int, high: int) -> Convert:
    """Return what reads integers from ``low`` to ``high``: 12, 0x0c, 014, 12.0."""
    must = "an integer of 64 bits" if high >= 2**63 - 1 else f"an integer from {low} to {high}"

    def convert(kind: str, text: str) -> int:
        value = _whole(text) if kind == "number" else None
        if value is None or not low <= value <= high:
            raise RefusedError(must)
        return value

    return convert


def _whole(text: str) -> int | None:
    """Return the integer that ``text`` writes, None if it is none."""
    if _HEX.match(text):
        return int(text, 16)
    if len(text) > 4000:  # int() refuses so many decimal digits
        return None
    if re.fullmatch(r"[-+]?0[0-7]+", text):
        return int(text, 8)
    if re.fullmatch(r"[-+]?[0-9]+", text):
        return int(text)
    value = _number(text)
    return int(value) if value.is_integer() else None


def _number(text: str) -> float:
    if _HEX.match(text):
        return float(int(text, 16))
    return float(text.rstrip("fF") if text[-1] in "fF" and "n" not in text.lower() else text)


def double(kind: str, text: str) -> float:
    """Read a number, ``inf`` or ``nan``."""
    if kind == "number" or (kind == "word" and text.lower() in ("inf", "infinity", "nan")):
        try:
            return _number(text)
        except OverflowError:
            pass
    raise RefusedError("a number")


def single(kind: str, text: str) -> float:
    """Read a number that float32 can hold."""
    value = double(kind, text)
    if math.isfinite(value) and abs(value) >= _FLOAT_LIMIT:
        raise RefusedError("a number of float32, up to 3.4e38")
    return value


def boolean(kind: str, text: str) -> bool:
    """Read ``true`` or ``false`` or what stands for them."""
    if kind != "string" and text in ("true", "True", "t", "1"):
        return True
    if kind != "string" and text in ("false", "False", "f", "0"):
        return False
    raise RefusedError("true or false")


def string(kind: str, text: str) -> str:
    """Take a string as it is."""
    if kind != "string":
        raise RefusedError("a quoted string")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RefusedError("text in UTF-8") from None
    return text


def octets(kind: str, text: str) -> bytes:
    """Take a string as bytes."""
    if kind != "string":
        raise RefusedError("a quoted string")
    return text.encode("utf-8", "surrogateescape")


def _enum(enum: EnumDescriptor) -> Convert:
    """Return what reads an enum by name or number."""
    by_name = {value.name: value.number for value in enum.values}
    numbers = set(by_name.values())

    def convert(kind: str, text: str) -> int:
        if kind == "word" and text in by_name:
            return by_name[text]
        number = _whole(text) if kind == "number" else None
        if number in numbers and number is not None:
            return number
        raise UnlistedError

    return convert


_INT32 = integer(-(2**31), 2**31 - 1)
_INT64 = integer(-(2**63), 2**63 - 1)
_CONVERTERS: dict[int, Convert] = {
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT32: integer(0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: integer(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: integer(0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: integer(0, 2**64 - 1),
    FieldDescriptor.TYPE_FLOAT: single,
    FieldDescriptor.TYPE_DOUBLE: double,
    FieldDescriptor.TYPE_BOOL: boolean,
    FieldDescriptor.TYPE_STRING: string,
    FieldDescriptor.TYPE_BYTES: octets,
}


def guess(kind: str, text: str) -> Any:
    """Read a value of unknown type: a bool, int, float or string by its looks."""
    if kind == "number":
        whole = _whole(text) if re.fullmatch(r"[-+]?[0-9]+", text) else None
        return double(kind, text) if whole is None else whole
    if kind == "word" and text in ("true", "false"):
        return text == "true"
    return text


def print_scalar(field: FieldDescriptor, value: Any) -> str:
    """Return the shortest text that reads as ``value`` again."""
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    if field.type == FieldDescriptor.TYPE_FLOAT:
        return str(np.float32(value)).removesuffix(".0")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | bytes):
        return quote(value)
    return repr(value).removesuffix(".0")


def quote(value: str | bytes) -> str:
    """Return a string in quotes, with what cannot stand there escaped."""
    if isinstance(value, bytes):
        return '"' + value.decode("latin-1").translate(_QUOTED_BYTES) + '"'
    return '"' + value.translate(_QUOTED) + '"'


def unescape(text: str) -> bytes:
    """Return the bytes that the inside of a quoted string stands for.

    Raises:
        RefusedError: it holds a backslash that escapes nothing.
    """
    parts = []
    last = 0
    for match in _ESCAPE.finditer(text):
        parts.append(text[last : match.start()].encode("utf-8", "surrogateescape"))
        octal, hexadecimal, short, long, other = match.groups()
        if octal or hexadecimal:
            parts.append(bytes([(int(octal, 8) if octal else int(hexadecimal, 16)) & 255]))
        elif short or long:
            parts.append(chr(int(short or long, 16)).encode("utf-8", "surrogatepass"))
        elif other in _ESCAPED:
            parts.append(_ESCAPED[other])
        else:
            raise RefusedError(f"\\{other} is no escape; write \\\\ for a backslash")
        last = match.end()
    parts.append(text[last:].encode("utf-8", "surrogateescape"))
    return b"".join(parts)

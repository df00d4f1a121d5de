"""Messages as prototxt, the way Caffe's users write them."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from netcfg.netcfg_pb2 import BlobShape, UnknownField
from netcfg.prototxt_values import fields_of, is_repeated, print_scalar

Kept = Sequence[tuple[tuple[str, ...], str]]
"""(steps of a path, text) of each unknown field."""


def to_text(message: Message) -> str:
    """Return a message as prototxt that reads as the same message again.

    Fields stand in the order of the schema, unknown ones at the end of the block they were in.
    """
    return "".join(f"{line}\n" for line in _lines(message, ()))


def _lines(message: Message, kept: Kept) -> Iterator[str]:
    """Yield the lines of a message that is given what an outer one keeps for it."""
    kept = [*kept, *_kept(getattr(message, "unknown", ()))]
    printed = set()
    known = fields_of(message.DESCRIPTOR)
    for field, value in sorted(message.ListFields(), key=lambda pair: pair[0].index):
        if field.name not in known:
            continue
        for i, item in enumerate(value if is_repeated(field) else [value]):
            if field.message_type is None:
                yield f"{field.name}: {print_scalar(field, item)}"
            else:
                step = f"{field.name}[{i}]" if is_repeated(field) else field.name
                printed.add(step)
                yield from _block(field.name, _lines(item, _under(step, kept)), item)
    for path, text in kept:
        if len(path) == 1:
            yield from _unknown(path[0], text)
        elif path[0] not in printed:
            printed.add(path[0])
            yield from _block(_name(path[0]), _loose(_under(path[0], kept)))


def _loose(kept: Kept) -> Iterator[str]:
    """Yield the lines of unknown fields whose block the message lacks."""
    printed = set()
    for path, text in kept:
        if len(path) == 1:
            yield from _unknown(path[0], text)
        elif path[0] not in printed:
            printed.add(path[0])
            yield from _block(_name(path[0]), _loose(_under(path[0], kept)))


def _block(name: str, lines: Iterable[str], message: Any = None) -> Iterator[str]:
    """Yield ``name { … }``, on one line where it holds nothing or a shape."""
    inner = list(lines)
    comment = any("#" in line for line in inner)  # in what was written by hand, to its line's end
    if not inner or (isinstance(message, BlobShape) and not comment):
        yield " ".join([name, "{", *inner, "}"])
        return
    yield f"{name} {{"
    yield from (f"  {line}" for line in inner)
    yield "}"


def _unknown(name: str, text: str) -> Iterator[str]:
    """Yield an unknown field as it was written, moved to where it stands now."""
    first, newline, rest = text.partition("\n")
    yield f"{name} {first}" if text[0] in "{<" else f"{name}: {first}"
    if newline:
        yield from textwrap.dedent(rest).split("\n")


def _kept(unknown: Iterable[UnknownField]) -> Kept:
    return [(tuple(field.path.split(".")), field.text) for field in unknown]


def _under(step: str, kept: Kept) -> Kept:
    return [(path[1:], text) for path, text in kept if len(path) > 1 and path[0] == step]


def _name(step: str) -> str:
    return re.sub(r"\[[0-9]+\]$", "", step)

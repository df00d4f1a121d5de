"""The reference of every field: types and defaults from the descriptors, words from the schema."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from netcfg.netcfg_pb2 import DESCRIPTOR

_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE / "netcfg.proto", _HERE.parent / "proto" / "netcfg.proto")  # wheel, checkout
_LABELS = {1: "optional", 2: "required", 3: "repeated"}
_OPENS = re.compile(r"(?:message|enum|extend) ([\w.]+) \{$")
_DECLARES = re.compile(r"(?:(?:optional|repeated) [\w.]+ )?(\w+) = \d+[; ]")


@dataclass(frozen=True)
class FieldDoc:
    """What the schema says of one field, or of one value of an enum.

    ``type`` names a message, an enum with its values in brackets, or a scalar; ``default`` is empty
    where the schema gives none.
    """

    name: str
    type: str
    label: str
    default: str
    comment: str


def field_docs(message: str) -> list[FieldDoc]:
    """Return the fields of a message, or the values of an enum, in the order of the schema.

    >>> [doc.name for doc in field_docs("ClipParameter")]
    ['min', 'max']
    >>> field_docs("PoolingParameter.RoundMode")[1].comment
    'Down, as in Convolution.'

    Raises:
        KeyError: the schema has no such message or enum.
    """
    return list(_docs()[message])


def message_doc(message: str) -> str:
    """Return what the schema says of a message or an enum as a whole.

    >>> message_doc("TanHParameter")
    'TanH: y = tanh(x).'
    """
    return _comments()[message]


@lru_cache
def _docs() -> dict[str, list[FieldDoc]]:
    schema = FileDescriptorProto()
    DESCRIPTOR.CopyToProto(schema)
    root = DescriptorProto(nested_type=schema.message_type, enum_type=schema.enum_type)
    found = dict(_walk(root, ""))
    enums = {name: item for name, item in found.items() if isinstance(item, EnumDescriptorProto)}
    docs = {name: [_value_doc(name, v) for v in enum.value] for name, enum in enums.items()}
    for name, item in found.items():
        if isinstance(item, DescriptorProto):
            docs[name] = [_field_doc(name, field, docs) for field in item.field]
    return docs


def _walk(
    message: DescriptorProto, scope: str
) -> Iterator[tuple[str, DescriptorProto | EnumDescriptorProto]]:
    """Yield what is nested in a message, with its full name; scope is the message's and a dot."""
    for enum in message.enum_type:
        yield scope + enum.name, enum
    for nested in message.nested_type:
        yield scope + nested.name, nested
        yield from _walk(nested, f"{scope}{nested.name}.")


def _value_doc(enum: str, value: EnumValueDescriptorProto) -> FieldDoc:
    comment = _comments()[f"{enum}.{value.name}"]
    return FieldDoc(value.name, enum, "value", str(value.number), comment)


def _field_doc(
    message: str, field: FieldDescriptorProto, docs: dict[str, list[FieldDoc]]
) -> FieldDoc:
    kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    if field.type_name:
        kind = field.type_name.rpartition(".")[2]
    if field.type == FieldDescriptorProto.TYPE_ENUM:
        values = docs[field.type_name.removeprefix(f".{DESCRIPTOR.package}.")]
        kind += f" ({', '.join(value.name for value in values)})"
    default = field.default_value
    if default and field.type in {
        FieldDescriptorProto.TYPE_FLOAT,
        FieldDescriptorProto.TYPE_DOUBLE,
    }:
        default = f"{float(default):g}"  # runtimes say 9.99999994e-09 for 1e-08
    comment = _comments()[f"{message}.{field.name}"]
    return FieldDoc(field.name, kind, _LABELS[field.label], default, comment)


@lru_cache
def _comments() -> dict[str, str]:
    """Return the comment above each message, enum, field and value, by full name."""
    path = next(place for place in _PLACES if place.exists())
    comments: dict[str, str] = {}
    scope: list[str] = []
    above: list[str] = []
    for line in map(str.strip, path.read_text(encoding="utf-8").splitlines()):
        if line.startswith("//"):
            above.append(line.removeprefix("//").strip())
            continue
        if found := _OPENS.match(line) or _DECLARES.match(line):
            comments[".".join([*scope, found[1]])] = " ".join(filter(None, above))
        if found and line.endswith("{"):
            scope.append(found[1])
        elif line == "}":
            scope.pop()
        above = []
    return comments

"""``netcfg layers``: the layer types there are, and what configures each."""

import argparse
import inspect
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from netcfg.cli import options
from netcfg.table import WIDTH

if TYPE_CHECKING:
    from netcfg.field_docs import FieldDoc
    from netcfg.layer import Layer

COMMON = "every layer also takes name, bottom, top, param, loss_weight, propagate_down, include, "
COMMON += "exclude and phase"


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "layers",
        help="list the layer types, or describe one",
        description="List the layer types by family, or print what one computes and every field "
        "that configures it.",
    )
    action = parser.add_argument("type", metavar="TYPE", nargs="?", help="a type to describe")
    action.completer = _types
    options.add_import(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list or the description."""
    from netcfg.layer import layer_type, registry
    from netcfg.plugins import load_plugins

    load_plugins(args.modules)
    print(describe(layer_type(args.type)) if args.type else list_types(registry.values()))
    return 0


def list_types(classes: Iterable[type["Layer"]]) -> str:
    """Return the types grouped by the module they stand in, each with its first sentence."""
    families: dict[str, list[type[Layer]]] = {}
    for cls in sorted(classes, key=lambda cls: cls.type.lower()):
        families.setdefault(cls.__module__.removeprefix("netcfg.layers."), []).append(cls)
    width = max(len(cls.type) for family in families.values() for cls in family)
    blocks = []
    for family, members in sorted(families.items()):
        lines = [family.replace("_", " ")]
        lines += [
            textwrap.fill(
                f"{cls.type:{width}}  {_first_line(cls)}",
                WIDTH,
                initial_indent="  ",
                subsequent_indent=" " * (width + 4),
            )
            for cls in members
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def describe(cls: type["Layer"]) -> str:
    """Return what a type computes, how many bottoms and tops it takes, and its fields."""
    family = cls.__module__.removeprefix("netcfg.")
    blocks = [
        f"{cls.type} ({family})",
        textwrap.indent(inspect.getdoc(cls) or "(no description)", "  "),
        f"bottoms: {_arity(cls.bottoms)}   tops: {_arity(cls.tops)}",
    ]
    blocks += [_schema_fields(name) for name in cls.reads]
    blocks += [_own_fields(name, fields) for name, fields in cls.own_fields.items()]
    blocks.append(textwrap.fill(COMMON, WIDTH))
    return "\n\n".join(blocks)


def _schema_fields(name: str) -> str:
    """Describe a field of LayerParameter and, where it is a message, what it holds."""
    from netcfg.field_docs import field_docs, message_doc
    from netcfg.netcfg_pb2 import LayerParameter

    message = LayerParameter.DESCRIPTOR.fields_by_name[name].message_type
    if message is None:
        return "\n".join(_field(doc) for doc in field_docs("LayerParameter") if doc.name == name)
    lines = [name]
    if about := message_doc(message.name):
        lines.append(_wrapped(about, "  "))
    lines += [textwrap.indent(_field(doc), "  ") for doc in field_docs(message.name)]
    return "\n".join(lines)


def _own_fields(name: str, fields: Any) -> str:
    """Describe fields that a layer outside the schema declares by their defaults."""
    if not isinstance(fields, Mapping):
        return f"{name} = {fields!r}"
    return "\n".join([name, *(f"  {inner} = {default!r}" for inner, default in fields.items())])


def _field(doc: "FieldDoc") -> str:
    """Write one field: its form on one line, its comment below."""
    repeated = "repeated " if doc.label == "repeated" else ""
    default = f" = {doc.default}" if doc.default else ""
    lines = [f"{doc.name}: {repeated}{doc.type}{default}"]
    if doc.comment:
        lines.append(_wrapped(doc.comment, "    "))
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> str:
    """Fold each line of a text that is too long for a terminal."""
    return "\n".join(
        textwrap.fill(line, 94, initial_indent=indent, subsequent_indent=indent)
        for line in text.splitlines()
        if line.strip()
    )


def _first_line(cls: type["Layer"]) -> str:
    return (inspect.getdoc(cls) or "").partition("\n")[0]


def _arity(bounds: tuple[int, int | None]) -> str:
    """Write how many.

    >>> _arity((1, 1)), _arity((2, None)), _arity((1, 2))
    ('1', '2 or more', '1 to 2')
    """
    least, most = bounds
    if most is None:
        return f"{least} or more"
    return f"{least}" if least == most else f"{least} to {most}"


def _types(**_: Any) -> list[str]:
    """Return the layer types, for the completion of shells."""
    import netcfg.layers  # noqa: F401 - fills the registry
    from netcfg.layer import registry

    return sorted(registry)

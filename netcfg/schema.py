"""Prototxt files as messages of the schema, and messages as prototxt.

Old and forked files are read as well: what the schema lacks is kept and reported, with its place
and the fork that knows it, and refused only when a layer that must run needs it.
"""

import itertools
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from google.protobuf.message import Message

from netcfg.errors import NetError, SchemaError, nearest
from netcfg.fork_use import drop_forks
from netcfg.forks import HARMLESS, Finding, judge_field, judge_value
from netcfg.io.files import find_file, of_zoo
from netcfg.netcfg_pb2 import LayerParameter, NetParameter, SolverParameter, UnknownField
from netcfg.places import place
from netcfg.prototxt import CLOSER, SEPARATORS, Parser, plain
from netcfg.prototxt_printer import to_text
from netcfg.prototxt_tokens import Text
from netcfg.prototxt_values import (
    Convert,
    RefusedError,
    boolean,
    double,
    fields_of,
    guess,
    integer,
    is_repeated,
    string,
)
from netcfg.upgrade import upgrade_net, upgrade_solver

__all__ = [
    "HARMLESS",
    "Finding",
    "Parsed",
    "ignore_fields",
    "kind_of",
    "own_fields",
    "parse",
    "parse_net",
    "parse_solver",
    "read_net",
    "read_solver",
    "refuse",
    "to_text",
]

M = TypeVar("M", bound=Message)

Given = dict[str, tuple[int, int]]
"""Fields of a block that have a value, and line and column of the last."""


class Parsed(NamedTuple, Generic[M]):
    """A message, and what its file holds that the reader should know of."""

    message: M
    findings: tuple[Finding, ...]


# Reading ---------------------------------------------------------------------------------------


def parse(
    text: str, message_class: type[M], file: str = "<text>", ignore: Collection[str] = ()
) -> Parsed[M]:
    """Read a prototxt as it stands, without upgrading it.

    Args:
        text: the prototxt.
        message_class: what it describes.
        file: its name, for messages.
        ignore: fields to leave out that are unknown or a fork's, by name or dotted path.

    Raises:
        SchemaError: the text is not well formed, or a value does not fit its field.
    """
    message = message_class()
    parser = Parser(Text(text, file), ignore)
    parser.read(message)
    notes = dict.fromkeys(
        Finding("note", place(f.source), f"field '{f.path}' is ignored, as asked", f.names(ignore))
        for f in drop_forks(message, ignore)
    )
    return Parsed(message, (*parser.findings, *notes))


def parse_net(
    text: str, file: str = "<text>", ignore: Collection[str] = ()
) -> Parsed[NetParameter]:
    """Read a net of any age and upgrade it.

    Raises:
        SchemaError: as ``parse``, or the text describes a solver, or cannot be upgraded.
    """
    net, findings = parse(text, NetParameter, file, ignore)
    _check_kind(net, "net", SolverParameter)
    upgraded, notes = upgrade_net(net)
    return Parsed(upgraded, findings + notes)


def parse_solver(
    text: str, file: str = "<text>", ignore: Collection[str] = ()
) -> Parsed[SolverParameter]:
    """Read a solver of any age and upgrade it and the nets within.

    Raises:
        SchemaError: as ``parse``, or the text describes a net, or cannot be upgraded.
    """
    solver, findings = parse(text, SolverParameter, file, ignore)
    _check_kind(solver, "solver", NetParameter)
    upgraded, notes = upgrade_solver(solver)
    return Parsed(upgraded, findings + notes)


def read_net(path: str | Path, ignore: Collection[str] = ()) -> Parsed[NetParameter]:
    """Read a file that describes a net; see ``parse_net``.

    Raises:
        NetError: there is no such file, or it is not text.
    """
    path = of_zoo(path)
    return parse_net(_read(path), str(path), ignore)


def read_solver(path: str | Path, ignore: Collection[str] = ()) -> Parsed[SolverParameter]:
    """Read a file that describes a solver; see ``parse_solver``.

    Raises:
        NetError: there is no such file, or it is not text.
    """
    path = of_zoo(path, "solver.prototxt")
    return parse_solver(_read(path), str(path), ignore)


def kind_of(path: str | Path) -> Literal["net", "solver"]:
    """Return what a file describes, judged by its outermost fields.

    Raises:
        SchemaError: it describes neither.
        NetError: there is no such file, or it is not text.
    """
    names = _outermost(Text(_read(path), str(path)))
    net, solver = fields_of(NetParameter.DESCRIPTOR), fields_of(SolverParameter.DESCRIPTOR)
    if names & _NET_FIELDS:
        return "net"
    if names & (solver.keys() - net.keys()):
        return "solver"
    if names & net.keys():
        return "net"
    raise SchemaError(f"{path}:1:1: must hold a net (layer, …) or a solver (net, base_lr, …)")


def refuse(findings: Iterable[Finding]) -> None:
    """Raise the findings that are errors, if there are any.

    Raises:
        SchemaError: one line for each of them.
    """
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise SchemaError("\n".join(errors))


_NET_FIELDS = frozenset({"layer", "layers", "input", "input_shape", "input_dim"})


def _read(path: str | Path) -> str:
    """Return the text of a file; bytes that are not UTF-8 become surrogates."""
    file = find_file(str(path))
    try:
        data = file.read_bytes()
    except OSError as error:
        raise NetError(f"cannot read '{path}': {error.strerror}") from error
    if b"\0" in data:
        raise SchemaError(f"{path}: must be text in UTF-8; it holds binary data")
    return data.decode("utf-8", "surrogateescape")


def _outermost(text: Text) -> set[str]:
    """Return the names of fields outside all blocks."""
    names, depth = set(), 0
    tokens = text.tokens()
    for token, following in itertools.pairwise(tokens):
        if token.text in ("{", "<", "["):
            depth += 1
        elif token.text in ("}", ">", "]"):
            depth -= 1
        elif depth == 0 and token.kind == "word" and following.text in (":", "{", "<"):
            names.add(token.text)
    return names


def _check_kind(message: Any, kind: str, other: type[Message]) -> None:
    """Refuse a net where a solver is wanted and the other way round."""
    own, foreign = fields_of(message.DESCRIPTOR), fields_of(other.DESCRIPTOR)
    if any(field.name in own.keys() - foreign.keys() for field, _ in message.ListFields()):
        return
    for unknown in message.unknown:
        if unknown.path in foreign:
            found = "solver" if kind == "net" else "net"
            message = f"must hold a {kind}; '{unknown.path}' belongs to a {found}"
            raise SchemaError(message).at(place(unknown.source))


# Fields that the schema lacks ------------------------------------------------------------------


def ignore_fields(message: Message, names: Collection[str]) -> frozenset[str]:
    """Drop unknown fields and fields of forks from a message and all within it, in place.

    Args:
        message: a net, a layer or a solver.
        names: their names or dotted paths.

    Returns:
        Those of ``names`` that were found.
    """
    dropped = [field.names(names) for field in drop_forks(message, names)]
    return _drop_unknown(message, names).union(*dropped)


def _drop_unknown(message: Message, names: Collection[str]) -> frozenset[str]:
    """Drop unknown fields; return those of ``names`` that were found."""
    found: set[str] = set()
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type is not UnknownField.DESCRIPTOR:
            for inner in value if is_repeated(field) else [value]:
                found |= _drop_unknown(inner, names)
            continue
        for i in reversed(range(len(value))):
            path = plain(value[i].path)
            hit = {path, path.rpartition(".")[2]} & set(names)
            found |= hit
            if hit:
                del value[i]
    return frozenset(found)


def own_fields(
    config: LayerParameter, declared: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the values of fields that a layer type declares and the schema lacks.

    Args:
        config: the layer.
        declared: names and defaults of the fields of each message, such as
            ``{"swirl_param": {"angle": 1.0}}``. A default gives the type: a number, bool or string,
            a list for what may repeat, a mapping for a block, None for any of these.

    Returns:
        ``declared`` with the values of the prototxt in place of defaults.

    Raises:
        SchemaError: the layer has a field that neither the schema nor ``declared`` knows and that
            is not ``HARMLESS``, or a value is not of its type.
    """
    values = {name: _defaults(fields) for name, fields in declared.items()}
    given: dict[str, Given] = {}
    for unknown in config.unknown:
        path = plain(unknown.path)
        head, _, leaf = path.partition(".")
        if head in declared and not leaf:
            name, fields, into = head, declared, values
        elif leaf in declared.get(head, ()):
            name, fields, into = leaf, declared[head], values[head]
        elif path.rpartition(".")[2] in HARMLESS:
            continue
        else:
            raise _not_known(config, unknown, path, declared)
        colon = "" if unknown.text[0] in "{<" else ":"
        source = unknown.source
        text = Text(f"{name}{colon} {unknown.text}", source.file, source.line, source.column)
        try:
            _own_block(Parser(text), fields, into, "", given.setdefault(head if leaf else "", {}))
        except SchemaError as error:
            front, _, message = str(error).removeprefix(source.file).partition(": ")
            front = f"{source.file}{front}: " if source.file else ""
            raise SchemaError(f"{front}{_layer(config)}: {message}") from None
    return values


def _defaults(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of defaults, blocks and lists included."""
    copied: dict[str, Any] = {}
    for name, default in fields.items():
        if isinstance(default, Mapping):
            copied[name] = _defaults(default)
        else:
            copied[name] = list(default) if isinstance(default, list | tuple) else default
    return copied


def _own_block(
    parser: Parser,
    fields: Mapping[str, Any],
    into: dict[str, Any],
    close: str,
    given: Given,
) -> None:
    """Read declared fields into ``into`` up to the mark ``close``; ``given`` tells what it has."""
    while not parser.accept(close):
        kind, name, at = parser.tokens[parser.next]
        if kind != "word":
            raise parser.expected(f"a field or '{close}'")
        parser.next += 1
        if name not in fields:
            hint = nearest(name, fields) or f" (known: {', '.join(fields)})"
            raise parser.error(at, f"unknown field '{name}'{hint}")
        default = fields[name]
        if name in given and not isinstance(default, list | tuple):
            raise parser.twice(name, at, given[name])
        if isinstance(default, Mapping):
            parser.accept(":")
            _own_block(parser, default, into[name], CLOSER[parser.take("{", "<")], {})
        elif isinstance(default, list | tuple):
            read = _own_values(parser, name, default[0] if default else None)
            into[name] = into[name] + read if name in given else read
        else:
            parser.take(":")
            into[name] = _own_value(parser, name, default)
        given[name] = parser.text.place(at)
        if parser.tokens[parser.next].text in SEPARATORS:
            parser.next += 1


def _own_values(parser: Parser, name: str, default: Any) -> list[Any]:
    """Read a value, or several in a list, each typed like ``default``."""
    parser.take(":")
    if not parser.accept("["):
        return [_own_value(parser, name, default)]
    values: list[Any] = []
    while not parser.accept("]"):
        values.append(_own_value(parser, name, default))
        if parser.take(",", "]") == "]":
            break
    return values


def _own_value(parser: Parser, name: str, default: Any) -> Any:
    at = parser.tokens[parser.next].at
    kind, text = parser.value(f"a value for '{name}'")
    try:
        return guess(kind, text) if default is None else _OWN_TYPES[type(default)](kind, text)
    except RefusedError as error:
        raise parser.refused(name, error, at) from None


_OWN_TYPES: dict[type, Convert] = {
    float: double,
    int: integer(-(2**63), 2**63 - 1),
    bool: boolean,
    str: string,
}


def _not_known(
    config: LayerParameter, unknown: UnknownField, path: str, declared: Collection[str]
) -> SchemaError:
    """Return the error for a field that a layer cannot do without knowing."""
    descriptor: Any = LayerParameter.DESCRIPTOR
    *outer, name = path.split(".")
    for step in outer:
        descriptor = descriptor.fields_by_name[step].message_type
    if name in descriptor.fields_by_name:
        field = descriptor.fields_by_name[name]
        fact = judge_value(field, path, unknown.text, unknown.origin)[1]
    else:
        fact = judge_field(descriptor, path, unknown.origin, is_block=False)[1]
        if not outer and nearest(name, declared):
            fact = f"unknown field '{path}'{nearest(name, declared)}"
    advice = f"; remove it, or pass over it with --ignore-field {name}"
    front = f"{place(unknown.source)}: " if unknown.source.file else ""
    return SchemaError(f"{front}{_layer(config)}: {fact}{advice}")


def _layer(config: LayerParameter) -> str:
    return f"layer '{config.name}' ({config.type})"


def as_net(source: str | Path | NetParameter) -> NetParameter:
    """Return a net, read from its file unless it is one; see ``read_net`` and ``refuse``."""
    if isinstance(source, NetParameter):
        return source
    parsed = read_net(source)
    refuse(parsed.findings)
    return parsed.message

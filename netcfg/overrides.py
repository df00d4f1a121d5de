"""Fields of a solver and its nets, set from the command line: ``--set PATH=VALUE``.

A path leads from the solver down, names joined by dots: ``base_lr``, ``net.layer[conv1].name``. In
brackets stands the name of a layer or, for other repeated messages, a number from 0 on.
``layer[conv1]`` alone is the layer of that name in every net of the solver that has it.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from netcfg.errors import NetError, SchemaError, nearest
from netcfg.netcfg_pb2 import NetParameter, SolverParameter
from netcfg.places import find_named
from netcfg.prototxt_values import fields_of, is_repeated
from netcfg.schema import Finding, parse, read_net, refuse

_STEP = re.compile(r"(\w+)(?:\[([^\]]*)\])?(\.|=|$)")
Step: TypeAlias = tuple[str, str | None]
"""A field and what stands in brackets behind it."""
ROOM = 8
"""Messages that are added, empty, before the one that an index names: ``param[1]`` needs one."""
_NETS = ("net", "train_net", "test_net")


@dataclass(frozen=True)
class Assignment:
    """One ``PATH=VALUE``: names with what stands in brackets, and the text of the value."""

    text: str
    steps: tuple[Step, ...]
    value: str

    @property
    def in_net(self) -> bool:
        """Whether it sets a field of a net."""
        name = self.steps[0][0]
        return name == "layer" or (name in _NETS and len(self.steps) > 1)


def parse_assignment(text: str) -> Assignment:
    """Split ``PATH=VALUE``.

    >>> parse_assignment("layer[a.b].convolution_param.num_output=64").steps
    (('layer', 'a.b'), ('convolution_param', None), ('num_output', None))

    Raises:
        NetError: it does not have that form.
    """
    steps, at = [], 0
    while match := _STEP.match(text, at):
        steps.append((match[1], match[2]))
        at = match.end()
        if match[3] != ".":
            if match[3] == "=":
                if steps[0] == ("solver", None):
                    del steps[0]
                return Assignment(text, tuple(steps), text[at:])
            break
    raise NetError(f"--set {text}: must look like FIELD=VALUE or layer[NAME].PARAM.FIELD=VALUE")


def override(
    solver: SolverParameter, texts: Iterable[str], ignore: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Set fields of a solver and its nets, in place.

    Nets that the solver names are read and put in place of the names where one is to be changed.

    Args:
        solver: the message.
        texts: ``PATH=VALUE``; fields of the solver itself are set first, then those of nets.
        ignore: unknown fields of the nets to leave out.

    Returns:
        What the nets that were read hold that the reader should know of.

    Raises:
        NetError: a path leads nowhere or a value does not fit; the message names the nearest.
    """
    assignments = [parse_assignment(text) for text in texts]
    inner = [a for a in assignments if a.in_net]
    for assignment in assignments:
        if not assignment.in_net:
            _apply(assignment, [solver], assignment.steps)
            _forget_place(solver, assignment.steps[0][0])
    findings = inline_nets(solver, ignore) if inner or ignore else ()
    for assignment in inner:
        field, *rest = assignment.steps
        if field[0] == "layer":
            _apply(assignment, _nets(solver, _NETS), assignment.steps)
        else:
            _apply(assignment, _nets(solver, [field[0]]), rest)
    return findings


def inline_nets(solver: SolverParameter, ignore: Collection[str] = ()) -> tuple[Finding, ...]:
    """Read the nets that a solver names and put them in place of the names.

    Args:
        solver: the message, changed in place.
        ignore: unknown fields to leave out.

    Returns:
        What the files hold that the reader should know of.

    Raises:
        NetError: a net is missing or wrong.
    """
    findings: list[Finding] = []

    def read(field: str, path: str) -> NetParameter:
        file = find_named(solver, field, path, solver.source.file)
        parsed = read_net(file, tuple(ignore))
        refuse(parsed.findings)
        findings.extend(parsed.findings)
        return parsed.message

    if solver.HasField("net"):
        solver.net_param.CopyFrom(read("net", solver.net))
    if solver.HasField("train_net"):
        solver.train_net_param.CopyFrom(read("train_net", solver.train_net))
    for path in solver.test_net:
        solver.test_net_param.append(read("test_net", path))
    for name in _NETS:
        solver.ClearField(name)
    return tuple(findings)


def _forget_place(solver: SolverParameter, field: str) -> None:
    """Forget where a field of a solver stood: what it holds now is not from there."""
    places = solver.source.field
    for i in reversed(range(len(places))):
        if places[i].name == field:
            del places[i]


def _nets(solver: SolverParameter, fields: Sequence[str]) -> list[NetParameter]:
    """Return the nets under the given ones of ``net``, ``train_net`` and ``test_net``."""
    nets = [
        getattr(solver, f"{name}_param")
        for name in ("net", "train_net")
        if name in fields and solver.HasField(f"{name}_param")
    ]
    return nets + (list(solver.test_net_param) if "test_net" in fields else [])


def _apply(assignment: Assignment, messages: Sequence[Any], steps: Sequence[Step]) -> None:
    """Walk down from all messages to the last step and set it."""
    try:
        for name, index in steps[:-1]:
            messages = _enter(messages, name, index)
        if not messages:
            raise NetError("the solver has no such net")
        name, index = steps[-1]
        if index is not None:
            raise NetError(f"'{name}[{index}]' needs a field after it")
        for message in messages:
            parsed = _parse_field(type(message), _field(message, name), assignment.value)
            message.ClearField(name)
            message.MergeFrom(parsed)
    except NetError as error:
        raise NetError(f"--set {assignment.text}: {error}") from None


def _enter(messages: Sequence[Any], name: str, index: str | None) -> list[Any]:
    """Return what lies under ``name`` in all messages: every layer of a name, else one of each."""
    for message in messages:
        field = _field(message, name)
        if field.message_type is None:
            raise NetError(f"'{name}' holds a value and has no fields")
        if is_repeated(field) and index is None:
            example = "NAME" if name == "layer" else "0"
            raise NetError(f"there may be several '{name}'; say which: {name}[{example}]")
    if name == "layer":
        layers = [layer for message in messages for layer in message.layer]
        names = [layer.name for layer in layers]
        if index not in names:
            raise NetError(f"no layer '{index}'{nearest(str(index), names)}")
        return [layer for layer in layers if layer.name == index]
    return [_enter_one(message, name, index) for message in messages]


def _enter_one(message: Any, name: str, index: str | None) -> Any:
    """Return a message within a message, made where it is the next of several."""
    inner = getattr(message, name)
    if not is_repeated(_field(message, name)):
        if index is not None:
            raise NetError(f"there is only one '{name}'; leave out [{index}]")
        inner.SetInParent()
        return inner
    if not str(index).isdecimal():
        raise NetError(f"{name}[{index}]: must be a number, counted from 0")
    if int(str(index)) > len(inner) + ROOM:
        raise NetError(f"{name}[{index}]: there are {len(inner)}")
    while len(inner) <= int(str(index)):
        inner.add()
    return inner[int(str(index))]


def _field(message: Any, name: str) -> FieldDescriptor:
    descriptor: Descriptor = message.DESCRIPTOR
    known = fields_of(descriptor)
    if name not in known:
        raise NetError(f"{descriptor.name} has no field '{name}'{nearest(name, known)}")
    return descriptor.fields_by_name[name]


def _parse_field(message_class: Any, field: FieldDescriptor, value: str) -> Any:
    """Return a message in which only ``field`` is set, to what the text says."""
    if field.message_type is not None:
        text = f"{field.name} {value}" if value.startswith("{") else f"{field.name} {{ {value} }}"
    elif is_repeated(field):
        words = value.strip("[]").split(",") if value.strip("[]") else []
        text = f"{field.name}: [{', '.join(_quoted(field, word.strip()) for word in words)}]"
    else:
        text = f"{field.name}: {_quoted(field, value)}"
    try:
        parsed = parse(text, message_class, "--set")
    except SchemaError as error:
        raise NetError(re.sub(r"^--set:\d+:\d+: ", "", str(error))) from None
    for finding in parsed.findings:
        raise NetError(finding.message)
    if "source" in message_class.DESCRIPTOR.fields_by_name:
        parsed.message.ClearField("source")
    if any(other is not field for other, _ in parsed.message.ListFields()):
        raise NetError(f"field '{field.name}' takes one value; given {value}")
    return parsed.message


def _quoted(field: FieldDescriptor, word: str) -> str:
    """Put the value of a string field between quotes unless it stands there."""
    strings = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
    if field.type not in strings or word[:1] in ("'", '"'):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

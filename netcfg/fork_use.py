"""What a file takes from Caffe's forks: fields of the schema that a reader may not implement.

The schema marks them with the options ``fork`` and ``fork_value``. Who does not implement one that
is set must refuse it: to pass over it would be to compute something else in silence.
"""

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.descriptor_pb2 import EnumValueOptions, FieldOptions
from google.protobuf.message import Message

from netcfg.errors import NetError
from netcfg.forks import HARMLESS
from netcfg.netcfg_pb2 import Source, fork, fork_value

FORMATS = frozenset(
    {
        "backward_math", "backward_type", "default_backward_math", "default_backward_type",
        "default_forward_math", "default_forward_type", "forward_math", "forward_type",
        "global_grad_scale", "global_grad_scale_adaptive",
    }
)  # fmt: skip
"""Fields of NVCaffe that choose number formats, and keep gradients from vanishing in short ones.

Here the engine chooses, and computes no less exactly.
"""


class ForkField(NamedTuple):
    """A field of a fork that a message sets, or one of Caffe's that has a value of a fork.

    Attributes:
        path: the field, with the blocks around it within the net, layer or solver.
        value: name of the value where the field is Caffe's.
        forks: that know it.
        holder: the message that has the field.
        source: where the net, layer or solver stands.
    """

    path: str
    value: str
    forks: str
    holder: Message
    source: Source

    @property
    def name(self) -> str:
        """Name of the field alone."""
        return self.path.rpartition(".")[2]

    @property
    def key(self) -> str:
        """``block.field``, or ``block.field: VALUE``: how a reader says that it implements it."""
        return f"{self.path}: {self.value}" if self.value else self.path

    def names(self, names: Collection[str]) -> frozenset[str]:
        """Return those of ``names`` that mean it: its name or its path."""
        return frozenset({self.name, self.path}.intersection(names))

    @property
    def idle(self) -> bool:
        """Whether it changes no result: by its nature, or because it says what Caffe does."""
        if self.name in HARMLESS or self.name in FORMATS:
            return True
        if not self.holder.DESCRIPTOR.fields_by_name[self.name].has_default_value:
            return False
        same: Any = type(self.holder)()
        setattr(same, self.name, getattr(same, self.name))  # rounds it like the value
        return bool(getattr(self.holder, self.name) == getattr(same, self.name))

    def __str__(self) -> str:
        what = f"value {self.value} of field " if self.value else "field "
        return f"{what}'{self.path}' (known from {self.forks})"


def set_by_forks(
    message: Any,
    blocks: Collection[str] | None = None,
    path: str = "",
    source: Source | None = None,
) -> Iterator[ForkField]:
    """Yield what a message and all within it have from forks, in the order of the schema.

    Args:
        message: whatever the schema describes.
        blocks: messages in ``message`` to look into, whoever brought them; others are passed over.
            None looks into all, and a block that a fork brought counts as one field.
        path: of ``message`` in a net, layer or solver, with a dot at its end.
        source: of that net, layer or solver.
    """
    if "unknown" in message.DESCRIPTOR.fields_by_name:
        path, source = "", message.source
    place = source or Source()
    known = _of_forks(message.DESCRIPTOR)
    for field, value in message.ListFields():
        name = field.name
        if field.message_type is not None and (name not in known or blocks is not None):
            if blocks is None or name in blocks:
                for inner in [value] if isinstance(value, Message) else value:
                    yield from set_by_forks(inner, None, f"{path}{name}.", place)
        elif name in known:
            yield ForkField(path + name, "", known[name], message, place)
        elif field.enum_type is not None:
            for number in [value] if isinstance(value, int) else value:
                if forks := _values_of_forks(field.enum_type).get(number):
                    label = field.enum_type.values_by_number[number].name
                    yield ForkField(path + name, label, forks, message, place)


def refuse_forks(
    message: Message, who: str, implemented: Collection[str] = (), blocks: Collection[str] = ()
) -> None:
    """Refuse a layer or a solver that asks for what forks do and its reader does not.

    Args:
        message: the layer or solver.
        who: its reader, as the error calls it.
        implemented: what the reader implements, each as ``ForkField.key``.
        blocks: messages in ``message`` that it reads; it passes over others, as Caffe does.

    Raises:
        NetError: it names all that is not implemented.
    """
    missing = not_implemented(message, implemented, blocks)
    if missing:
        names = ",".join(dict.fromkeys(field.name for field in missing))
        are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
        raise NetError(
            f"{' and '.join(map(str, missing))} {are} not implemented by this {who}; remove "
            f"{them}, or pass {them} over with --ignore-field {names}"
        )


def not_implemented(
    message: Message, implemented: Collection[str] = (), blocks: Collection[str] = ()
) -> list[ForkField]:
    """Return what ``refuse_forks`` refuses."""
    found = {field.key: field for field in set_by_forks(message, blocks)}
    return [f for key, f in found.items() if key not in implemented and not f.idle]


def drop_forks(message: Message, names: Collection[str]) -> list[ForkField]:
    """Clear fields of forks, and fields of Caffe's with values of forks, in place.

    Args:
        message: whatever the schema describes.
        names: of the fields, alone or as paths.

    Returns:
        What was cleared.
    """
    dropped = [field for field in set_by_forks(message) if field.names(names)] if names else []
    for field in dropped:
        field.holder.ClearField(field.name)
    return dropped


@lru_cache
def _of_forks(message: Descriptor) -> dict[str, str]:
    """Return the forks that brought a field, by its name; netcfg's own are left out."""
    options = {field.name: FieldOptions.FromString(_options(field)) for field in message.fields}
    marks = {name: option.Extensions[fork] for name, option in options.items()}
    return {name: mark for name, mark in marks.items() if mark not in ("", "netcfg")}


@lru_cache
def _values_of_forks(enum: EnumDescriptor) -> dict[int, str]:
    """Return the forks that brought a value, by its number."""
    options = {v.number: EnumValueOptions.FromString(_options(v)) for v in enum.values}
    marks = {number: option.Extensions[fork_value] for number, option in options.items()}
    return {number: mark for number, mark in marks.items() if mark}


def _options(described: Any) -> bytes:
    """Return the options of a field or value in bytes.

    Protobuf in plain Python reads options before it knows the extensions among them; read again
    from bytes they are there.
    """
    return described.GetOptions().SerializeToString()

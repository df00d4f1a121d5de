"""Reading protobuf's text form, as forgiving as the files that Caffe's users have.

What the schema lacks is not lost: it stands in ``unknown`` of the nearest enclosing message that
has such a field, under its dotted path from there and with its text as it was written. Repeated
messages carry their index in that path: ``param[1].lr``.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import Message

from netcfg.errors import SchemaError
from netcfg.forks import Finding, Severity, judge_field, judge_value, known_from
from netcfg.netcfg_pb2 import LayerParameter, SolverParameter, V1LayerParameter
from netcfg.prototxt_tokens import Text, Token, shown
from netcfg.prototxt_values import Field, RefusedError, UnlistedError, fields_of, unescape

CLOSER = {"{": "}", "<": ">", "[": "]"}
SEPARATORS = frozenset(",;")
_BYTES = ("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Block:
    """A message that is being read.

    Attributes:
        message: what the fields go into.
        keeper: the nearest message, this one or one around it, that has ``unknown``.
        path: path of ``message`` from ``keeper``, with a dot at its end, or nothing.
        name: the field that opened it; empty for the whole file.
        at: offset of that field.
        close: the mark that ends it.
    """

    message: Any
    keeper: Any
    path: str = ""
    name: str = ""
    at: int = 0
    close: str = ""


class Parser:
    """Turns tokens into a message.

    ``findings`` tells, once for each name, what the schema lacks.

    Args:
        text: the prototxt.
        ignore: fields to leave out, by name or dotted path.
    """

    def __init__(self, text: Text, ignore: Collection[str] = ()) -> None:
        self.text = text
        self.tokens = text.tokens()
        self.next = 0
        self._ignore = frozenset(ignore)
        self._found: dict[tuple[str, str], tuple[int, Finding, int]] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, in the order of the file."""
        return tuple(
            finding if count == 1 else replace(finding, message=f"{finding.message}; {count} times")
            for _, finding, count in sorted(self._found.values(), key=lambda found: found[0])
        )

    def read(self, message: Message) -> None:
        """Read the whole text into ``message``.

        Raises:
            SchemaError: the text is not well formed, or a value does not fit its field.
        """
        keeps = "unknown" in message.DESCRIPTOR.fields_by_name
        if keeps:
            self._set_source(message, 0)
        stood = self._fields(Block(message, message if keeps else None))
        if isinstance(message, SolverParameter):
            for name, at in stood.items():
                line, column = self.text.place(at)
                message.source.field.add(name=name, line=line, column=column)

    # Blocks and values -------------------------------------------------------------------------

    def _fields(self, block: Block) -> dict[str, int]:
        """Read fields up to the end of the block; return where each stood first."""
        known = fields_of(block.message.DESCRIPTOR)
        seen: dict[str, int] = {}
        tokens = self.tokens
        while True:
            kind, name, at = tokens[self.next]
            if name == block.close:
                self.next += 1
                return seen
            if kind != "word":
                raise self._no_field(block)
            self.next += 1
            field = known.get(name)
            if field is None:
                self._keep_field(block, name, at)
            else:
                if seen.setdefault(name, at) != at and not field.repeated:
                    raise self.twice(name, at, self.text.place(seen[name]))
                if field.convert is None:
                    self._messages(block, field, at)
                else:
                    self._scalars(block, field, at)
            if tokens[self.next].text in SEPARATORS:
                self.next += 1

    def _messages(self, block: Block, field: Field, at: int) -> None:
        """Read ``{ … }``, or several in a list."""
        self.accept(":")
        if not self.accept("["):
            self._message(block, field, at)
            return
        if not field.repeated:
            raise self.error(at, f"field '{field.name}' holds one block; given a list")
        while not self.accept("]"):
            self._message(block, field, self.tokens[self.next].at)
            if not self.accept(",") and self.tokens[self.next].text != "]":
                raise self.expected("',' or ']'")

    def _message(self, block: Block, field: Field, at: int) -> None:
        opener = self.tokens[self.next].text
        if opener not in ("{", "<"):
            raise self.expected(f"'{{' after '{field.name}'")
        self.next += 1
        inner = getattr(block.message, field.name)
        index = ""
        if field.repeated:
            index = f"[{len(inner)}]"
            inner = inner.add()
        else:
            inner.SetInParent()
        if field.keeps:
            self._set_source(inner, at)
            keeper, path = inner, ""
        else:
            keeper, path = block.keeper, f"{block.path}{field.name}{index}."
        self._fields(Block(inner, keeper, path, field.name, at, CLOSER[opener]))

    def _scalars(self, block: Block, field: Field, at: int) -> None:
        """Read one value, or several in a list."""
        if not self.accept(":"):
            raise self.expected(f"':' after '{field.name}'")
        if self.tokens[self.next].text != "[":
            self._scalar(block, field, at)
        elif not field.repeated:
            self._keep_value(block, field, at, self.skip())
        else:
            self.next += 1
            while not self.accept("]"):
                self._scalar(block, field, at)
                if not self.accept(",") and self.tokens[self.next].text != "]":
                    raise self.expected("',' or ']'")

    def _scalar(self, block: Block, field: Field, at: int) -> None:
        first = self.tokens[self.next].at
        kind, value = self.value(f"a value for '{field.name}'")
        try:
            converted = field.convert(kind, value)  # type: ignore[misc]
        except UnlistedError:
            self._keep_value(block, field, at, self._since(first))
            return
        except RefusedError as error:
            raise self.refused(field.name, error, first) from None
        if field.repeated:
            getattr(block.message, field.name).append(converted)
        else:
            setattr(block.message, field.name, converted)

    # Tokens ------------------------------------------------------------------------------------

    def accept(self, mark: str) -> bool:
        """Pass over ``mark`` if it comes next."""
        if self.tokens[self.next].text != mark:
            return False
        self.next += 1
        return True

    def value(self, what: str = "a value") -> tuple[str, str]:
        """Take a word, number or string; strings come without quotes, neighbours joined."""
        kind, text, _ = self.tokens[self.next]
        if kind not in ("word", "number", "string"):
            raise self.expected(what)
        if kind == "string":
            return kind, self._string()
        self.next += 1
        return kind, text

    def _string(self) -> str:
        """Take neighbouring strings; bytes that are not UTF-8 become surrogates."""
        parts = []
        while self.tokens[self.next].kind == "string":
            _, text, at = self.tokens[self.next]
            try:
                parts.append(unescape(text[1:-1]) if "\\" in text else text[1:-1].encode(*_BYTES))
            except RefusedError as error:
                raise self.error(at, f"string {text}: {error}") from None
            self.next += 1
        return b"".join(parts).decode(*_BYTES)

    def take(self, *marks: str) -> str:
        """Take one of ``marks``, which must come next."""
        token = self.tokens[self.next]
        if token.text not in marks:
            raise self.expected(" or ".join(f"'{mark}'" for mark in marks))
        self.next += 1
        return token.text

    def skip(self) -> str:
        """Pass over a value of any form and return its text."""
        first = self.tokens[self.next]
        if first.text not in CLOSER:
            self.value()
            return self._since(first.at)
        opened: list[Token] = []
        while True:
            token = self.tokens[self.next]
            if token.text in CLOSER:
                opened.append(token)
            elif token.text == CLOSER[opened[-1].text]:
                opened.pop()
            elif token.kind in ("end", "bad") or token.text in ("}", ">", "]"):
                line, column = self.text.place(opened[-1].at)
                closer = CLOSER[opened[-1].text]
                raise self.expected(f"'{closer}' of '{opened[-1].text}' at {line}:{column}")
            self.next += 1
            if not opened:
                return self._since(first.at)

    def _since(self, at: int) -> str:
        last = self.tokens[self.next - 1]
        return self.text.text[at : last.at + len(last.text)]

    # What the schema lacks ---------------------------------------------------------------------

    def _keep_field(self, block: Block, name: str, at: int) -> None:
        """Keep a field that the schema lacks."""
        descriptor = block.message.DESCRIPTOR
        colon = self.accept(":")
        opener = self.tokens[self.next].text
        if not colon and opener not in ("{", "<"):
            raise self.expected(f"':' or '{{' after '{name}'")
        if block.name and name in ("layer", "layers") and opener == "{":
            raise self._unclosed(block, f"'{name}'", at)
        origin = known_from(descriptor, name)
        if not self._keep(block, name, at, self.skip(), origin):
            return
        if name in _MOVED.get(descriptor.name, ()):
            return
        path = plain(block.path + name)
        verdict = judge_field(descriptor, path, origin, is_block=opener in ("{", "<"))
        self._tell(block, name, at, verdict)

    def _keep_value(self, block: Block, field: Field, at: int, text: str) -> None:
        """Keep a value that the schema lacks, of a field that it has."""
        described = block.message.DESCRIPTOR.fields_by_name[field.name]
        origin = known_from(described.enum_type, text) if described.enum_type else ""
        if not self._keep(block, field.name, at, text, origin):
            return
        path = plain(block.path + field.name)
        if described.enum_type is None or described.enum_type is not _V1_TYPE:
            verdict = judge_value(described, path, text, origin)
            self._tell(block, f"{field.name}: {text}", at, verdict)

    def _keep(self, block: Block, name: str, at: int, text: str, origin: str) -> bool:
        """Put an unknown field into the message that keeps it, unless it is to be ignored."""
        path = block.path + name
        asked = self._ignore & {name, plain(path)}
        if asked:
            fact = f"field '{plain(path)}' is ignored, as asked"
            self._tell(block, plain(path), at, ("note", fact), asked)
            return False
        if block.keeper is not None:
            kept = block.keeper.unknown.add(path=path, text=text)
            if origin:
                kept.origin = origin
            self._set_source(kept, at)
        return True

    def _tell(
        self,
        block: Block,
        name: str,
        at: int,
        verdict: tuple[Severity, str],
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        """Note a finding, or count it when the same is known from before."""
        key = (block.message.DESCRIPTOR.full_name, name)
        first, finding, count = self._found.get(key) or (at, None, 0)
        finding = finding or Finding(verdict[0], self.text.where(at), verdict[1], ignored)
        self._found[key] = (first, finding, count + 1)

    def _set_source(self, message: Any, at: int) -> None:
        line, column = self.text.place(at)
        source = message.source
        source.file, source.line, source.column = self.text.file, line, column

    # Errors ------------------------------------------------------------------------------------

    def error(self, at: int, message: str) -> SchemaError:
        """Return an error with the place of an offset."""
        return SchemaError(f"{self.text.where(at)}: {message}")

    def expected(self, what: str) -> SchemaError:
        """Return the error that something else comes next than what must."""
        token = self.tokens[self.next]
        return self.error(token.at, f"expected {what}, found {shown(token)}")

    def refused(self, name: str, must: RefusedError, at: int) -> SchemaError:
        """Return the error that the value at ``at``, read just now, does not fit its field."""
        return self.error(at, f"field '{name}' must be {must}; given {self._since(at)}")

    def twice(self, name: str, at: int, first: tuple[int, int]) -> SchemaError:
        """Return the error that a field is given again which holds one value."""
        line, column = first
        return self.error(at, f"field '{name}' holds one value; it has one from {line}:{column}")

    def _no_field(self, block: Block) -> SchemaError:
        token = self.tokens[self.next]
        if token.kind == "end":
            return self._unclosed(block, shown(token), token.at)
        if block.close:
            return self.expected(f"a field or '{block.close}'")
        hint = "; every block is closed before it" if token.text in ("}", ">") else ""
        return self.error(token.at, f"expected a field, found {shown(token)}{hint}")

    def _unclosed(self, block: Block, found: str, at: int) -> SchemaError:
        line, column = self.text.place(block.at)
        return self.error(
            at,
            f"expected '{block.close}' of '{block.name}', opened at {line}:{column}; found {found}",
        )


_V1_TYPE = V1LayerParameter.LayerType.DESCRIPTOR
"""The types that netcfg.upgrade names, whatever they are."""

_MOVED = {
    "V1LayerParameter": frozenset(LayerParameter.DESCRIPTOR.fields_by_name),
    "LayerParameter": frozenset({"blobs_lr", "weight_decay", "blob_share_mode"}),
}
"""Fields that these messages lack and netcfg.upgrade puts in their place."""


def plain(path: str) -> str:
    """Return a path without indices, as messages show it.

    >>> plain("param[1].lr")
    'param.lr'
    """
    return re.sub(r"\[[0-9]+\]", "", path) if "[" in path else path

"""The words, numbers, strings and marks of a prototxt, and where they stand."""

import bisect
import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?:[\s\u00a0\ufeff]+|\#[^\n]*|//[^\n]*)*+
    (?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[-+]?(?:0[xX][0-9a-fA-F]+
                       |(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?[fF]?
                       |(?i:inf(?:inity)?|nan))(?![A-Za-z0-9_.]))
    |(?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')
    |(?P<mark>[{}<>\[\]:,;])
    |(?P<end>\Z)
    |(?P<bad>\$\S*|.))""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """One word, number, string, mark, bad character, or the end."""

    kind: str
    text: str
    at: int


class Text:
    """A prototxt, its tokens, and places in it.

    ``line`` and ``column`` are where it begins, for a piece cut out of a file. Bytes that are not
    UTF-8, which come as surrogates, are turned into escapes.
    """

    def __init__(self, text: str, file: str, line: int = 1, column: int = 1) -> None:
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.text = text if text.isascii() else _SURROGATE.sub(_octal, text)
        self.file = file.encode("utf-8", "replace").decode()
        self._first = (line, column)
        self._starts: list[int] = []

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column of an offset, counted from 1."""
        if not self._starts:
            self._starts = [0, *(m.end() for m in re.finditer("\n", self.text))]
        index = bisect.bisect_right(self._starts, at) - 1
        line, column = self._first
        return line + index, at - self._starts[index] + (1 if index else column)

    def where(self, at: int) -> str:
        """Return ``file:line:column`` of an offset."""
        line, column = self.place(at)
        return f"{self.file}:{line}:{column}"

    def tokens(self) -> list[Token]:
        """Return all tokens; the last is the end."""
        found = []
        for match in _TOKEN.finditer(self.text):
            kind = match.lastgroup or "end"
            found.append(Token(kind, match[kind], match.start(kind)))
        return found


_SURROGATE = re.compile("[\udc80-\udcff]")


def _octal(match: re.Match[str]) -> str:
    return f"\\{ord(match[0]) - 0xDC00:03o}"


def shown(token: Token) -> str:
    """Return a token as messages show it."""
    if token.kind == "end":
        return "the end of the text"
    if token.text in ('"', "'"):
        return f"a string that lacks its closing {token.text}"
    return token.text if token.kind == "string" else repr(token.text)

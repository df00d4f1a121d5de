"""The exceptions that tell a user what to mend.

Every message is one line that says what holds, what was given and where; the command line prints
it and exits with status 2.
"""

import difflib
from collections.abc import Iterable


class NetError(Exception):
    """Something the user gave cannot be used: a file, a field, a shape or a name."""

    def at(self, where: str) -> "NetError":
        """Return the same error with a place, if there is one, in front of its message.

        >>> str(NetError("group 2 must divide 3 input channels").at("net.prototxt:31:3"))
        'net.prototxt:31:3: group 2 must divide 3 input channels'
        """
        return type(self)(f"{where}: {self}") if where else self


class SchemaError(NetError):
    """A prototxt is not well formed or holds a word that the schema does not know."""


class ShapeError(NetError):
    """Shapes or sizes that do not fit together."""


class DataError(NetError):
    """A data source is missing, damaged or of the wrong kind."""


class WeightsError(NetError):
    """A weights or snapshot file is damaged or does not fit the net."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word closest to ``word``, else nothing.

    >>> nearest("kernal_size", ["kernel_size", "stride"])
    "; did you mean 'kernel_size'?"
    >>> nearest("zzz", ["kernel_size"])
    ''
    """
    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
    return f"; did you mean '{by_lower[close[0]]}'?" if close else ""

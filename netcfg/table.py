"""Aligned plain-text tables."""

from collections.abc import Sequence

WIDTH = 100
"""Columns that a table may take."""


def render(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Return a table; a row of no cells draws a line.

    The first column gives way, losing the middle of its words, where the table is wider than
    ``WIDTH``.

    >>> print(render(["layer", "size"], [["conv1", "520"], [], ["total", "520"]], "<>"))
    layer  size
    -----  ----
    conv1   520
    -----  ----
    total   520

    Args:
        header: one word a column.
        rows: cells.
        align: ``<`` or ``>`` for each column.
    """
    cells = [header, *(row for row in rows if row)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    room = WIDTH - sum(widths[1:]) - 2 * (len(widths) - 1)
    widths[0] = min(widths[0], max(room, len(header[0]), 12))
    line = "  ".join("-" * width for width in widths)
    lines = [_line(header, widths, align), line]
    lines += [_line(row, widths, align) if row else line for row in rows]
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int], align: str) -> str:
    cells = (
        f"{shorten(cell, width):{side}{width}}"
        for cell, width, side in zip(row, widths, align, strict=True)
    )
    return "  ".join(cells).rstrip()


def shorten(word: str, width: int) -> str:
    """Drop the middle of a word that is longer than ``width``.

    >>> shorten("inception_4a/3x3_reduce", 11)
    'incep…educe'
    """
    if len(word) <= width:
        return word
    head = width // 2
    return f"{word[:head]}…{word[len(word) - (width - head - 1) :]}"


def grouped(number: int) -> str:
    """Write a count with thin groups of three digits.

    >>> grouped(431080)
    '431 080'
    """
    return f"{number:,}".replace(",", " ")


def size(count: float) -> str:
    """Write a number of bytes.

    >>> size(800), size(3_450_000)
    ('800 B', '3.3 MiB')
    """
    units = ["KiB", "MiB", "GiB", "TiB"]
    if count < 1024:
        return f"{count:.0f} B"
    for unit in units:
        count /= 1024
        if count < 1024 or unit == units[-1]:
            break
    return f"{count:.1f} {unit}"

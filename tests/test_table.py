"""Aligned tables, and the words in their cells."""

import pytest

from netcfg import table


def test_long_names_give_way() -> None:
    lines = table.render(["layer", "n"], [["x" * 200, "1"], ["short", "22"]], "<>").splitlines()
    assert len(lines[2]) == table.WIDTH
    assert "x…x" in lines[2]
    assert lines[3].endswith(" 22")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (2**50, "1024.0 TiB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert table.size(count) == text


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_shorten_to_the_width(width: int) -> None:
    assert len(table.shorten("abcdefghi", width)) == width

"""``docs/errors.md`` tells the truth: every bad input on it is given and says what stands there."""

import re
from pathlib import Path

import pytest

from tests.bad_inputs import ROWS, Bad

PAGE = Path(__file__).resolve().parents[1] / "docs/errors.md"


def page() -> dict[str, str]:
    rows = re.findall(r"^\| ([^|]+) \| `` (.+) `` \|$", PAGE.read_text(), re.MULTILINE)
    return {what: says.replace(r"\|", "|") for what, says in rows}


def test_the_page_has_every_row_and_no_other() -> None:
    assert list(page()) == [row.what for row in ROWS]
    assert len(ROWS) >= 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_bad_input(row: Bad, tmp_path: Path) -> None:
    answer = row.run(tmp_path)
    assert answer.status == 2
    assert answer.line == page()[row.what]
    if not row.command.startswith("netcfg check"):
        assert answer.errors == 1

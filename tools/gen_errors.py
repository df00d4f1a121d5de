"""Write docs/errors.md: what netcfg says to each of the wrong inputs in tests/bad_inputs.py.

    python tools/gen_errors.py

A test compares every line of the page with what is said.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.bad_inputs import NET, ROWS, SOLVER, Bad  # noqa: E402 - needs the path above

INTRO = """\
# What bad input says

A message says what holds, what was given and where, and names the nearest valid choice. The command
line prints it as one line and exits with status 2; nothing is half-written. `netcfg check` prints
all errors of a file at once, of which the first stands here.

This page is made by `tools/gen_errors.py`; a test gives every input again and compares.
"""


def main() -> None:
    """Run every row and write the page."""
    parts = [INTRO]
    for topic in dict.fromkeys(row.topic for row in ROWS):
        parts.append(f"## {topic}\n\n| what is wrong | what netcfg says |\n|---|---|")
        parts[-1] += "".join(f"\n{line(row)}" for row in ROWS if row.topic == topic) + "\n"
    parts.append(f"## The files\n\nnet.prototxt:\n\n```\n{NET}```\n\nsolver.prototxt:\n")
    parts.append(f"```\n{SOLVER}```\n")
    (ROOT / "docs/errors.md").write_text("\n".join(parts), encoding="utf-8")


def line(row: Bad) -> str:
    """Return the table's line for a wrong input."""
    with tempfile.TemporaryDirectory() as folder:
        answer = row.run(Path(folder))
    if answer.status != 2:
        raise SystemExit(f"'{row.what}' ended with status {answer.status}")
    return f"| {row.what} | `` {answer.line.replace('|', chr(92) + '|')} `` |"


if __name__ == "__main__":
    main()

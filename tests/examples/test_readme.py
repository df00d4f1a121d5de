"""The page of the examples names all of them, and nothing that is not there."""

import re

from tests.examples.programs import ROOT

EXAMPLES = ROOT / "examples"


def test_every_program_is_on_the_page():
    page = (EXAMPLES / "README.md").read_text()
    links = {link for link in re.findall(r"\]\(([^)]+)\)", page) if "://" not in link}
    there = {str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.py")}
    assert links == there


def test_commands_name_programs_that_are_there():
    page = (EXAMPLES / "README.md").read_text()
    named = re.findall(r"python -m netcfg\.pycaffe (\S+)", page)
    assert len(named) == 2
    for path in EXAMPLES.rglob("[0-9]*.py"):
        named += re.findall(r"python -m netcfg\.pycaffe (\S+\.py)", path.read_text())
    assert len(named) > 13
    assert [name for name in named if not (ROOT / name).is_file()] == []

import argparse

import pytest

from netcfg.cli.gflags import translate
from tests.cli.conftest import Run


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--gray", action="store_true")
    parser.add_argument("--resize-width", type=int)
    parser.add_argument("--no-data", action="store_true")
    parser.add_argument("-v", action="store_true")
    parser.add_argument("files", nargs="*")
    return parser


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("--resize_width=3", "--resize-width=3"),
        ("-resize_width 3", "--resize-width 3"),
        ("--resize-width -3", "--resize-width -3"),
        ("-gray", "--gray"),
        ("--gray=true -gray=1", "--gray --gray"),
        ("--gray=False a_b", "a_b"),
        ("--nogray --no-data", "--no-data"),
        ("--noresize_width", "--noresize_width"),
        ("--nogray=1", "--nogray=1"),
        ("--gray=maybe", "--gray=maybe"),
        ("--other_thing -v -", "--other_thing -v -"),
        ("--gray -- --no_data", "--gray -- --no_data"),
    ],
)
def test_spellings(given: str, wanted: str, parser: argparse.ArgumentParser) -> None:
    assert translate(parser, given.split()) == wanted.split()


def test_all_commands_take_them(run: Run, tiny: None) -> None:
    result = run("time", "net.prototxt", "-iterations=1", "--forward_only=true")
    assert result.status == 0
    assert "medians of 1 iterations" in result.out
    wrong = run("time", "net.prototxt", "--forward_onli")
    assert (wrong.status, "unknown argument '--forward_onli'" in wrong.err) == (2, True)

"""What the commands about pictures have in common."""

import argparse
import re
from pathlib import Path

import pytest

from netcfg.cli import vision_options
from netcfg.cli.main import build_parser
from netcfg.vision.boxes import read_decoding
from tests.cli.conftest import Run
from tests.cli.test_classify import COMMAND, rows
from tests.vision.nets import CLASSIFY, write_net, write_pictures


@pytest.fixture(autouse=True)
def project(folder: Path) -> Path:
    write_net(folder, CLASSIFY)
    write_pictures(folder / "in", 6)
    return folder


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "arguments are required: --out"),
        (("--out", "r.txt"), "the ending of 'r.txt' must be one of .csv"),
        (("--out", "r.csv", "--size", "a"), "'a' must look like 227 or 240,320, height first"),
        (("--out", "r.csv", "--size", "1,2,3"), "'1,2,3' must look like"),
        (("--out", "r.csv", "--size", "0"), "'0' must look like"),
        (("--out", "r.csv", "--mean", "m.npy"), "file 'm.npy' not found"),
        (("--out", "r.csv", "--mean", "1,2"), "the mean must have 3 channels; given 2"),
        (("--out", "r.csv", "--batch", "0"), "must be a whole number above 0; given '0'"),
        (("--out", "r.csv", "--channels", "grey"), "input has 3 channels, which GREY has not"),
        (("--out", "r.csv", "--labels", "x"), "'x' not found"),
        (("--out", "in/000_blue.png/r.csv"), "cannot write"),
    ],
)
def test_one_line_says_what_is_wrong(run: Run, more: tuple[str, ...], message: str) -> None:
    result = run(*COMMAND, *more)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert message in result.err


def test_sizes_and_channels(run: Run) -> None:
    options = ("--size", "6,8", "--resize", "9", "--keep-aspect", "--channels", "rgb")
    assert run(*COMMAND, *options, "--out", "r.csv").status == 0
    assert [row["label_1"] for row in rows("r.csv")] == ["2", "1", "0"] * 2
    assert run(*COMMAND, "--size", "image", "--out", "s.csv").status == 0
    assert [row["label_1"] for row in rows("s.csv")] == ["0", "1", "2"] * 2
    (Path("l")).write_text("in/002_red.png 4\n")
    argv = [word for word in COMMAND if word != "in"]
    assert run(*argv, "--list", "l", "--out", "l.csv").status == 0
    assert [row["image"] for row in rows("l.csv")] == ["in/002_red.png"]


def test_unreadable_pictures(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision_options, "SHOWN", 1)
    for name in ("001_green", "004_green"):
        Path(f"in/{name}.png").write_text("")
    result = run(*COMMAND, "--out", "r.csv")
    assert result.status == 2
    assert "r.csv: 4 pictures" in result.out
    first, last = result.err.splitlines()
    assert first == "netcfg: warning: 'in/001_green.png' is left out: an empty file"
    assert "and 1 more: 2 pictures could not be read, see 'r.csv.unreadable.txt'" in last
    assert len(rows("r.csv")) == 4
    again = run(*COMMAND, "--out", "r.csv", "--on-error", "stop")
    assert (again.status, again.out) == (2, "")
    assert again.err.splitlines()[0] == "4 of 6 pictures were done before"
    assert "picture 'in/001_green.png': an empty file; --on-error skip" in again.err


def test_pictures_of_results_lie_apart(run: Run) -> None:
    options = ("--weights", "w.caffemodel", "--out", "r.csv", "--pictures", "in/found")
    result = run("segment", "net.prototxt", "in", *options, "--blob", "data")
    assert result.status == 2
    assert "--pictures 'in/found' must lie outside of the pictures' folder 'in'" in result.err
    assert not Path("in/found").exists()
    assert run(*COMMAND, "--out", "r.csv", "--pictures", "in/sheet").status == 0


def test_batch_and_engine(run: Run) -> None:
    argv = [*COMMAND[:-2], "--engine", "numpy", "--threads", "1", "--workers", "2"]
    assert run(*argv, "--out", "r.csv").status == 0
    assert len(rows("r.csv")) == 6
    result = run(*argv, "--out", "r.csv")
    assert "'r.csv' is there already; --restart replaces it" in result.err
    assert run(*argv, "--out", "r.csv", "--restart").status == 0


def test_the_page_names_all_options(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/vision.md").read_text()
    parser = build_parser()
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    known = {
        option
        for name in ("classify", "detect", "segment", "features")
        for option in commands.choices[name]._option_string_actions
        if option.startswith("--")
    }
    named = set(re.findall(r"--[a-z][a-z-]*", page))
    assert named - known == set()
    assert known - named == {"--help"}
    (table,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "d.toml").write_text(table)
    decoding = read_decoding(tmp_path / "d.toml")
    assert decoding.anchors((240, 320)).shape == (30 * 40 * 3 + 15 * 20 * 2, 4)

"""``netcfg detect``."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_classify import rows
from tests.vision.nets import DETECT, write_net, write_pictures

COMMAND = ("detect", "net.prototxt", "in", "--weights", "w.caffemodel", "--batch", "4")


@pytest.fixture
def project(folder: Path) -> Path:
    write_net(folder, DETECT)
    write_pictures(folder / "in", 3, (80, 40))
    return folder


def test_boxes_and_pictures(run: Run, project: Path) -> None:
    options = ("--threshold", "0.9", "--pictures", "p", "--out", "r.csv")
    assert run(*COMMAND, *options).status == 0
    (row,) = rows("r.csv")
    assert (row["image"], row["label"], row["name"]) == ("in/002_red.png", "2", "2")
    assert [float(row[edge]) for edge in ("x1", "y1", "x2", "y2")] == [20, 15, 60, 25]
    names = ["000000_000_blue.jpg", "000001_001_green.jpg", "000002_002_red.jpg"]
    assert sorted(os.listdir("p")) == names


def test_boxes_that_are_decoded_here(run: Run, project: Path) -> None:
    (project / "d.toml").write_text('boxes = "grid"\nscores = "nothing"\ndecoded = true\n')
    result = run(*COMMAND, "--decode", "d.toml", "--out", "r.csv")
    assert (result.status, "has no blob 'nothing'" in result.err) == (2, True)
    result = run(*COMMAND, "--threshold", "2", "--out", "r.csv")
    assert "must be a number from 0 to 1; given '2'" in result.err
    result = run(*COMMAND, "--blob", "grid", "--out", "r.csv")
    assert "blob 'grid' must hold rows (1, 1, R, 7)" in result.err

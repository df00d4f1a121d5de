"""``netcfg classify``."""

import csv
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.vision.nets import CLASSIFY, write_net, write_pictures

COMMAND = ("classify", "net.prototxt", "in", "--weights", "w.caffemodel", "--batch", "4")


@pytest.fixture
def project(folder: Path) -> Path:
    write_net(folder, CLASSIFY)
    write_pictures(folder / "in", 6)
    (folder / "names").write_text("blue\ngreen\nred\n")
    return folder


def rows(path: str) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_with_names(run: Run, project: Path) -> None:
    result = run(*COMMAND, "--labels", "names", "--top", "2", "--out", "r.csv")
    assert (result.status, result.out.partition(",")[0]) == (0, "r.csv: 6 pictures")
    found = rows("r.csv")
    assert list(found[0]) == [
        "image",
        "label_1",
        "name_1",
        "score_1",
        "label_2",
        "name_2",
        "score_2",
    ]
    assert [row["name_1"] for row in found] == ["blue", "green", "red"] * 2
    assert float(found[0]["score_1"]) > 0.99


def test_scores_logits_and_views(run: Run, project: Path) -> None:
    options = ("--scores", "--logits", "--oversample", "--resize", "8", "--scale", "2")
    assert run(*COMMAND, *options, "--out", "r.csv").status == 0
    row = rows("r.csv")[1]
    assert [float(row[f"scores_{k}"]) for k in range(3)] == pytest.approx([0, 510 / 32, 0])
    pooled = run(*COMMAND, "--blob", "pool", "--mean", "1,2,3", "--out", "p.csv", "--scores")
    assert pooled.status == 0
    assert [float(rows("p.csv")[1][f"scores_{k}"]) for k in range(3)] == [-1, 253, -3]


def test_a_contact_sheet(run: Run, project: Path) -> None:
    result = run(*COMMAND, "--pictures", "p", "--out", "r.jsonl")
    assert result.out.splitlines()[1] == "p: pictures of the results"
    assert os.listdir("p") == ["index.html"]

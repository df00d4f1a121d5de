"""``netcfg segment``."""

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

from tests.cli.conftest import Run
from tests.vision.nets import SEGMENT, write_net, write_pictures


def test_shares_and_masks(run: Run, folder: Path) -> None:
    write_net(folder, SEGMENT)
    write_pictures(folder / "in", 3, (10, 6))
    command = ("segment", "net.prototxt", "in", "--weights", "w.caffemodel", "--batch", "2")
    result = run(*command, "--blob", "score", "--pictures", "p", "--out", "r.jsonl")
    assert result.status == 0
    found = [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]
    assert [[c["share"] for c in r["classes"]] for r in found] == np.eye(3).tolist()
    assert found[2]["mask"] == "000002_002_red.png"
    assert len(os.listdir("p")) == 6
    with Image.open(folder / "p" / found[2]["mask"]) as image:
        assert np.asarray(image).tolist() == [[2] * 10] * 6
    result = run(*command, "--resize", "9", "--out", "q.csv")
    assert (result.status, "the net must see all of it" in result.err) == (2, True)

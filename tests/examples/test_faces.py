"""The commands of the examples' page find the faces in the models' own pictures."""

import json
from pathlib import Path
from typing import Any

from netcfg.cli import main as cli
from tests.shared import shared

RECIPES = Path(__file__).parents[2] / "examples/faces"


def faces(tmp_path: Path, net: str, recipe: str, picture: str, *options: str) -> list[Any]:
    """Return what `netcfg detect` finds in a picture."""
    path = shared("data/models") / net
    out = tmp_path / "out.jsonl"
    argv = ["detect", f"{path}.prototxt", "--weights", f"{path}.caffemodel", "--channels", "RGB"]
    argv += ["--decode", f"{RECIPES / recipe}.toml", "--labels", f"{RECIPES / recipe}.txt"]
    argv += [*options, str(path.parent / picture), "--out", str(out)]
    assert cli.main(argv) == 0
    return list(json.loads(out.read_text())["boxes"])


def test_rfb320_finds_everybody(tmp_path: Path) -> None:
    options = ("--mean", "127,127,127", "--scale", "0.0078125")
    found = faces(tmp_path, "rfb320/RFB-320", "rfb320", "10.jpg", *options)
    assert len(found) == 19  # as many people as it shows
    assert {box["name"] for box in found} == {"face"}


def test_facemask_sees_the_mask(tmp_path: Path) -> None:
    scale = ("--scale", "0.00392157")
    net = "facemask/face_mask_detection"
    (found,) = faces(tmp_path, net, "facemask", "demo2.jpg", *scale)
    assert found["name"] == "face with a mask"
    assert found["score"] > 0.85
    left, top, right, bottom = found["box"]
    assert 200 < left < 240
    assert 30 < top < 70
    assert 310 < right < 340
    assert 180 < bottom < 220


def test_a_picture_without_faces(tmp_path: Path) -> None:
    net = "facemask/face_mask_detection"
    assert faces(tmp_path, net, "facemask", "author.jpg", "--scale", "0.00392157") == []

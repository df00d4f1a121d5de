"""``examples/mtcnn`` finds every face, and eyes, nose and mouth where they are."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.examples.programs import picture, run, start
from tests.shared import shared

PROGRAM = "mtcnn/detect_faces.py"

FACES = {
    "test1.jpg": (
        # box, then eyes, nose and corners of the mouth, as a reader sees them
        ((89, 20, 149, 102), ((113, 47), (141, 52), (127, 65), (108, 77), (137, 81))),
        ((297, 87, 362, 170), ((310, 121), (337, 117), (321, 136), (317, 151), (341, 148))),
    ),
    "test2.jpg": (
        ((194, 75, 343, 269), ((218, 159), (274, 139), (250, 191), (243, 226), (292, 211))),
    ),
}


def numbers(text: str) -> list[int]:
    return [int(n) for n in re.findall(r"-?\d+", text)]


def faces(said: str) -> list[tuple[list[int], list[list[int]]]]:
    """Return box and landmarks of each face in what the program prints."""
    found: list[tuple[list[int], list[list[int]]]] = []
    for line in said.splitlines():
        if line.startswith("face"):
            found.append((numbers(line.partition("from")[2]), []))
        elif line.startswith("  "):
            found[-1][1].append(numbers(line))
    return found


@pytest.mark.parametrize("name", FACES)
def test_faces_and_landmarks(name, tmp_path):
    models = shared("data/models/mtcnn")
    said = run(PROGRAM, "--models", models, models / name, "--out", "out/f.png", folder=tmp_path)
    found, known = faces(said), FACES[name]
    assert len(found) == len(known)
    for (box, points), (known_box, known_points) in zip(sorted(found), known, strict=True):
        width = known_box[2] - known_box[0]
        np.testing.assert_allclose(box, known_box, atol=0.08 * width)
        np.testing.assert_allclose(points, known_points, atol=0.08 * width)
        left_eye, right_eye, nose, left_mouth, right_mouth = points
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])

    drawn = picture(tmp_path / "out/f.png")
    with Image.open(models / name) as image:
        assert drawn.shape == (2 * image.height, 2 * image.width, 3)
    for (left, top, right, bottom), points in found:
        for x, y in ((left, (top + bottom) // 2), (right, (top + bottom) // 2)):
            assert (drawn[2 * y, 2 * x - 3 : 2 * x + 4] == [0, 255, 0]).all(axis=1).any()
        for x, y in points:
            assert drawn[2 * y, 2 * x].tolist() == [255, 0, 0]


@pytest.mark.parametrize("size", [(60, 50), (11, 30)])
def test_no_face(size, tmp_path):
    models = shared("data/models/mtcnn")
    Image.new("RGB", size, "gray").save(tmp_path / "gray.png")
    said = run(PROGRAM, "--models", models, "gray.png", folder=tmp_path)
    assert said == "found 0 faces; wrote faces.png\n"
    assert (picture(tmp_path / "faces.png") == 128).all()


def test_the_nets_of_the_zoo(tmp_path, monkeypatch):
    models = shared("data/models/mtcnn")
    monkeypatch.setenv("NETCFG_ZOO", str(tmp_path / "cache"))
    monkeypatch.setenv("NETCFG_OFFLINE", "1")
    for name, file in (("mtcnn_p", "det1"), ("mtcnn_r", "det2"), ("mtcnn_o", "det3")):
        folder = tmp_path / "cache" / name
        folder.mkdir(parents=True)
        (folder / f"{file}.caffemodel").write_bytes((models / f"{file}.caffemodel").read_bytes())
    given = run(PROGRAM, "--models", models, models / "test2.jpg", folder=tmp_path)
    assert run(PROGRAM, models / "test2.jpg", folder=tmp_path) == given


def test_min_size_leaves_small_faces_out(tmp_path):
    models = shared("data/models/mtcnn")
    options = ("--models", models, "--min-size", "200")
    assert "found 0 faces" in run(PROGRAM, *options, models / "test1.jpg", folder=tmp_path)
    assert "found 1 face;" in run(PROGRAM, *options, models / "test2.jpg", folder=tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--models", "none"], "there is no file 'none/det1.prototxt'"),
        (["--models", ".", "--min-size", "5"], "--min-size is 12 or more; given 5"),
        (["--models", "."], "there is no file 'image.png'"),
    ],
)
def test_what_is_missing(options, message, tmp_path):
    for net in ("det1", "det2", "det3"):
        (tmp_path / f"{net}.prototxt").touch()
        (tmp_path / f"{net}.caffemodel").touch()
    if "--min-size" in options:
        Image.new("RGB", (20, 20)).save(tmp_path / "image.png")
    done = start(PROGRAM, *options, "image.png", folder=Path(tmp_path))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"error: {message}")

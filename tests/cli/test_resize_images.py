"""Folders of images in another size, from the command line."""

from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run


@pytest.fixture
def pictures(folder: Path) -> Path:
    (folder / "in/b").mkdir(parents=True)
    Image.new("RGB", (20, 10), (200, 100, 50)).save(folder / "in/a.png")
    Image.new("L", (10, 30), 77).save(folder / "in/b/c.bmp")
    return folder


def size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_folder_is_resized(run: Run, pictures: Path) -> None:
    result = run("resize-images", "in", "out", "--size", "5")
    assert (result.status, result.out) == (0, "out: 2 images\n")
    assert (size("out/a.png"), size("out/b/c.bmp")) == ((10, 5), (5, 15))
    again = run("resize-images", "in", "out", "--size", "5")
    assert again.out == "out: 0 images, 2 there already\n"
    cropped = run("resize-images", "in", "out", "--size=6x4", "--crop", "--format=jpg")
    assert cropped.out == "out: 2 images\n"
    assert (size("out/a.jpg"), size("out/b/c.jpg")) == ((6, 4), (6, 4))
    assert run("resize-images", "in", "out", "--size", "5", "--force").out == "out: 2 images\n"


def test_256_is_the_usual_side(run: Run, pictures: Path) -> None:
    assert run("resize-images", "in", "out", "--filter=opencv", "--crop").status == 0
    assert size("out/b/c.bmp") == (256, 256)


def test_a_list_chooses(run: Run, pictures: Path) -> None:
    (pictures / "list").write_text("b/c.bmp 3\n")
    assert run("resize-images", "in", "out", "--list", "list").out == "out: 1 images\n"
    assert not (pictures / "out/a.png").exists()


def test_bad_images(run: Run, pictures: Path) -> None:
    (pictures / "in/a.png").write_text("no image")
    result = run("resize-images", "in", "out")
    assert (result.status, "netcfg: error: in/a.png: no image" in result.err) == (2, True)
    result = run("resize-images", "in", "out", "--skip-bad", "--force")
    assert (result.status, result.out) == (0, "out: 1 images, 1 left out\n")
    assert "netcfg: warning: in/a.png: no image" in result.err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("inn", "out"), "file 'inn' not found; looked in '.'; did you mean 'in'?"),
        (("in/a.png", "out"), "'in/a.png' is no folder"),
        (("in", "in/out"), "OUT 'in/out' must lie outside of the images' folder 'in'"),
        (("in", "in/a.png"), "'in/a.png' is there already and is no folder"),
        (("empty", "out"), "'empty' holds no images (jpg, jpeg"),
        (("in", "out", "--list=none"), "'none' names no images"),
        (("in", "out", "--format=gif"), "--format must be one of jpg"),
        (("in", "out", "--size=0"), "'0' must look like 256 or 320x240"),
        (("in", "out", "--size=10x"), "'10x' must look like 256 or 320x240"),
        (("in", "out", "--quality=101"), "must be 1 to 100; given 101"),
    ],
)
def test_wrong_arguments(argv: tuple[str, ...], message: str, run: Run, pictures: Path) -> None:
    (pictures / "empty").mkdir()
    (pictures / "none").write_text("\n")
    result = run("resize-images", *argv)
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert message in result.err
    assert not (pictures / "out").exists()

"""Databases of images from the command line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.database import open_database
from tests.cli.conftest import Run
from tests.data.databases import encoded, images

COUNT = 4
ARGS = ("convert-imageset", "im", "list.txt", "db")


@pytest.fixture
def imageset(folder: Path) -> Path:
    (folder / "im").mkdir()
    for i, image in enumerate(images(COUNT)):
        (folder / f"im/a {i}.png").write_bytes(encoded(image))
    (folder / "list.txt").write_text("".join(f"a {i}.png {i}\n" for i in range(COUNT)))
    return folder


def held(path: Path, backend: str = "LMDB") -> tuple[list[bytes], np.ndarray, list[int]]:
    """Return keys, images and labels."""
    database = open_database(path, backend)
    records = database.read(0, len(database))
    decoded = [database.decode(record) for record in records]
    database.close()
    return (
        [key for key, _ in records],
        np.stack([image for image, _ in decoded]),
        [label for _, label in decoded],
    )


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_a_list_becomes_a_database(backend: str, run: Run, imageset: Path) -> None:
    result = run(*ARGS, f"-backend={backend}", "--check_size")
    assert (result.status, result.out) == (0, "db: 4 images\n")
    keys, pixels, labels = held(imageset / "db", backend.upper())
    assert keys == [b"%08d_a %d.png" % (i, i) for i in range(COUNT)]
    assert np.array_equal(pixels, images(COUNT))
    assert labels == [0, 1, 2, 3]


def test_options(run: Run, imageset: Path) -> None:
    options = ("--gray", "--resize_width=4", "--resize_height=3", "--shuffle", "--seed", "3")
    assert run(*ARGS, *options, "--encode_type=png").status == 0
    _, pixels, labels = held(imageset / "db")
    assert pixels.shape == (COUNT, 1, 3, 4)
    assert sorted(labels) == [0, 1, 2, 3] != labels
    assert run(*ARGS, *options, "--force").status == 0
    _, raw, again = held(imageset / "db")
    assert again == labels
    assert np.array_equal(raw, pixels)
    assert run("convert-imageset", "im", "list.txt", "db2", "--encoded").status == 0
    assert np.array_equal(held(imageset / "db2")[1], images(COUNT))


def test_bad_images(run: Run, imageset: Path) -> None:
    (imageset / "im/a 1.png").write_text("no image")
    result = run(*ARGS)
    assert result.status == 2
    assert "netcfg: error: list.txt:2: cannot read image 'im/a 1.png': no image" in result.err
    assert not (imageset / "db").exists()
    result = run(*ARGS, "--skip_bad")
    assert (result.status, result.out) == (0, "db: 3 images, 1 left out\n")
    assert "netcfg: warning: list.txt:2: cannot read image" in result.err
    for i in range(COUNT):
        (imageset / f"im/a {i}.png").write_text("")
    result = run("convert-imageset", "im", "list.txt", "none", "--skip-bad")
    assert (result.status, "there are no records" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("imm", "list.txt", "db"), "file 'imm' not found; looked in '.'; did you mean 'im'?"),
        (("list.txt", "list.txt", "db"), "ROOTFOLDER 'list.txt' is no folder"),
        (("im", "lst.txt", "db"), "file 'lst.txt' not found"),
        (("im", "im", "db"), "cannot read list 'im': Is a directory"),
        (("im", "empty", "db"), "list 'empty' is empty"),
        (("im", "list.txt", "im"), "'im' is there already and is no database"),
        (("im", "list.txt", "list.txt/db"), "cannot write 'list.txt/db'"),
        ((*ARGS[1:], "--resize_width=3"), "--resize-width needs --resize-height too"),
        ((*ARGS[1:], "--encode_type=gif"), "--encode-type must be one of jpg, jpeg, png"),
        ((*ARGS[1:], "--backend=sql"), "invalid choice: 'sql'"),
    ],
)
def test_wrong_arguments(argv: tuple[str, ...], message: str, run: Run, imageset: Path) -> None:
    (imageset / "empty").write_text("")
    result = run("convert-imageset", *argv)
    assert result.status == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert not (imageset / "db").exists()


def test_an_empty_root_is_here(run: Run, imageset: Path) -> None:
    Image.new("L", (2, 2)).save("x.png")
    (imageset / "list.txt").write_text("x.png 1")
    assert run("convert-imageset", "", "list.txt", "db").status == 0
    assert held(imageset / "db")[1].shape == (1, 3, 2, 2)

from pathlib import Path

import numpy as np
import pytest

from netcfg.data.draws import Draws
from netcfg.data.image_list import ImageList
from netcfg.errors import DataError
from tests.data.databases import encoded, images

COUNT = 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "im").mkdir()
    for i, image in enumerate(images(COUNT)):
        (tmp_path / f"im/a {i}.png").write_bytes(encoded(image))
    lines = [f"a {i}.png {i}" for i in range(COUNT)]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def labels(source: ImageList, start: int, count: int) -> list[int]:
    return [source.decode(raw)[1] for raw in source.read(start, count)]


def test_paths_may_contain_spaces(folder: Path) -> None:
    source = ImageList(folder / "list.txt", root=f"{folder}/im/")
    assert labels(source, 3, 4) == [3, 4, 0, 1]
    image, label = source.decode(source.read(2, 1)[0])
    assert np.array_equal(image, images(COUNT)[2])
    assert label == 2
    assert source.where(source.read(2, 1)[0]) == f"{folder}/list.txt:3"


@pytest.mark.parametrize(
    ("line", "path", "label"),
    [
        ("x.png 7", "x.png", 7),
        ("x.png\t7", "x.png", 7),
        ("x.png 7\r", "x.png", 7),
        ("  x y.png   -1  ", "x y.png", -1),
        ("/abs/x 3.png 12", "/abs/x 3.png", 12),
        ("x 1 2", "x 1", 2),
    ],
)
def test_lines(tmp_path: Path, line: str, path: str, label: int) -> None:
    (tmp_path / "list").write_text(f"\n{line}\n\n", newline="")
    source = ImageList(tmp_path / "list")
    assert (source.files, source.labels, source.lines) == ([path], [label], [2])


@pytest.mark.parametrize("line", ["x.png", "x.png 0.5", "x.png dog", "7", " 7", "x.png 7 8.5"])
def test_wrong_lines(tmp_path: Path, line: str) -> None:
    (tmp_path / "list").write_text(f"a.png 0\n{line}\n")
    with pytest.raises(DataError, match=r"list:2: a line must be a path, a space and an integer"):
        ImageList(tmp_path / "list")


def test_empty_and_missing_lists(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("\n\n")
    with pytest.raises(DataError, match=r"list '.*list' is empty"):
        ImageList(tmp_path / "list")
    with pytest.raises(DataError, match=r"cannot read list '.*': Is a directory"):
        ImageList(tmp_path)


def test_roots(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = images(COUNT)[0]
    for root in (f"{folder}/im/", f"{folder}/im"):
        source = ImageList(folder / "list.txt", root=root)
        assert np.array_equal(source.decode(0)[0], image)
    (folder / "rooted.txt").write_text("/im/a 0.png 0\n")
    assert ImageList(folder / "rooted.txt", root=str(folder)).decode(0)[1] == 0
    (folder / "beside.txt").write_text("im/a 0.png 0\n")
    assert ImageList(folder / "beside.txt").decode(0)[1] == 0
    monkeypatch.chdir(folder)
    assert ImageList(Path("beside.txt")).root == ""
    (folder / "whole.txt").write_text(f"{folder}/im/a 0.png 0\n")
    assert ImageList(folder / "whole.txt").decode(0)[1] == 0


def test_size_and_color(folder: Path) -> None:
    root = f"{folder}/im/"
    assert ImageList(folder / "list.txt", root=root, size=(9, 4)).decode(0)[0].shape == (3, 9, 4)
    assert ImageList(folder / "list.txt", root=root, color=False).decode(0)[0].shape == (1, 6, 5)


def test_shuffled_epochs(folder: Path) -> None:
    source = ImageList(folder / "list.txt", shuffle=Draws(1, "data"))
    read = source.read(0, 6 * COUNT)
    epochs = [tuple(read[i : i + COUNT]) for i in range(0, len(read), COUNT)]
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert len(set(epochs)) > 3
    assert source.read(7, 9) == read[7:16]
    assert ImageList(folder / "list.txt", shuffle=Draws(2, "data")).read(0, 30) != read


def test_missing_images_are_named(folder: Path) -> None:
    (folder / "im/a 1.png").unlink()
    source = ImageList(folder / "list.txt", root=f"{folder}/im/")
    with pytest.raises(DataError, match=r"cannot read image '.*/im/a 1\.png': No such file"):
        source.decode(1)
    source.close()

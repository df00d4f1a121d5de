"""What inputs of a command line mean."""

import errno
import io
import os
from pathlib import Path

import pytest
from PIL import Image

from netcfg.errors import DataError, NetError
from netcfg.vision.inputs import collect, of_images
from tests.data.databases import images, make_leveldb, make_lmdb
from tests.vision.nets import write_pictures


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "a", 3)
    write_pictures(tmp_path / "a/z", 1)
    (tmp_path / "a/notes.md").write_text("x")
    (tmp_path / "a/.hidden.png").write_text("x")
    return tmp_path


def names(*words: str, lists: tuple[str, ...] = ()) -> list[str]:
    return [item.name for item in collect(words, lists)]


ONLY = ["000_blue.png", "001_green.png", "002_red.png", "z/000_blue.png"]
IN_A = ["a/000_blue.png", "a/001_green.png", "a/002_red.png"]


def test_files_folders_and_patterns(folder: Path) -> None:
    assert names("a/002_red.png", "a") == ["a/002_red.png", *IN_A, "a/z/000_blue.png"]
    assert names("a/*_[br]*.png") == ["a/000_blue.png", "a/002_red.png"]
    assert names("**/*.png") == [*IN_A, "a/z/000_blue.png"]
    assert collect(["a/002_red.png"])[0].picture().getpixel((0, 0)) == (255, 0, 0)


def test_folders_behind_links_are_entered_once(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more/linked").symlink_to(folder / "a", target_is_directory=True)
    (folder / "more/round").symlink_to(folder, target_is_directory=True)
    assert names("more") == [f"more/linked/{name}" for name in ONLY]


def test_what_may_not_be_entered(folder: Path) -> None:
    with pytest.raises(NetError, match=r"cannot read 'x+': File name too long"):
        collect(["x" * 300])


def test_pipes_are_no_pictures(folder: Path) -> None:
    os.mkfifo(folder / "a/pipe.png")
    (folder / "a/link.png").symlink_to("nowhere.png")
    found = collect(["a"])
    assert [item.name for item in found if "00" not in item.name] == ["a/link.png"]
    with pytest.raises(DataError, match="cannot be read: No such file"):
        found[-2].picture()


def test_a_folder_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(NetError, match=r"cannot read folder 'a': Permission denied"):
        collect(["a"])


def test_lists(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "l.txt").write_text("a/002_red.png 7\n\na/000_blue.png\nmissing.png 1\n")
    assert names("l.txt") == ["a/002_red.png", "a/000_blue.png", "missing.png"]
    (folder / "a/files").write_text("002_red.png\n")
    (item,) = collect([], ["a/files"])
    assert (item.name, item.picture().size) == ("002_red.png", (12, 8))
    (folder / "a b 3.png").write_bytes((folder / "a/002_red.png").read_bytes())
    monkeypatch.setattr("sys.stdin", io.StringIO("a/000_blue.png\na b 3.png\n"))
    assert names("-") == ["a/000_blue.png", "a b 3.png"]


def test_what_is_missing_in_a_list_is_told_in_its_turn(folder: Path) -> None:
    (folder / "l.txt").write_text("missing.png 1\n")
    (item,) = collect(["l.txt"])
    with pytest.raises(DataError, match=r"No such file"):
        item.picture()


def test_databases(folder: Path) -> None:
    values = images(40, (3, 4, 5))
    make_lmdb(folder / "db", values)
    items = collect(["db"])
    assert len(items) == 40
    assert items[0].name.startswith("db:0")
    for k in (0, 17, 39):
        b, g, r = values[k, :, 0, 0].tolist()
        assert items[k].picture().getpixel((0, 0)) == (r, g, b)
    assert len(collect(["db/data.mdb"])) == 40
    make_leveldb(folder / "level", values[:3])
    items = collect(["level"])
    assert [item.name for item in items] == [f"level:{k:08d}" for k in range(3)]
    assert items[2].picture().getpixel((0, 0)) == tuple(values[2, ::-1, 0, 0].tolist())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no pictures are named"),
        ([""], "an input is empty"),
        (["a/003_red.png"], "file 'a/003_red.png' not found"),
        (["*.webp"], "no file has a name like '*.webp'"),
        (["empty"], "folder 'empty' holds no pictures; files that end in .bmp, "),
        (["none.txt"], "list 'none.txt' names no pictures"),
    ],
)
def test_what_names_nothing(folder: Path, words: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    (folder / "none.txt").write_text("\n")
    with pytest.raises(NetError) as error:
        collect(words)
    assert message in str(error.value)


def test_images_of_programs() -> None:
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    items = of_images(["x.png", red])
    assert [item.name for item in items] == ["x.png", "1"]
    assert items[1].picture().size == (2, 2)

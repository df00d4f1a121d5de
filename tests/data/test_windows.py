from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.data.draws import Draws
from netcfg.data.warp import Warp
from netcfg.data.windows import WindowFeed, WindowList
from netcfg.errors import DataError
from tests.data.databases import encoded

TEXT = """
# 0
im/a b.png
3
10
12
4
1 0.7 0 0 3 3
2 0.5 4 4 7 7
3 0.49 1 1 4 4
3 0.3 2 2 5 5
# 1
im/c.png
3 10 12
0

# 2
im/d.png
3
10
12
1
4 1 8 6 11 9
"""
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 3, 10, 12), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "im").mkdir()
    for name, image in zip(("a b", "c", "d"), IMAGES, strict=True):
        (tmp_path / f"im/{name}.png").write_bytes(encoded(image))
    (tmp_path / "windows.txt").write_text(TEXT)
    return tmp_path


def windows(folder: Path, **options: Any) -> WindowList:
    return WindowList(folder / "windows.txt", **options)


def feed(folder: Path, **options: Any) -> WindowFeed:
    draws = Draws(options.pop("seed", 1), "w")
    options = {"warp": Warp(4), "size": 4, "share": 0.5, **options}
    return WindowFeed(options.pop("windows", None) or windows(folder), draws=draws, **options)


# The list ----------------------------------------------------------------------------------------


def test_objects_and_background(folder: Path) -> None:
    found = windows(folder)
    assert found.files == ["im/a b.png", "im/c.png", "im/d.png"]
    assert found.file(2) == f"{folder}/im/d.png"
    assert found.objects.tolist() == [
        [0, 1, 0, 0, 3, 3, 8],
        [0, 2, 4, 4, 7, 7, 9],
        [2, 4, 8, 6, 11, 9, 23],
    ]
    assert found.background.tolist() == [[0, 0, 1, 1, 4, 4, 10], [0, 0, 2, 2, 5, 5, 11]]


def test_between_the_thresholds_lies_neither(folder: Path) -> None:
    found = windows(folder, objects=0.6, background=0.4, root="/data")
    assert found.objects[:, 1].tolist() == [1, 4]
    assert found.background[:, -1].tolist() == [11]
    assert found.file(1) == "/data/im/c.png"


def test_thresholds_have_32_bits_as_the_overlaps(folder: Path) -> None:
    (folder / "windows.txt").write_text("# 0\na\n3\n1\n1\n2\n1 0.7 0 0 0 0\n1 0.3 0 0 0 0\n")
    exact = float(np.float32(0.7)), float(np.float32(0.3))
    found = windows(folder, objects=exact[0], background=exact[1])
    assert (len(found.objects), len(found.background)) == (1, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list of windows '.*windows.txt' is empty"),
        ("0\n", r"windows.txt:1: an image must begin with '# NUMBER'; given '0'"),
        ("#0\n", r"windows.txt:1: an image must begin"),
        ("# 0\n", r":1: path, channels, .* must follow '# NUMBER'; given 'the end of the file'"),
        ("# 0\na.png\n3\n10\n", r":4: path, channels, .* must follow '# NUMBER'; given '3 10'"),
        ("# 0\na.png\n3\n10 12\nx\n", r":5: path, channels, .*; given '3 10 12 x'"),
        (
            "# 0\na.png\n1\n10\n12\n0\n",
            r":6: images are read in colour, with 3 channels; given '1'",
        ),
        ("# 0\na\n3 1 1 2\n1 1 0 0 0 0\n", "'a' has 2 windows by its head, .* ends after 1"),
        ("# 0\na\n3 1 1 1\n1 1 0 0 0\n", r":4: a window must be class, .*; given '1 1 0 0 0'"),
        ("# 0\na\n3 1 1 2\n1 1 0 0 0 0\n# 1\n", r":5: a window must be class, .*; given '# 1'"),
        ("# 0\na\n3 1 1 1\n1 x 0 0 0 0\n", r":4: all numbers of a window .* be whole; given '1 x"),
        ("# 0\na\n3 1 1 1\n1 nan 0 0 0 0\n", r":4: all numbers .* whole; given '1 nan 0 0 0 0'"),
        ("# 0\na\n3 1 1 1\n1 1 0 0.5 0 0\n", r":4: all numbers of a window but the overlap must"),
        ("# 0\na\n3 1 1 1\n1 1 0 1e99 0 0\n", r":4: all numbers of a window but the overlap must"),
        ("# 0\na\n3 1 1 1\n0 0.5 0 0 0 0\n", r":4: the class of an object must be at .* given '0'"),
    ],
)
def test_wrong_lists(folder: Path, text: str, message: str) -> None:
    (folder / "windows.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        windows(folder)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read list of windows .*: No such file"):
        windows(tmp_path)


# Batches ---------------------------------------------------------------------------------------


def test_background_comes_first_then_objects(folder: Path) -> None:
    made = feed(folder, size=7, share=0.5)
    seen: set[int] = set()
    for k in range(10):
        data, labels = made(k).arrays
        assert (data.shape, data.dtype, labels.dtype) == ((7, 3, 4, 4), np.float32, np.float32)
        assert labels[:4].tolist() == [0] * 4
        assert min(labels[4:]) > 0
        seen.update(labels[4:].astype(int))
    assert seen == {1, 2, 4}
    assert len(made) == 5


def test_a_batch_holds_the_windows_of_its_labels(folder: Path) -> None:
    boxes = {1: IMAGES[0, :, :4, :4], 2: IMAGES[0, :, 4:8, 4:8], 4: IMAGES[2, :, 6:, 8:]}
    grounds = [IMAGES[0, :, 1:5, 1:5], IMAGES[0, :, 2:6, 2:6]]
    for keep in (False, True):
        data, labels = feed(folder, size=40, keep=keep)(0).arrays
        for window, label in zip(data, labels, strict=True):
            known = [boxes[int(label)]] if label else grounds
            assert any(np.array_equal(window, ground) for ground in known)


def test_a_batch_depends_on_its_number_and_the_seed_alone(folder: Path) -> None:
    made = feed(folder, size=6)
    first = [made(k).arrays[0] for k in range(3)]
    again = feed(folder, size=6)
    assert all(np.array_equal(again(k).arrays[0], first[k]) for k in (2, 0, 1))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(feed(folder, size=6, seed=2)(0).arrays[0], first[0])


def test_about_every_second_window_is_mirrored_and_the_choice_stays(folder: Path) -> None:
    plain = feed(folder, size=200)(0).arrays[0]
    turned = feed(folder, size=200, mirror=True)(0).arrays[0]
    count = 0
    for a, b in zip(plain, turned, strict=True):
        mirrored = np.array_equal(a[:, :, ::-1], b)
        assert mirrored or np.array_equal(a, b)
        count += mirrored
    assert 70 < count < 130


@pytest.mark.parametrize(
    ("size", "share", "objects"), [(4, 0.25, 1), (10, 0.3, 3), (7, 0.99, 6), (3, 1, 3), (3, 0, 0)]
)
def test_the_number_of_objects_is_cut_down(
    folder: Path, size: int, share: float, objects: int
) -> None:
    labels = feed(folder, size=size, share=float(np.float32(share)))(0).arrays[1]
    assert np.count_nonzero(labels) == objects


def test_only_what_is_drawn_must_be_there(folder: Path) -> None:
    (folder / "windows.txt").write_text("# 0\nim/c.png\n3\n10\n12\n1\n1 0.9 0 0 3 3\n")
    with pytest.raises(DataError, match=r"has no windows of background: none is below bg_thresho"):
        feed(folder)
    assert feed(folder, share=1)(0).arrays[1].tolist() == [1] * 4
    (folder / "windows.txt").write_text("# 0\nim/c.png\n3\n10\n12\n1\n1 0.1 0 0 3 3\n")
    with pytest.raises(DataError, match=r"has no windows of objects: none reaches fg_threshold"):
        feed(folder)


def test_kept_images_are_read_once(folder: Path) -> None:
    made = feed(folder, size=40, keep=True)
    first = made(0).arrays[0]
    for path in (folder / "im").iterdir():
        path.unlink()
    np.testing.assert_array_equal(made(0).arrays[0], first)
    made.close()
    with pytest.raises(DataError, match=r"windows.txt:\d+: cannot read image .*: No such file"):
        made(0)


@pytest.mark.parametrize("keep", [False, True])
def test_what_cannot_be_read(folder: Path, keep: bool) -> None:
    (folder / "im/d.png").write_bytes(b"no image")
    with pytest.raises(
        DataError, match=r"windows.txt:23: cannot read image '.*d.png': no image of"
    ):
        feed(folder, share=1, size=40, keep=keep)(0)
    (folder / "im/d.png").unlink()
    with pytest.raises(DataError, match=r"windows.txt:23: cannot read image '.*d.png': No such"):
        feed(folder, share=1, size=40, keep=keep)(0)
    batch = feed(folder, share=1, size=40, keep=keep, tolerate=1)(0)
    assert {int(label) for label in batch.arrays[1]} == {1, 2}
    assert {where for where, _ in batch.bad} == {f"{folder}/windows.txt:23"}
    (folder / "im/a b.png").unlink()
    with pytest.raises(DataError, match=r"more than the 1 records that skip_bad_data passes over"):
        feed(folder, share=1, keep=keep, tolerate=1)(0)


def test_a_window_beyond_its_image_is_named(folder: Path) -> None:
    text = (folder / "windows.txt").read_text().replace("8 6 11 9", "8 6 12 9")
    (folder / "windows.txt").write_text(text)
    with pytest.raises(DataError, match=r"windows.txt:23: window \(8, 6, 12, 9\) must lie in the"):
        feed(folder, share=1, size=40)(0)

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.resize_images import (
    FILTERS,
    Resized,
    Size,
    images_below,
    listed_images,
    pair_up,
    resize_images,
)
from netcfg.errors import DataError, NetError
from netcfg.io.image import read_image, resize_image
from tests.data.databases import encoded, images

WIDE = images(1, (3, 10, 20))[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("in/a.png", "in/b/c d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encoded(WIDE))
    (tmp_path / "in/notes.txt").write_text("no image")
    return tmp_path


def pairs(folder: Path, ending: str = "") -> list[tuple[Path, Path]]:
    return pair_up(images_below(folder / "in"), folder / "in", folder / "out", ending)


@pytest.mark.parametrize(
    ("size", "scaled", "made"),
    [
        (Size(5, 5), (10, 5), (10, 5)),
        (Size(5, 5, crop=True), (10, 5), (5, 5)),
        (Size(8, 9, exact=True), (8, 9), (8, 9)),
        (Size(8, 2, exact=True, crop=True), (8, 4), (8, 2)),
        (Size(3, 9, exact=True, crop=True), (18, 9), (3, 9)),
        (Size(7, 7), (14, 7), (14, 7)),
    ],
)
def test_sizes(size: Size, scaled: tuple[int, int], made: tuple[int, int], folder: Path) -> None:
    assert size.scaled(20, 10) == scaled
    assert size.scaled(10, 20)[::-1] == Size(size.height, size.width, size.exact, size.crop).scaled(
        20, 10
    )
    assert resize_images(pairs(folder), size) == Resized(2)
    for name in ("a.png", "b/c d.png"):
        with Image.open(folder / "out" / name) as image:
            assert image.size == made
            assert size.fits(*image.size)
    assert resize_images(pairs(folder), size) == Resized(0, 2)


def test_opencv_filter_and_crop_are_those_of_caffe(folder: Path) -> None:
    resize_images(pairs(folder), Size(5, 5, crop=True), method="opencv")
    expected = resize_image(WIDE, 5, 10)[:, :, 2:7]
    assert np.array_equal(read_image(folder / "out/a.png", True), expected)


@pytest.mark.parametrize("method", [name for name in FILTERS if FILTERS[name] is not None])
def test_filters_are_those_of_pillow(method: str, folder: Path) -> None:
    resize_images(pairs(folder), Size(9, 3, exact=True), method=method)
    with Image.open(folder / "in/a.png") as image:
        expected = np.asarray(image.resize((9, 3), FILTERS[method]))
    made = read_image(folder / "out/a.png", True)
    assert np.array_equal(made[::-1].transpose(1, 2, 0), expected)


@pytest.mark.parametrize("tag", range(1, 9))
def test_images_stand_upright(tag: int, folder: Path) -> None:
    (folder / "in/a.png").unlink()
    with Image.open(folder / "in/b/c d.png") as image:
        exif = image.getexif()
        exif[0x0112] = tag
        image.save(folder / "in/b/c d.png", exif=exif)
    resize_images(pairs(folder), Size(10, 10), method="opencv")
    turned = WIDE.transpose(1, 2, 0)
    turned = {
        1: turned,
        2: np.fliplr(turned),
        3: np.rot90(turned, 2),
        4: np.flipud(turned),
        5: turned.transpose(1, 0, 2),
        6: np.rot90(turned, -1),
        7: np.rot90(turned.transpose(1, 0, 2), 2),
        8: np.rot90(turned),
    }[tag]
    made = read_image(folder / "out/b/c d.png", True)
    assert np.array_equal(made, turned.transpose(2, 0, 1))


def test_only_what_is_missing_is_made(folder: Path) -> None:
    size = Size(5, 5)
    resize_images(pairs(folder), size)
    first, second = (out for _, out in pairs(folder))
    before = second.stat().st_mtime_ns
    first.unlink()
    assert resize_images(pairs(folder), size) == Resized(1, 1)
    assert second.stat().st_mtime_ns == before
    os.utime(folder / "in/a.png", ns=(before * 2, before * 2))
    assert resize_images(pairs(folder), size) == Resized(1, 1)
    os.utime(folder / "in/a.png", ns=(1, 1))
    second.write_bytes(b"")
    assert resize_images(pairs(folder), size) == Resized(1, 1)
    assert resize_images(pairs(folder), Size(6, 6)) == Resized(2)
    assert resize_images(pairs(folder), Size(6, 6), force=True) == Resized(2)


def test_formats_and_quality(folder: Path) -> None:
    resize_images(pairs(folder, "jpg"), Size(10, 10), quality=5)
    small = (folder / "out/b/c d.jpg").stat().st_size
    resize_images(pairs(folder, "jpg"), Size(10, 10), quality=95, force=True)
    assert small < (folder / "out/b/c d.jpg").stat().st_size
    assert (folder / "out/a.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_bad_images_are_named_or_left_out(folder: Path) -> None:
    (folder / "in/a.png").write_text("no image")
    with pytest.raises(DataError, match=r"in/a.png: no image of a known format"):
        resize_images(pairs(folder), Size(5, 5))
    result = resize_images(pairs(folder), Size(5, 5), skip_bad=True, force=True)
    assert (result.written, [where for where, _ in result.skipped]) == (1, [f"{folder}/in/a.png"])
    (folder / "in/a.png").unlink()
    missing = [(folder / "in/a.png", folder / "out/a.png")]
    with pytest.raises(DataError, match=r"in/a.png: No such file"):
        resize_images(missing, Size(5, 5))


def test_what_cannot_be_written(folder: Path) -> None:
    (folder / "out").write_text("")
    with pytest.raises(NetError, match=r"cannot write '.*out/a.png'"):
        resize_images(pairs(folder), Size(5, 5))


def test_lists_may_have_labels(folder: Path) -> None:
    (folder / "in/e 1").write_text("")
    (folder / "list").write_text("a.png 3\n\n  b/c d.png\ne 1\n/a.png\n")
    assert listed_images(folder / "list", folder / "in") == ["a.png", "b/c d.png", "e 1", "a.png"]


def test_each_result_has_one_image(folder: Path) -> None:
    assert images_below(folder / "in") == ["a.png", "b/c d.png"]
    source, target = folder / "in", folder / "out"
    assert pair_up(["a.png", "a.png"], source, target) == [(source / "a.png", target / "a.png")]
    with pytest.raises(DataError, match=r"'a.png' and 'a.bmp' would both become '.*out/a.jpg'"):
        pair_up(["a.png", "a.bmp"], source, target, "jpg")
    with pytest.raises(DataError, match=r"'../a.png' leads out of the folder"):
        pair_up(["../a.png"], source, target)
    with pytest.raises(DataError, match=r"'a.gif' has none of the endings jpg, .*--format"):
        pair_up(["a.gif"], source, target)

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.draws import Draws
from netcfg.data.segmentation import (
    Cutting,
    SegmentationFeed,
    SegmentationList,
    nearest,
    read_labels,
)
from netcfg.errors import DataError
from netcfg.io.image import resize_image

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (3, 4, 6)).astype(np.uint8)
LABELS = RNG.integers(0, 20, (4, 6)).astype(np.int32)
TURN, KEEP = np.uint64(1 << 63), np.uint64(0)


def numbers(mirror=KEEP, top=0, left=0):
    return np.array([mirror, top, left, 0], np.uint64)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        picture = np.roll(IMAGE, i, axis=2)[::-1].transpose(1, 2, 0)
        Image.fromarray(np.ascontiguousarray(picture)).save(f"{i}.png")
        Image.fromarray(np.roll(LABELS, i, axis=1).astype(np.uint8)).save(f"{i}_labels.png")
    Path("list.txt").write_text("0.png 0_labels.png\n\n1.png 1_labels.png\n2.png 2_labels.png\n")


def listed(text: str, **fields) -> SegmentationList:
    Path("other.txt").write_text(text)
    return SegmentationList(Path("other.txt"), **fields)


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "1"])
def test_labels_are_gray_values_or_indices(mode):
    values = LABELS % 2 * 255 if mode == "1" else LABELS * (100 if mode == "I;16" else 1)
    dtype = {"1": bool, "I;16": np.uint16}.get(mode, np.uint8)
    image = Image.fromarray(values.astype(dtype))
    if mode == "P":
        image = Image.fromarray(values.astype(np.uint8), "L")
        image.putpalette(list(range(255, -1, -1)) * 3)
    image.save("labels.png")
    found = read_labels("labels.png")
    np.testing.assert_array_equal(found, values > 0 if mode == "1" else values)
    assert found.dtype == np.int32


def test_labels_that_are_refused():
    with pytest.raises(DataError, match=r"labels '0.png' must be one number .* has mode RGB"):
        read_labels("0.png")
    with pytest.raises(DataError, match=r"cannot read labels 'none\.png': No such file"):
        read_labels("none.png")
    Path("bad.png").write_text("nothing")
    with pytest.raises(DataError, match=r"cannot read labels 'bad.png'"):
        read_labels("bad.png")


def test_lines_by_position():
    source = SegmentationList(Path("list.txt"))
    assert len(source) == 3
    assert [source.line(p) for p in range(5)] == [0, 1, 2, 0, 1]
    assert source.where(1) == "list.txt:3"
    image, labels = source.read(1)
    np.testing.assert_array_equal(image, np.roll(IMAGE, 1, axis=2))
    np.testing.assert_array_equal(labels, np.roll(LABELS, 1, axis=1))


def test_shuffled_anew_in_every_epoch():
    source = SegmentationList(Path("list.txt"), shuffle=Draws(3, "data"))
    epochs = [[source.line(3 * e + i) for i in range(3)] for e in range(6)]
    assert all(sorted(lines) == [0, 1, 2] for lines in epochs)
    assert len({tuple(lines) for lines in epochs}) > 1


def test_kinds_of_labels():
    _, labels = listed("0.png 7\n", labels="image").read(0)
    np.testing.assert_array_equal(labels, np.full((4, 6), 7))
    _, labels = listed("0.png\n", labels="none", blank=9).read(0)
    np.testing.assert_array_equal(labels, np.full((4, 6), 9))
    image, labels = listed("0.png 0_labels.png\n", color=False, size=(2, 3)).read(0)
    assert image.shape == (1, 2, 3)
    np.testing.assert_array_equal(labels, LABELS[::2, ::2])


def test_nearest():
    labels = np.array([[1, 2], [3, 4]])
    assert nearest(labels, 4, 3).tolist() == [[1, 1, 2]] * 2 + [[3, 3, 4]] * 2


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("\n", {}, "list 'other.txt' is empty"),
        ("a.png b.png\nc.png\n", {}, r"other.txt:2: .* and the path of its labels; given 'c.png'"),
        ("a.png b\n", {"labels": "image"}, r"other.txt:1: .* and a label; given 'a.png b'"),
    ],
)
def test_lists_that_are_refused(text, fields, message):
    with pytest.raises(DataError, match=message):
        listed(text, **fields)
    with pytest.raises(DataError, match=r"cannot read list 'none\.txt': No such file"):
        SegmentationList(Path("none.txt"))


def test_sizes_that_differ_are_refused():
    Image.fromarray(np.zeros((3, 3), np.uint8)).save("small.png")
    with pytest.raises(DataError, match=r"labels of \(3, 3\) do not fit an image of \(4, 6\)"):
        listed("0.png small.png\n").read(0)


def test_a_crop_in_the_middle_or_anywhere():
    x, y = Cutting(crop=(2, 3))(IMAGE, LABELS, numbers())
    np.testing.assert_array_equal(x, IMAGE[:, 1:3, 1:4])
    np.testing.assert_array_equal(y, LABELS[None, 1:3, 1:4])
    x, y = Cutting(crop=(2, 3), random=True)(IMAGE, LABELS, numbers(top=5, left=7))
    np.testing.assert_array_equal(x, IMAGE[:, 2:4, 3:6])  # 5 % 3 rows, 7 % 4 columns
    np.testing.assert_array_equal(y, LABELS[None, 2:4, 3:6])


def test_a_crop_larger_than_the_image():
    cutting = Cutting(crop=(6, 3), mean=np.full((3, 1, 1), 5, np.float32), scale=2, fill=99)
    x, y = cutting(IMAGE, LABELS, numbers())
    np.testing.assert_array_equal(x[:, :4], (IMAGE[:, :, 1:4].astype(float) - 5) * 2)
    assert not x[:, 4:].any()
    np.testing.assert_array_equal(y[0, :4], LABELS[:, 1:4])
    assert (y[0, 4:] == 99).all()


def test_both_are_mirrored_or_none():
    for number, step in ((TURN, -1), (KEEP, 1)):
        x, y = Cutting(mirror=True)(IMAGE, LABELS, numbers(number))
        np.testing.assert_array_equal(x, IMAGE[:, :, ::step])
        np.testing.assert_array_equal(y[0], LABELS[:, ::step])
    x, _ = Cutting()(IMAGE, LABELS, numbers(TURN))
    np.testing.assert_array_equal(x, IMAGE)


def test_sizes_are_drawn_from_factors():
    cutting = Cutting(factors=(0.5, 2))
    for number, size in ((0, (2, 3)), (1, (8, 12))):
        drawn = numbers()
        drawn[3] = number
        image, labels = cutting.scaled(IMAGE, LABELS, drawn)
        np.testing.assert_array_equal(image, resize_image(IMAGE, *size))
        np.testing.assert_array_equal(labels, nearest(LABELS, *size))
    assert Cutting().scaled(IMAGE, LABELS, numbers())[0] is IMAGE
    feed = SegmentationFeed(
        SegmentationList(Path("list.txt")), Cutting(crop=(9, 9), factors=(2,)), 2, Draws(1, "data")
    )
    images, labels, sizes = feed(0).arrays
    np.testing.assert_array_equal(images[0, :, :8], resize_image(IMAGE, 8, 12)[:, :, 1:10])
    np.testing.assert_array_equal(labels[0, 0, :8], nearest(LABELS, 8, 12)[:, 1:10])
    assert sizes[:, 0, 0].tolist() == [[8, 9]] * 2


def test_means_that_do_not_fit():
    with pytest.raises(DataError, match=r"the mean has shape \(3, 5, 6\), the image \(3, 4, 6\)"):
        Cutting(mean=np.zeros((3, 5, 6), np.float32))(IMAGE, LABELS, numbers())


def feed(source: SegmentationList, size=2, **fields) -> SegmentationFeed:
    cutting = Cutting(crop=(3, 4), mirror=True, random=True)
    return SegmentationFeed(source, cutting, size, Draws(1, "data"), **fields)


def test_a_batch_depends_on_its_number_alone():
    source = SegmentationList(Path("list.txt"))
    batches = feed(source)
    assert len(batches) == 3
    assert batches.shapes() == ((2, 3, 3, 4), (2, 1, 3, 4), (2, 1, 1, 2))
    first, later = batches(0).arrays, batches(4).arrays
    assert tuple(a.shape for a in first) == batches.shapes()
    assert all(a.dtype == np.float32 for a in first)
    for a, b in zip(later, feed(source, skip=8)(0).arrays, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first[2].ravel().tolist() == [3, 4, 3, 4]
    # Labels lie where their pixels lie, whatever the crop.
    shifts = {tuple(np.roll(LABELS, i, 1).ravel()): i for i in range(3)}
    assert len(shifts) == 3
    for i in range(2):
        whole, labels = np.roll(IMAGE, i, axis=2), np.roll(LABELS, i, axis=1)
        places = [
            (t, left, s)
            for t in range(2)
            for left in range(3)
            for s in (1, -1)
            if (whole[:, t : t + 3, left : left + 4][:, :, ::s] == first[0][i]).all()
        ]
        ((t, left, s),) = places
        np.testing.assert_array_equal(labels[t : t + 3, left : left + 4][:, ::s], first[1][i, 0])


def test_records_that_cannot_be_used():
    source = listed("0.png 0_labels.png\nnone.png 0_labels.png\n1.png 1_labels.png\n")
    with pytest.raises(DataError, match=r"other.txt:2: cannot read image 'none.png'"):
        feed(source)(0)
    batch = feed(source, tolerate=1)(0)
    assert [where for where, _ in batch.bad] == ["other.txt:2"]
    assert batch.arrays[0].shape == (2, 3, 3, 4)
    lost = listed("none.png 0_labels.png\n")
    with pytest.raises(DataError, match="more than the 1 records that skip_bad_data passes over"):
        feed(lost, tolerate=1)(0)


def test_shapes_of_a_batch_must_agree():
    Image.fromarray(np.zeros((3, 3, 3), np.uint8)).save("small.png")
    source = listed("0.png 1\nsmall.png 2\n", labels="image")
    batches = SegmentationFeed(source, Cutting(), 2, Draws(1, "data"))
    with pytest.raises(DataError, match=r"other.txt:2: the image becomes \(3, 3, 3\), the first"):
        batches(0)
    batches.close()

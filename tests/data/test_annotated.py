"""Records with objects, and batches of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.data.annotated import AnnotatedFeed, decode_annotated, encode_annotated
from netcfg.data.augment import Augmentation
from netcfg.data.database import open_database
from netcfg.data.draws import Draws
from netcfg.data.transform import Transform
from netcfg.data.write import write_lmdb
from netcfg.errors import DataError
from netcfg.netcfg_pb2 import AnnotatedDatum
from netcfg.types import Phase
from tests.data.annotated import datum, make_annotated, objects, without_boxes
from tests.data.databases import images, make_lmdb
from tests.data.test_augment import config


def feed(path: Path, text: str = "", size: int = 4, **options: Any) -> AnnotatedFeed:
    given = config(text)
    return AnnotatedFeed(
        open_database(path, "LMDB"),
        Augmentation(given, options.pop("samplers", ())),
        Transform(given, options.pop("phase", Phase.TRAIN), None),
        size,
        Draws(options.pop("seed", 1), "data"),
        **options,
    )


def rows(*numbers: int) -> np.ndarray:
    """Return the label rows of a batch of these images as they are stored."""
    parts = [np.insert(objects(n), 0, i, axis=1) for i, n in enumerate(numbers)]
    return np.concatenate(parts)[None, None]


def test_records() -> None:
    image = images(1)[0]
    data = encode_annotated(datum(image, 5), objects(0))
    record = AnnotatedDatum.FromString(data)
    assert [group.group_label for group in record.annotation_group] == [1, 2]
    assert [len(group.annotation) for group in record.annotation_group] == [1, 2]
    sample = decode_annotated(data)
    np.testing.assert_array_equal(sample.image, image)
    np.testing.assert_array_equal(sample.objects, objects(0))
    assert (sample.label, sample.boxed) == (5, True)
    assert decode_annotated(data, color=False).image.shape == (1, 6, 5)
    empty = decode_annotated(encode_annotated(datum(image), objects(1)))
    assert empty.objects.shape == (0, 7)
    assert empty.boxed


def test_batches(tmp_path: Path) -> None:
    values = make_annotated(tmp_path / "db")
    source = feed(tmp_path / "db", size=3)
    assert len(source) == 8
    assert source.shapes() == ((3, 3, 20, 24), (1, 1, 4, 8))
    for k, numbers in enumerate([(0, 1, 2), (3, 4, 5), (6, 7, 0)]):
        data, labels = source(k).arrays
        np.testing.assert_array_equal(data, values[list(numbers)])
        np.testing.assert_array_equal(labels, rows(*numbers))
    source.close()


def test_a_batch_without_objects_has_one_row_of_minus_one(tmp_path: Path) -> None:
    make_annotated(tmp_path / "db")
    labels = feed(tmp_path / "db", size=1)(1).arrays[1]
    np.testing.assert_array_equal(labels, np.full((1, 1, 1, 8), -1))


def test_boxes_follow_crop_and_mirror(tmp_path: Path) -> None:
    make_annotated(tmp_path / "db")
    text = "crop_h: 10 crop_w: 12"
    labels = feed(tmp_path / "db", text, 1, phase=Phase.TEST)(0).arrays[1][0, 0]
    # The centre shows [¼, ¾] of both sides.
    want = [[0, 1, 0, 0.5, 0, 1, 0.5, 1], [0, 2, 0, 0, 0, 0.5, 1, 0]]
    np.testing.assert_allclose(labels, want)
    turned = [[0, 1, 0, 0, 0, 0.5, 0.5, 1], [0, 2, 0, 0.5, 0, 1, 1, 0]]
    source = feed(tmp_path / "db", text + " mirror: true", 1, phase=Phase.TEST)
    seen = [source(8 * k).arrays[1][0, 0] for k in range(20)]
    assert all(np.allclose(s, want) or np.allclose(s, turned) for s in seen)
    assert 4 < sum(np.allclose(s, turned) for s in seen) < 16


def test_random_crops_show_what_they_say(tmp_path: Path) -> None:
    image = np.zeros((3, 40, 40), np.uint8)
    image[:, 10:20, 20:30] = 200
    box = np.array([[1, 0, 0.5, 0.25, 0.75, 0.5, 0]], np.float32)
    write_lmdb(tmp_path / "db", [(b"0", encode_annotated(datum(image), box))])
    source = feed(tmp_path / "db", "crop_size: 24 mirror: true", 1)
    for k in range(20):
        data, labels = (a[0] for a in source(k).arrays)
        bright = np.argwhere(data[0] > 100)
        if not len(bright):
            assert (labels == -1).all()
            continue
        (top, left), (bottom, right) = bright.min(0) / 24, (bright.max(0) + 1) / 24
        np.testing.assert_allclose(labels[0, 0, 3:7], [left, top, right, bottom], atol=1e-6)


def test_emit_constraint_of_crops(tmp_path: Path) -> None:
    make_annotated(tmp_path / "db")
    text = "crop_size: 10 emit_constraint { emit_type: MIN_OVERLAP emit_overlap: 0.6 }"
    labels = feed(tmp_path / "db", text, 1, phase=Phase.TEST)(0).arrays[1][0, 0]
    assert labels[:, 1].tolist() == [2]


def test_scale_of_fit_small_size(tmp_path: Path) -> None:
    make_annotated(tmp_path / "db")
    text = """resize_param { resize_mode: FIT_SMALL_SIZE height: 40 width: 40
        height_scale: 20 width_scale: 10 }"""
    data, labels = feed(tmp_path / "db", text, 1)(2).arrays
    assert data.shape == (1, 3, 40, 48)
    np.testing.assert_allclose(labels[0, 0, 0, 3:7], [0, 1, 2.4, 2], rtol=1e-6)


def test_each_batch_draws_a_size(tmp_path: Path) -> None:
    make_annotated(tmp_path / "db")
    text = "resize_param { height: 8 width: 8 } resize_param { height: 12 width: 12 }"
    source = feed(tmp_path / "db", text)
    sizes = [source(k).arrays[0].shape[2] for k in range(16)]
    assert set(sizes) == {8, 12}
    assert source.shapes()[0] == (4, 3, sizes[0], sizes[0])


def test_what_is_drawn_depends_on_seed_and_record_alone(tmp_path: Path) -> None:
    make_annotated(tmp_path / "db")
    text = """mirror: true distort_param { brightness_prob: 1 brightness_delta: 60 }
        expand_param { max_expand_ratio: 3 } resize_param { height: 16 width: 16 }"""
    one, four = feed(tmp_path / "db", text, 1), feed(tmp_path / "db", text)
    data, labels = four(1).arrays
    for i in range(4):
        np.testing.assert_array_equal(one(4 + i).arrays[0][0], data[i])
    np.testing.assert_array_equal(four(1).arrays[1], labels)
    assert not np.array_equal(four(3).arrays[0], data)
    assert not np.array_equal(feed(tmp_path / "db", text, seed=2)(1).arrays[0], data)


def test_records_without_boxes_have_labels(tmp_path: Path) -> None:
    values = without_boxes(tmp_path / "db")
    source = feed(tmp_path / "db")
    assert source.shapes() == ((4, 3, 6, 5), (4,))
    data, labels = source(0).arrays
    np.testing.assert_array_equal(data, values)
    assert labels.tolist() == [0, 1, 2, 3]
    assert feed(tmp_path / "db", boxes=True)(0).arrays[1].tolist() == [[[[-1] * 8]]]


def test_bad_records(tmp_path: Path) -> None:
    good = encode_annotated(datum(images(1)[0]), objects(0))
    small = encode_annotated(datum(images(1, (3, 4, 4))[0]), objects(0))
    label = AnnotatedDatum(datum=datum(images(1)[0])).SerializeToString()
    bad = {"no AnnotatedDatum with an image": b"\x08\x01", "records without are mixed": label}
    broken = datum(images(1)[0])
    broken.data = broken.data[:-30]
    bad |= {"must have one shape": small, "damaged image": encode_annotated(broken, objects(0))}
    for message, data in bad.items():
        path = tmp_path / message[:9]
        write_lmdb(path, [(b"a", good), (b"b", data), (b"c", good)])
        with pytest.raises(DataError, match=f"record 'b': .*({message})"):
            feed(path, size=2).shapes()
        source = feed(path, size=2, tolerate=1)
        assert source.shapes()[0] == (2, 3, 6, 5)
        batch = source(0)
        assert [where[-10:] for where, _ in batch.bad] == ["record 'b'"]
        assert batch.arrays[0].shape[0] == 2


def test_too_many_bad_records(tmp_path: Path) -> None:
    make_lmdb(tmp_path / "db", images(3))
    with pytest.raises(DataError, match=r"more than the 1 records that skip_bad_data passes over"):
        feed(tmp_path / "db", tolerate=1).shapes()


def test_classes(tmp_path: Path) -> None:
    make_annotated(tmp_path / "db")
    feed(tmp_path / "db", classes=frozenset({0, 1, 2, 3})).shapes()
    with pytest.raises(DataError, match="has label 3, which label_map_file lacks; it has 1, 2"):
        feed(tmp_path / "db", classes=frozenset({1, 2})).shapes()

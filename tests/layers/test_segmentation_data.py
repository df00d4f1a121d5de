from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.mean import write_mean
from netcfg.errors import NetError
from netcfg.layer import as_arrays
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 3, 4, 6)).astype(np.uint8)
LABELS = RNG.integers(0, 20, (3, 4, 6)).astype(np.uint8)
DENSE = 'type: "DenseImageData" dense_image_data_param {{ source: "list.txt" batch_size: 2 {} }} {}'
SEGMENTS = 'type: "ImageSegData" image_data_param {{ source: "{}" batch_size: 2 {} }} {}'


def tops(count):
    return "".join(f' top: "t{i}"' for i in range(count))


CASES = [
    Case("dense", tops(2) + DENSE.format("", ""), gradient=False),
    Case(
        "segments", tops(3) + SEGMENTS.format("list.txt", "label_type: PIXEL", ""), gradient=False
    ),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        Image.fromarray(np.ascontiguousarray(IMAGES[i, ::-1].transpose(1, 2, 0))).save(f"{i}.png")
        Image.fromarray(LABELS[i]).save(f"{i}_labels.png")
    Path("list.txt").write_text("".join(f"{i}.png {i}_labels.png\n" for i in range(3)))
    Path("numbers.txt").write_text("".join(f"{i}.png {i + 4}\n" for i in range(3)))
    Path("names.txt").write_text("".join(f"{i}.png\n" for i in range(3)))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def batches(text, count=1, ntops=2, phase=Phase.TEST):
    layer = make_layer(tops(ntops) + " " + text, [], phase=phase)
    shapes = as_arrays(layer.reshape())
    found = []
    for _ in range(count):
        found.append(as_arrays(layer.forward()))
        assert tuple(a.shape for a in found[-1]) == shapes
        layer.step += 1
    layer.close()
    return found


def test_images_and_labels_in_the_order_of_the_list():
    for text in (DENSE.format("", ""), SEGMENTS.format("list.txt", "label_type: PIXEL", "")):
        for k, (data, labels) in enumerate(batches(text, 3)):
            lines = [(2 * k + i) % 3 for i in range(2)]
            np.testing.assert_array_equal(data, IMAGES[lines])
            np.testing.assert_array_equal(labels, LABELS[lines][:, None])


def test_every_field_of_dense_image_data():
    Path("elsewhere").mkdir()
    for file in Path().glob("*.png"):
        file.rename(Path("elsewhere", file.name))
    write_mean("mean.binaryproto", np.full((1, 4, 6), 3, np.float32))
    fields = 'is_color: false root_folder: "elsewhere/" mean_file: "mean.binaryproto" '
    fields += "crop_width: 2 crop_height: 3 mirror: true shuffle: true rand_skip: 2"
    text = DENSE.format(fields, "transform_param { scale: 0.5 }")
    ((data, labels),) = batches(text, phase=Phase.TRAIN)
    assert data.shape == (2, 1, 3, 2)
    assert labels.shape == (2, 1, 3, 2)
    ((again, same),) = batches(text, phase=Phase.TRAIN)
    np.testing.assert_array_equal(data, again)
    np.testing.assert_array_equal(labels, same)
    ((plain, _),) = batches(text.replace("scale: 0.5", ""), phase=Phase.TRAIN)
    np.testing.assert_array_equal(data * 2, plain)
    assert {float(v) for v in labels.ravel()} <= set(LABELS.ravel().tolist())
    found = [data for data, _ in batches(text, 3, phase=Phase.TRAIN)]
    assert (found[0] != found[1]).any()


def test_resizing_takes_the_nearest_label():
    ((data, labels),) = batches(DENSE.format("new_height: 2 new_width: 3", ""))
    assert data.shape == (2, 3, 2, 3)
    np.testing.assert_array_equal(labels[:, 0], LABELS[:2, ::2, ::2])


def test_kinds_of_labels():
    ((_, labels),) = batches(SEGMENTS.format("numbers.txt", "", ""))
    np.testing.assert_array_equal(labels, np.broadcast_to([[[[4.0]]], [[[5.0]]]], (2, 1, 4, 6)))
    ((_, labels),) = batches(SEGMENTS.format("names.txt", "label_type: NONE ignore_label: 21", ""))
    np.testing.assert_array_equal(labels, 21)


def test_a_crop_beyond_the_image():
    transform = "transform_param { crop_h: 5 crop_w: 6 mean_value: 1 mean_value: 2 mean_value: 3 }"
    text = SEGMENTS.format("list.txt", "label_type: PIXEL ignore_label: 77", transform)
    ((data, labels, sizes),) = batches(text, ntops=3)
    mean = np.array([1, 2, 3]).reshape(3, 1, 1)
    np.testing.assert_array_equal(data[:, :, :4], IMAGES[:2] - mean)
    assert not data[:, :, 4].any()
    assert (labels[:, 0, 4] == 77).all()
    assert sizes.ravel().tolist() == [4, 6, 4, 6]
    ((data, labels, sizes),) = batches(text.replace("crop_h: 5 crop_w: 6", "crop_size: 2"), ntops=3)
    np.testing.assert_array_equal(data, IMAGES[:2, :, 1:3, 2:4] - mean)
    np.testing.assert_array_equal(labels, LABELS[:2, None, 1:3, 2:4])
    assert sizes.ravel().tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DENSE.format("batch_size: 0", "").replace("batch_size: 2 ", ""), "batch_size must be"),
        (DENSE.format("new_width: 3", ""), "new_height and new_width must be set together"),
        (DENSE.format("crop_width: 3", ""), "a crop is crop_size, or both a height and a width"),
        (
            DENSE.format("crop_width: 3 crop_height: 3", "transform_param { crop_size: 2 }"),
            "a crop is crop_size, or both",
        ),
        (
            DENSE.format('mean_file: "m"', "transform_param { mean_value: 2 }"),
            "mean_file and mean_value exclude each other",
        ),
        (
            SEGMENTS.format("list.txt", "", 'transform_param { mean_file: "m" }'),
            "mean_file is not for ImageSegData; use mean_value",
        ),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(NetError, match=message):
        make_layer(text, [])

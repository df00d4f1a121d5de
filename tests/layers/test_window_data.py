"""Windows from a list: batches, fields old and new, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from netcfg.data.mean import write_mean
from netcfg.errors import DataError, NetError
from netcfg.io.image import resize_image
from netcfg.layer import as_arrays
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.data.databases import encoded
from tests.layers.cases import Case, check

IMAGE = np.random.default_rng(0).integers(0, 256, (3, 10, 12), np.uint8)
LIST = "# 0\nim/a.png\n3\n10\n12\n2\n7 0.9 8 0 11 3\n5 0.1 1 1 4 4\n"
TOPS = 'top: "data" top: "label" '
TEXT = 'type: "WindowData" window_data_param {{ source: "list.txt" batch_size: 4 {} }} {}'
CROP = "transform_param { crop_size: 4 }"

CASES = [Case("windows", TOPS + TEXT.format("", CROP), gradient=False)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("im").mkdir()
    Path("im/a.png").write_bytes(encoded(IMAGE))
    Path("list.txt").write_text(LIST)


def batch(fields: str = "", transform: str = CROP) -> tuple[np.ndarray, ...]:
    layer = make_layer(TOPS + TEXT.format(fields, transform), [])
    arrays = as_arrays(layer.forward())
    layer.close()
    return arrays


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contract(case: Case) -> None:
    check(case)


def test_background_and_object() -> None:
    data, label = batch()
    assert label.tolist() == [0, 0, 0, 7]
    np.testing.assert_array_equal(data[3], IMAGE[:, 0:4, 8:12])
    np.testing.assert_array_equal(data[0], IMAGE[:, 1:5, 1:5])


def test_every_field() -> None:
    Path("elsewhere/im").mkdir(parents=True)
    Path("im/a.png").rename("elsewhere/im/a.png")
    fields = """fg_threshold: 0.95 bg_threshold: 0.92 fg_fraction: 0 context_pad: 2
        cache_images: true crop_mode: "square" root_folder: "elsewhere/" scale: 0.5"""
    transform = "transform_param { crop_size: 8 mean_value: 1 mean_value: 2 mean_value: 3 }"
    data, label = batch(fields, transform)
    assert label.tolist() == [0, 0, 0, 0]
    mean = np.array([1, 2, 3]).reshape(3, 1, 1)
    # 8 … 11 and 0 … 3 with as much around them: [6, 14] of 12 and [-2, 6].
    first = np.zeros((3, 8, 8))
    first[:, 2:, :5] = (resize_image(IMAGE[:, 0:7, 6:12], 6, 5) - mean) * 0.5
    second = np.zeros((3, 8, 8))
    # 1 … 4: [-1, 7], 9 pixels of which one lies outside.
    second[:, 1:, 1:] = (resize_image(IMAGE[:, 0:8, 0:8], 7, 7) - mean) * 0.5
    for window in data:
        assert np.array_equal(window, first) or np.array_equal(window, second)


def test_a_mean_file() -> None:
    mean = np.random.default_rng(1).normal(size=(3, 7, 6)).astype(np.float32)
    write_mean("mean.bin", mean)
    data, _ = batch("", 'transform_param { crop_size: 4 mean_file: "mean.bin" }')
    np.testing.assert_array_equal(data[3], IMAGE[:, 0:4, 8:12] - mean[:, 1:5, 1:5])


@pytest.mark.parametrize("phase", list(Phase))
def test_mirror_works_in_every_phase(phase: Phase) -> None:
    text = TOPS + TEXT.format("fg_fraction: 1", "transform_param { crop_size: 4 mirror: true }")
    layer = make_layer(text, [], phase=phase)
    seen = set()
    for layer.step in range(5):
        for window in layer.forward()[0]:
            turned = np.array_equal(window, IMAGE[:, 0:4, 8:12][:, :, ::-1])
            assert turned or np.array_equal(window, IMAGE[:, 0:4, 8:12])
            seen.add(turned)
    layer.close()
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("fields", "transform", "scale"),
    [
        ("scale: 0.5", "crop_size: 4", 0.5),
        ("", "crop_size: 4 scale: 0.25", 0.25),
        ("scale: 0.5", "crop_size: 4 scale: 0.5", 0.5),
        ("scale: 1", "crop_size: 4", 1),
    ],
)
def test_scale(fields: str, transform: str, scale: float) -> None:
    data, _ = batch(fields, f"transform_param {{ {transform} }}")
    np.testing.assert_array_equal(data[3], IMAGE[:, 0:4, 8:12] * scale)


OLD = """
layers { name: 'w' type: WINDOW_DATA top: 'data' top: 'label'
  window_data_param { source: 'list.txt' batch_size: 2 scale: 0.5 crop_size: 4 fg_fraction: 0.5
                      mean_file: 'mean.bin' } }
"""


@pytest.fixture
def old() -> Iterator[Net]:
    write_mean("mean.bin", np.full((3, 4, 4), 10, np.float32))
    with Net(parse_net(OLD).message, Phase.TRAIN) as net:
        yield net


def test_fields_of_old_files(old: Net) -> None:
    tops = old.forward()
    assert tops["label"].tolist() == [0, 7]
    np.testing.assert_array_equal(tops["data"][1], (IMAGE[:, 0:4, 8:12] - 10.0) * 0.5)


def test_a_bad_window_is_an_error_unless_it_may_be_passed_over() -> None:
    Path("list.txt").write_text(LIST.replace("2\n7", "3\n6 1 9 9 12 12\n7"))
    text = f"layer {{ name: 'w' {TOPS} {TEXT.format('fg_fraction: 1', CROP)} }}"
    with Net(parse_net(text).message, Phase.TEST) as net:
        refused = r"list.txt:7: window \(9, 9, 12, 12\) must lie in the image"
        with pytest.raises(DataError, match=refused):
            [net.forward() for _ in range(5)]
    with Net(parse_net(text).message, Phase.TEST, skip_bad_data=1) as net:
        for _ in range(5):
            assert net.forward()["label"].tolist() == [7] * 4
        assert [where for where, _ in net.layers[0].bad_records] == ["list.txt:7"]


@pytest.mark.parametrize(
    ("fields", "transform", "message"),
    [
        ("", "", "crop_size must be at least 1"),
        ("context_pad: 2", CROP, "context_pad must be less than half of crop_size; given 2 and 4"),
        ("crop_mode: 'wrap'", CROP, "crop_mode must be 'warp' or 'square'; given 'wrap'"),
        ("fg_fraction: 1.5", CROP, r"fg_fraction must lie in \[0, 1\]; given 1.5"),
        ("fg_fraction: -1", CROP, r"fg_fraction must lie in \[0, 1\]; given -1"),
        ("bg_threshold: 0.05", CROP, "list.txt has no windows of background"),
        ("", "transform_param { crop_size: 4 mean_value: 1 mean_value: 2 }", "3 channels; given 2"),
        (
            "",
            "transform_param { crop_size: 4 mean_file: 'm' mean_value: 2 }",
            "mean_file and mean_value exclude each other",
        ),
        (
            "scale: 2",
            "transform_param { crop_size: 4 scale: 3 }",
            "must be the same if both are given; given 2 and 3",
        ),
    ],
)
def test_what_is_refused(fields: str, transform: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        batch(fields, transform)


def test_no_list_and_no_batch() -> None:
    text = TOPS + TEXT.format("", CROP)
    with pytest.raises(NetError, match="batch_size must be at least 1; given 0"):
        make_layer(text.replace("batch_size: 4", "batch_size: 0"), [])
    with pytest.raises(NetError, match=r"file 'lost.txt' not found.*mean 'list.txt'"):
        make_layer(text.replace("list.txt", "lost.txt"), [])

"""Batches of AnnotatedData: what the layer reads, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.data.write import write_lmdb
from netcfg.errors import DataError, NetError
from netcfg.io.image import resize_image
from netcfg.layer import as_arrays
from netcfg.layers.annotated_data import AnnotatedData
from netcfg.layers.data import Data
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.data.annotated import make_annotated, objects, without_boxes
from tests.data.databases import encoded_datum, images
from tests.data.test_annotated import rows
from tests.layers.cases import Case, check

TOPS = 'top: "data" top: "label" '
TEXT = 'type: "AnnotatedData" data_param {{ source: "db" backend: LMDB batch_size: 4 {} }} '
CASES = [Case("objects", TOPS + TEXT.format(""), gradient=False)]

SSD300 = """
  transform_param {
    mirror: true mean_value: 104 mean_value: 117 mean_value: 123
    resize_param { prob: 1 resize_mode: WARP height: 30 width: 30
      interp_mode: LINEAR interp_mode: AREA interp_mode: NEAREST interp_mode: CUBIC
      interp_mode: LANCZOS4 }
    emit_constraint { emit_type: CENTER }
    distort_param { brightness_prob: 0.5 brightness_delta: 32 contrast_prob: 0.5
      contrast_lower: 0.5 contrast_upper: 1.5 hue_prob: 0.5 hue_delta: 18 saturation_prob: 0.5
      saturation_lower: 0.5 saturation_upper: 1.5 random_order_prob: 0.0 }
    expand_param { prob: 0.5 max_expand_ratio: 4.0 }
  }
  annotated_data_param {
    batch_sampler { max_sample: 1 max_trials: 1 }
    batch_sampler {
      sampler { min_scale: 0.3 max_scale: 1.0 min_aspect_ratio: 0.5 max_aspect_ratio: 2.0 }
      sample_constraint { min_jaccard_overlap: 0.1 }
      max_sample: 1 max_trials: 50
    }
    batch_sampler {
      sampler { min_scale: 0.3 max_scale: 1.0 min_aspect_ratio: 0.5 max_aspect_ratio: 2.0 }
      sample_constraint { max_jaccard_overlap: 1.0 }
      max_sample: 1 max_trials: 50
    }
    label_map_file: "map"
  }"""
"""What trains SSD300 on Pascal VOC, but for the size."""


@pytest.fixture(autouse=True)
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.chdir(tmp_path)
    lines = [f"item {{ name: 'c{i}' label: {i} }}" for i in range(4)]
    Path("map").write_text("\n".join(lines))
    return make_annotated(tmp_path / "db")


def make(fields: str = "", more: str = "", phase: Phase = Phase.TRAIN) -> AnnotatedData:
    layer = make_layer(TOPS + TEXT.format(fields) + more, [], phase=phase)
    assert isinstance(layer, AnnotatedData)
    return layer


def run(layer: AnnotatedData, count: int = 1) -> list[tuple[np.ndarray, ...]]:
    batches = []
    for _ in range(count):
        batches.append(as_arrays(layer.forward()))
        layer.step += 1
    layer.close()
    return batches


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contract(case: Case) -> None:
    check(case)


def test_objects(values: np.ndarray) -> None:
    batches = run(make(), 3)
    for k, (data, label) in enumerate(batches):
        numbers = [(4 * k + i) % 8 for i in range(4)]
        np.testing.assert_array_equal(data, values[numbers])
        np.testing.assert_array_equal(label, rows(*numbers))


def test_leveldb_and_labels_are_optional(values: np.ndarray) -> None:
    make_annotated(Path("level"), backend="leveldb")
    text = 'type: "AnnotatedData" data_param { source: "level" batch_size: 2 }'
    layer = make_layer('top: "data" ' + text, [])
    (data,) = as_arrays(layer.forward())
    np.testing.assert_array_equal(data, values[:2])
    layer.close()


def test_records_without_boxes() -> None:
    without_boxes(Path("plain"))
    text = TEXT.format("").replace('"db"', '"plain"')
    layer = make_layer(TOPS + text, [])
    assert as_arrays(layer.forward())[1].tolist() == [0, 1, 2, 3]
    layer.close()
    layer = make_layer(TOPS + text + "annotated_data_param { anno_type: BBOX }", [])
    assert as_arrays(layer.forward())[1].tolist() == [[[[-1] * 8]]]
    layer.close()


def test_what_trains_ssd() -> None:
    batches = run(make(more=SSD300), 12)
    again = make(more=SSD300)
    again.forward()
    again.restore(7, {})
    for got, want in zip(run(again, 5), batches[7:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))
    for data, label in batches:
        assert data.shape == (4, 3, 30, 30)
        assert label.shape[:2] + label.shape[3:] == (1, 1, 8)
        found = label[0, 0]
        if found[0, 0] >= 0:
            assert (np.diff(found[:, 0]) >= 0).all()
            assert found[:, 3:7].min() >= 0
            assert found[:, 3:7].max() <= 1
            assert (found[:, 3:5] < found[:, 5:7]).all()
            assert set(found[:, 1]) <= {1, 2, 3}
    counts = {label.shape[2] for _, label in batches}
    assert len(counts) > 1


def test_labels_for_yolo(values: np.ndarray) -> None:
    plain = "annotated_data_param { yolo_data_type: 1 yolo_data_jitter: 0 }"
    ((data, label),) = run(make(more=plain))
    np.testing.assert_array_equal(data, values[:4])
    assert label.shape == (4, 1, 300, 5)
    for n in range(4):
        easy = [row for row in objects(n) if not row[6]]
        want = [(row[0] - 1, *(row[2:4] + row[4:6]) / 2, *(row[4:6] - row[2:4])) for row in easy]
        np.testing.assert_allclose(label[n, 0, : len(easy)], np.reshape(want, (-1, 5)))
        assert not label[n, 0, len(easy) :].any()
    assert label[0, 0, 0, 3] > 0


def test_parts_for_yolo() -> None:
    text = "annotated_data_param { yolo_data_type: 1 } transform_param { resize_param {"
    layer = make(more=f"{text} height: 20 width: 24 }} }}")
    shown = [label for _, label in run(layer, 6)]
    sizes = {float(label[0, 0, 0, 3]) for label in shown[::2]}  # of the same object
    assert len(sizes) > 1


def test_in_a_net_shapes_change_with_the_objects() -> None:
    text = f"""layer {{ name: "d" {TOPS} {TEXT.format("").replace("4", "1")} }}
      layer {{ name: "s" type: "Silence" bottom: "data" }}"""
    with Net(parse_net(text).message, Phase.TRAIN) as net:
        counts = [net.forward()["label"].shape[2] for _ in range(5)]
    assert counts == [3, 1, 1, 1, 3]


@pytest.mark.parametrize(
    ("fields", "more", "message"),
    [
        ("", "annotated_data_param { yolo_data_type: 2 }", "must be 0 or 1; given 2"),
        (
            "",
            "annotated_data_param { yolo_data_type: 1 yolo_data_jitter: 1 }",
            r"yolo_data_jitter must lie in \[0, 1\); given 1",
        ),
        ("", "annotated_data_param { label_map_file: 'mapp' }", "'mapp' not found.*mean 'map'"),
        ("", "annotated_data_param { batch_sampler { sampler { max_scale: 2 } } }", "max_scale"),
        ("", "transform_param { crop_h: 3 }", "both crop_h and crop_w; given 0, 3 and 0"),
        ("", "transform_param { crop_size: 3 crop_w: 3 crop_h: 2 }", "given 3, 2 and 3"),
        ("", "transform_param { scale_factors: 2 }", "'transform_param.scale_factors'"),
        ("cache: true", "transform_param { fix_crop: true }", "fix_crop"),
        ("", "transform_param { mean_file: 'none' }", "file 'none' not found"),
        ("", "transform_param { resize_param { height: 3 } }", "height and width must be given"),
    ],
)
def test_refused(fields: str, more: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make(fields, more)


def test_records_are_checked() -> None:
    text = "annotated_data_param { label_map_file: 'map' }"
    Path("map").write_text("item { name: 'c' label: 1 } item { name: 'd' label: 2 }")
    with pytest.raises(DataError, match="record '00000002': an object has label 3"):
        make(more=text).reshape()
    fit = "transform_param { resize_param { height: 9 width: 9 resize_mode: FIT_SMALL_SIZE } }"
    run(make(more=fit))


def test_size_and_noise_work_for_plain_data_too() -> None:
    records = [(b"%d" % i, encoded_datum(x, i)) for i, x in enumerate(images(4))]
    write_lmdb(Path("plain"), records)
    text = 'type: "Data" data_param { source: "plain" backend: LMDB batch_size: 4 } '
    text += """transform_param { resize_param { height: 8 width: 10 } noise_param { inverse: true }
      crop_h: 4 crop_w: 7 mean_value: 100 }"""
    layer = make_layer(TOPS + text, [], phase=Phase.TEST)
    assert isinstance(layer, Data)
    data, labels = as_arrays(layer.forward())
    layer.close()
    assert data.shape == (4, 3, 4, 7)
    assert labels.tolist() == [0, 1, 2, 3]
    want = 255 - resize_image(images(4)[2], 8, 10)[:, 2:6, 1:8].astype(np.float32) - 100
    np.testing.assert_array_equal(data[2], want)

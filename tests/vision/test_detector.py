"""Boxes in pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.io.caffemodel import write_weights
from netcfg.net import Net
from netcfg.vision.detector import Detector
from netcfg.vision.settings import Settings
from netcfg.weights import stored_layers
from tests.shared import shared
from tests.vision.nets import DETECT, write_net
from tests.vision.test_model import CARD

FACES = """\
boxes = "boxes"
scores = "scores"
nms = 0.3
[[map]]
cells = [30, 40]
step = 8
anchors = [[0.03125, 0.0416667], [0.05, 0.0666667], [0.075, 0.1]]
[[map]]
cells = [15, 20]
step = 16
anchors = [[0.1, 0.1333333], [0.15, 0.2]]
[[map]]
cells = [8, 10]
step = 32
anchors = [[0.2, 0.2666667], [0.3, 0.4]]
[[map]]
cells = [4, 5]
step = 64
anchors = [[0.4, 0.5333333], [0.6, 0.8], [0.8, 1.0]]
"""


def detector(folder: Path, **options: object) -> Detector:
    (folder / "l").write_text("cat\ndog\n")
    net, weights = write_net(folder, DETECT)
    return Detector(net, Settings([weights], labels=folder / "l"), **options)  # type: ignore[arg-type]


def test_boxes_in_pixels(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (40, 80), color) for color in ((255, 0, 0), (0, 0, 0))]
    red, black = detector(tmp_path, batch=2, threshold=0.4).predict(pictures)
    (box,) = red.boxes
    assert (red.width, red.height, box.label, box.name) == (40, 80, 2, "dog")
    assert box.corners == pytest.approx((10, 30, 30, 50))
    assert box.score == pytest.approx(1 / (1 + np.exp(-4)), rel=1e-4)  # sure that it is a dog
    assert [b.name for b in black.boxes] == ["cat"]
    assert black.boxes[0].score == pytest.approx(box.score / 2, rel=1e-4)
    assert detector(tmp_path).predict(pictures)[1].boxes == ()


def test_records_and_rows(tmp_path: Path) -> None:
    task = detector(tmp_path)
    record = task.record(task.predict([Image.new("RGB", (40, 80), (255, 0, 0))])[0])
    assert (record["width"], record["height"]) == (40, 80)
    assert record["boxes"] == [
        {"label": 2, "name": "dog", "score": 0.982014, "box": [10, 30, 30, 50]}
    ]
    (row,) = task.rows(record)
    assert list(row) == [c.name for c in task.columns]
    assert (row["x1"], row["y2"]) == (10, 50)
    assert task.rows({"boxes": []}) == []
    assert detector(tmp_path, threshold=0.25).identity()["options"] != task.identity()["options"]


def test_a_folder_says_how_boxes_are_decoded(tmp_path: Path) -> None:
    folder = tmp_path / "colours"
    folder.mkdir()
    text = DETECT.replace("num_output: 7", "num_output: 6 bias_filler { value: 0.6 }")
    text = text[: text.index('layer { name: "found"')] + (
        'layer { name: "s" type: "Slice" bottom: "grid" top: "b" top: "s" '
        "slice_param { slice_point: 4 } }"
    )
    (folder / "deploy.prototxt").write_text(text)
    card = CARD[: CARD.index("[[weights]]")].replace("[4, 6]", "[8, 8]") % "l"
    (folder / "card.toml").write_text(card)
    (folder / "l").write_text("background\nthing\n")
    (folder / "decode.toml").write_text(
        'boxes = "b"\nscores = "s"\n[[map]]\ncells = [1, 1]\nanchors = [[0.5, 0.5]]\n'
    )
    with Net(folder / "deploy.prototxt") as net:
        write_weights(tmp_path / "w", "n", stored_layers(net.layers, net.engine))
    (found,) = Detector(folder, Settings([tmp_path / "w"])).predict([Image.new("RGB", (100, 100))])
    (box,) = found.boxes
    assert (box.name, box.score) == ("thing", pytest.approx(0.6))
    middle, half = 50 + 0.06 * 50, 25 * np.exp(0.12)
    assert box.corners == pytest.approx((*(middle - half,) * 2, *(middle + half,) * 2), rel=1e-5)


REGIONS = """\
name: "regions"
layer { name: "d" type: "Input" top: "data" top: "im_info"
        input_param { shape { dim: 1 dim: 3 dim: 16 dim: 16 } shape { dim: 1 dim: 3 } } }
layer { name: "s" type: "Convolution" bottom: "data" top: "s"
        convolution_param { num_output: 2 kernel_size: 16 stride: 16 } }
layer { name: "o" type: "Convolution" bottom: "data" top: "o"
        convolution_param { num_output: 4 kernel_size: 16 stride: 16 } }
layer { name: "p" type: "Proposal" bottom: "s" bottom: "o" bottom: "im_info" top: "rois"
        proposal_param { ratio: 1 scale: 1 base_size: 16 feat_stride: 16 min_size: 1
                         post_nms_topn: 9 } }
layer { name: "pool" type: "ROIPooling" bottom: "data" bottom: "rois" top: "pool"
        roi_pooling_param { pooled_h: 1 pooled_w: 1 spatial_scale: 1 } }
layer { name: "cls" type: "InnerProduct" bottom: "pool" top: "cls"
        inner_product_param { num_output: 4 } }
layer { name: "prob" type: "Softmax" bottom: "cls" top: "cls_prob" }
layer { name: "box" type: "InnerProduct" bottom: "pool" top: "bbox_pred"
        inner_product_param { num_output: 16 } }
"""


SSD = """\
name: "ssd"
layer { name: "d" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }
layer { name: "f" type: "Convolution" bottom: "data" top: "f"
        convolution_param { num_output: 3 kernel_size: 16 stride: 16 bias_term: false } }
layer { name: "l" type: "Convolution" bottom: "f" top: "l"
        convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "lp" type: "Permute" bottom: "l" top: "lp"
        permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "loc" type: "Flatten" bottom: "lp" top: "loc" }
layer { name: "cp" type: "Permute" bottom: "f" top: "cp"
        permute_param { order: 0 order: 2 order: 3 order: 1 } }
layer { name: "cr" type: "Reshape" bottom: "cp" top: "cr"
        reshape_param { shape { dim: 0 dim: -1 dim: 3 } } }
layer { name: "cs" type: "Softmax" bottom: "cr" top: "cs" softmax_param { axis: 2 } }
layer { name: "conf" type: "Flatten" bottom: "cs" top: "conf" }
layer { name: "prior" type: "PriorBox" bottom: "f" bottom: "data" top: "prior"
        prior_box_param { min_size: 16 variance: 0.1 } }
layer { name: "out" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "out"
        detection_output_param { num_classes: 3 nms_param { nms_threshold: 0.45 }
          code_type: CENTER_SIZE confidence_threshold: 0.01 } }
"""


def test_ssd_tells_the_pictures_of_a_batch_apart(tmp_path: Path) -> None:
    """A quarter of the picture that is red is of class 2: its score is 255 / 32, else 0."""
    (tmp_path / "n.prototxt").write_text(SSD)
    with Net(tmp_path / "n.prototxt") as net:
        (w,) = net.layer("f").params
        values = np.zeros(w.shape, np.float32)
        values[2, 2] = 1 / 256 / 32
        w.assign(net.engine.asarray(values))
        write_weights(tmp_path / "w", "n", stored_layers(net.layers, net.engine))
    array = np.zeros((64, 128, 3), np.uint8)
    array[:32, 64:, 0] = 255
    pictures = [array, array * 0, array[::-1], array[:, ::-1], array]
    task = Detector(tmp_path / "n.prototxt", Settings([tmp_path / "w"]), batch=4)
    assert task.size(5) == 4
    found = task.predict(pictures)
    assert [len(one.boxes) for one in found] == [1, 0, 1, 1, 1]
    places = [one.boxes[0].corners for one in found if one.boxes]
    assert places[:2] == [pytest.approx((64, 0, 128, 32)), pytest.approx((64, 32, 128, 64))]
    assert places[2] == pytest.approx((0, 0, 64, 32))
    e = np.exp(255 / 32)
    assert found[4].boxes[0].score == pytest.approx(e / (e + 2), rel=1e-5)
    assert found[4].boxes[0].label == 2


def test_regions(tmp_path: Path) -> None:
    """Each cell of 16 pixels is a region, and its class the brightest channel in it.

    The net sees 32 × 48 pixels. Regions end behind their last pixel but at the edge of the image,
    as those of py-faster-rcnn do.
    """
    (tmp_path / "n.prototxt").write_text(REGIONS)
    with Net(tmp_path / "n.prototxt") as net:
        w, b = net.layer("cls").params
        values = np.concatenate([np.zeros((1, 3)), np.eye(3)]).astype(np.float32)
        w.assign(net.engine.asarray(values.reshape(w.shape) / 16))
        b.assign(net.engine.asarray(np.array([1, 0, 0, 0], np.float32)))
        write_weights(tmp_path / "w", "n", stored_layers(net.layers, net.engine))
    array = np.zeros((64, 96, 3), np.uint8)
    array[36:60, 68:92, 0] = 255
    settings = Settings([tmp_path / "w"], size=(32, 100))
    found = Detector(tmp_path / "n.prototxt", settings).predict([array, array[:, ::-1]])
    for detection, left in zip(found, (64, 0), strict=True):
        (box,) = detection.boxes
        assert (box.label, box.score > 0.99) == (3, True)
        assert box.corners == pytest.approx((left, 32, 95 if left else 33, 63))


def test_faces(tmp_path: Path) -> None:
    folder = shared("data/models/rfb320")
    (tmp_path / "d").write_text(FACES)
    settings = Settings(
        [folder / "RFB-320.caffemodel"], mean=[127, 127, 127], scale=1 / 128, channels="RGB"
    )
    task = Detector(folder / "RFB-320.prototxt", settings, decoding=tmp_path / "d", threshold=0.7)
    (found,) = task.predict([folder / "10.jpg"])
    assert len(found.boxes) == 19  # as many people as it shows
    assert min(box.score for box in found.boxes) > 0.99
    assert found.boxes[0].corners == pytest.approx((293, 365, 356, 437), abs=1.5)

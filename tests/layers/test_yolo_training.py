"""YOLO trained from a database of images with boxes: labels, loss and detections agree."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.data.annotated import encode_annotated
from netcfg.data.write import write_lmdb
from netcfg.engines.base import Engine
from netcfg.layers.boxes import overlap
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_solver
from netcfg.solver import Solver
from tests.data.annotated import datum

COUNT, SIZE, STEPS = 8, 32, 120

HEADS = {
    "RegionLoss": (
        "region_loss_param { num_class: 2 num: 2 biases: [1, 1, 2, 1] rescore: 0"
        " thresh: 0.6 object_scale: 5 noobject_scale: 1 class_scale: 1 coord_scale: 1 }",
        "YoloDetectionOutput",
        "yolo_detection_output_param { num_classes: 2 num_box: 2 biases: [1, 1, 2, 1]"
        " confidence_threshold: 0.3 }",
    ),
    "Yolov3": (
        "yolov3_param { num_class: 2 num: 2 mask: [0, 1] biases: [8, 8, 16, 8] anchors_scale: 8"
        " object_scale: 5 noobject_scale: 1 class_scale: 1 coord_scale: 1 thresh: 0.6 }",
        "Yolov3DetectionOutput",
        "yolov3_detection_output_param { num_classes: 2 num_box: 2 mask: [0, 1] anchors_scale: 8"
        " biases: [8, 8, 16, 8] confidence_threshold: 0.3 }",
    ),
}

SOLVER = """
base_lr: 0.01 lr_policy: "fixed" type: "Adam" momentum: 0.9 max_iter: {steps} random_seed: 1
train_net_param {{
  name: "tiny"
  layer {{ name: "data" type: "AnnotatedData" top: "data" top: "label"
    data_param {{ source: "{db}" backend: LMDB batch_size: 8 }}
    transform_param {{ mean_value: 128 scale: 0.0078125 }}
    annotated_data_param {{ yolo_data_type: 1 yolo_data_jitter: 0 }} }}
  {body}
  layer {{ name: "map" type: "Convolution" bottom: "c3" top: "map"
    convolution_param {{ num_output: 14 kernel_size: 1 weight_filler {{ type: "msra" }} }} }}
  layer {{ name: "loss" type: "{loss}" bottom: "map" bottom: "label" top: "loss" {fields} }}
  layer {{ name: "found" type: "{output}" bottom: "map" top: "found" {found} }}
}}"""

BODY = """layer {{ name: "c{i}" type: "Convolution" bottom: "{bottom}" top: "c{i}"
  convolution_param {{ num_output: 16 kernel_size: 3 pad: 1 stride: {stride}
  weight_filler {{ type: "msra" }} }} }}
layer {{ name: "r{i}" type: "ReLU" bottom: "c{i}" top: "c{i}" }}"""


def drawn() -> tuple[list[tuple[bytes, bytes]], np.ndarray]:
    """Return records with a bright square or a dark bar each, and the boxes, (COUNT, 5)."""
    rng, records, boxes = np.random.default_rng(4), [], []
    for i in range(COUNT):
        image = np.full((3, SIZE, SIZE), 128, np.uint8)
        label, wide, value = (1, 8, 255) if i % 2 else (2, 16, 0)
        x, y = rng.integers(0, SIZE - wide), rng.integers(0, SIZE - 8)
        image[:, y : y + 8, x : x + wide] = value
        box = np.array([x, y, x + wide, y + 8]) / SIZE
        row = np.array([[label, 0, *box, 0]], np.float32)
        records.append((b"%d" % i, encode_annotated(datum(image), row)))
        boxes.append([label, *box])
    return records, np.array(boxes)


def solver_of(loss: str, db: Path, steps: int) -> SolverParameter:
    strides = [("data", 2), ("c0", 1), ("c1", 2), ("c2", 2)]
    body = "".join(BODY.format(i=i, bottom=b, stride=s) for i, (b, s) in enumerate(strides))
    fields, output, found = HEADS[loss]
    text = SOLVER.format(
        db=db, steps=steps, body=body, loss=loss, fields=fields, output=output, found=found
    )
    param: SolverParameter = parse_solver(text).message
    return param


@pytest.mark.parametrize("loss", HEADS)
def test_a_tiny_net_learns_to_find(loss: str, tmp_path: Path) -> None:
    records, boxes = drawn()
    write_lmdb(tmp_path / "db", records)
    losses: list[float] = []
    with Solver(solver_of(loss, tmp_path / "db", STEPS), engine=Engine(np.float32)) as solver:
        for _ in range(STEPS):
            solver.step()
            losses.append(solver.loss)
        rows = np.asarray(solver.train_net.forward()["found"]).reshape(-1, 7)
    assert np.mean(losses[-10:]) < 0.2 * np.mean(losses[:10])
    for n, (label, *box) in enumerate(boxes):
        own = rows[rows[:, 0] == n]
        best = own[own[:, 2].argmax()]
        assert best[1] == label
        assert overlap(best[3:], np.array(box)) > 0.5

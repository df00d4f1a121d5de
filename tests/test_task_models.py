"""The zoo's nets for detection, segmentation and other tasks: as test_models.py for classifiers."""

import math
from functools import cache

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.net import Net
from netcfg.netcfg_pb2 import NetParameter
from netcfg.schema import read_solver, refuse
from netcfg.solver.rules import make_rule
from netcfg.solver.schedule import make_schedule
from netcfg.types import Phase, Shape
from netcfg.vision.heads import find_head
from netcfg.vision.labels import read_labels
from netcfg.vision.outline import Outline
from netcfg.zoo.card import CHANNELS
from tests.test_models import (
    MODELS,
    Built,
    build,
    card,
    config,
    deployed,
    published,
    shapes,
    statistics,
)

OUTPUTS: dict[str, dict[str, Shape]] = {
    "ssd300": {"mbox_loc": (1, 8732 * 4), "mbox_conf": (1, 8732 * 21)},
    "ssd512": {"mbox_loc": (1, 24564 * 4), "mbox_conf": (1, 24564 * 21)},
    "mobilenet_ssd": {"mbox_loc": (1, 1917 * 4), "mbox_conf": (1, 1917 * 21)},
    "faster_rcnn_vgg16": {"rois": (300, 5), "cls_prob": (300, 21), "bbox_pred": (300, 84)},
    "rfcn_resnet50": {"rois": (300, 5), "cls_prob": (300, 21), "bbox_pred": (300, 8)},
    "yolov2": {"layer31-conv": (1, 125, 13, 13)},
    "yolov3": {
        "layer82-conv": (1, 255, 13, 13),
        "layer94-conv": (1, 255, 26, 26),
        "layer106-conv": (1, 255, 52, 52),
    },
    "fcn32s": {"score": (1, 21, 500, 500)},
    "fcn16s": {"score": (1, 21, 500, 500)},
    "fcn8s": {"score": (1, 21, 500, 500)},
    "segnet": {"prob": (1, 11, 360, 480)},
    "pspnet50": {"conv6_interp": (1, 150, 473, 473)},
    "deeplab_largefov": {"fc8_interp": (1, 21, 513, 513)},
    "hed": {f"sigmoid-{end}": (1, 1, 500, 500) for end in ("dsn1", "dsn5", "fuse")},
    "colorization": {"class8_ab": (1, 2, 56, 56)},
    "openpose_coco": {"net_output": (1, 57, 46, 46)},
    "mtcnn_p": {"prob1": (1, 2, 1, 1), "conv4-2": (1, 4, 1, 1)},
    "mtcnn_r": {"prob1": (1, 2), "conv5-2": (1, 4)},
    "mtcnn_o": {"prob1": (1, 2), "conv6-2": (1, 4), "conv6-3": (1, 10)},
    "lrcn_caption": {"probs": (1, 1, 8801)},
}  # fmt: skip
"""Shapes of blobs; the numbers of SSD's boxes are those of its papers."""

TRAINED = [
    "ssd300", "ssd512", "mobilenet_ssd", "faster_rcnn_vgg16", "fcn32s", "fcn16s", "fcn8s", "segnet",
    "deeplab_largefov",
]  # fmt: skip
DETECTORS = list(OUTPUTS)[:7]
REGIONS = ("faster_rcnn_vgg16", "rfcn_resnet50")

FURTHER = {"pspnet50": 4 * (9 * 1024 * 256 + 4 * 256 + 257 * 150)}
"""Bytes of what published weights hold besides: an auxiliary classifier."""

DATA = ("AnnotatedData", "ImageSegData", "DenseImageData")


def tops(name: str) -> dict[str, Shape]:
    summary, _ = deployed(name)
    nodes = zip(summary.layers, config(name).layer, strict=True)
    return {
        top: shape for layer, node in nodes for top, shape in zip(node.top, layer.tops, strict=True)
    }


def fed(net: NetParameter, side: tuple[int, ...], batch: int = 1, rows: int = 2) -> NetParameter:
    """Return a net that is fed by hand where it reads images, with objects or labelled pixels."""
    fed = NetParameter()
    fed.CopyFrom(net)
    for layer in fed.layer:
        if layer.type in DATA:
            boxes = layer.type == "AnnotatedData"
            for field in ("data_param", "annotated_data_param", "transform_param"):
                layer.ClearField(field)
            for field in ("image_data_param", "dense_image_data_param"):
                layer.ClearField(field)
            layer.type = "Input"
            layer.input_param.shape.add(dim=(batch, 3, *side))
            layer.input_param.shape.add(dim=(1, 1, rows, 8) if boxes else (batch, 1, *side))
    return fed


@cache
def training(name: str, phase: Phase) -> Built:
    """Build the net that learns, for images of the size that the card says."""
    net = build(fed(config(name, "train_val.prototxt"), card(name).input.size), phase)
    numbers = sum(math.prod(p.shape) for p in net.params)
    return Built(shapes(net), net.outputs, len(net.layers), numbers, net.loss_weight)


# Deploy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs(name):
    found = tops(name)
    assert {top: found[top] for top in OUTPUTS[name]} == OUTPUTS[name]
    given = card(name)
    assert given.output.blob in found
    first = next(iter(found))
    if name != "lrcn_caption":
        assert found[first] == (1, CHANNELS[given.input.channels], *given.input.size)


@pytest.mark.parametrize("name", OUTPUTS)
def test_counts_of_the_card(name):
    summary, _ = deployed(name)
    given = card(name)
    assert given.parameters == summary.parameters
    assert given.multiply_adds == summary.multiply_adds
    assert given.published is not None
    if given.published.parameters != "not published":
        figure, unit = published(given.published.parameters)
        assert abs(summary.parameters - statistics(summary) - figure) < unit


@pytest.mark.parametrize("name", sorted(OUTPUTS.keys() - {"colorization"}))
def test_sizes_of_weights(name):
    # a caffemodel holds four bytes a number, and names and settings of each layer; R-Net's holds
    # landmarks, too, and colorization's not the colours, which a script sets
    summary, _ = deployed(name)
    spare = {"mtcnn_r": 4 * (128 * 10 + 10)} | FURTHER
    for weights in card(name).weights:
        if weights.size is not None:
            more = weights.size - 4 * summary.parameters - spare.get(name, 0)
            assert 0 < more < 200 * len(summary.layers)


@pytest.mark.parametrize("name", DETECTORS)
def test_detect_knows_how_boxes_are_told(name):
    head = find_head(Outline(config(name)), None, "", 0.5, None)
    assert head.blobs == (
        ["rois", "cls_prob", "bbox_pred"] if name in REGIONS else ["detection_out"]
    )


@pytest.mark.parametrize("name", OUTPUTS)
def test_labels_are_as_many_as_classes(name):
    labels = card(name).output.labels
    if not labels:
        return
    count = len(read_labels(MODELS / name / labels))
    classes = {"yolov2": 20, "yolov3": 80, "segnet": 11}.get(name, 21)
    assert count == classes


@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s", "hed"])
@pytest.mark.parametrize("side", [(33, 64), (65, 47)])
def test_images_of_any_size_give_scores_of_that_size(name, side):
    net = NetParameter()
    net.CopyFrom(config(name))
    net.layer[0].input_param.shape[0].dim[2:] = side
    built = build(net)
    blob = card(name).output.blob
    shape = next(
        shape
        for node, found in zip(built.graph.nodes, built.top_shapes, strict=True)
        for top, shape in zip(node.config.top, found, strict=True)
        if top == blob
    )
    assert shape[2:] == side


# Crops that the authors' files say in numbers; the programs find them.
OFFSETS = {"fcn32s": [19], "fcn16s": [5, 27], "fcn8s": [5, 9, 31]}


@pytest.mark.parametrize("name", OFFSETS)
def test_scores_are_cropped_as_published(name):
    crops = [layer.crop_param for layer in config(name).layer if layer.type == "Crop"]
    assert [list(crop.offset) for crop in crops] == [[offset] for offset in OFFSETS[name]]


# Training ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRAINED)
def test_trained_weights_fit_the_deploy_net(name):
    _, parts = deployed(name)
    trained = training(name, Phase.TRAIN)
    assert trained.losses
    assert trained.shapes.keys() - {layer for layer in trained.shapes if layer in parts} == {
        layer for layer in trained.shapes if layer.endswith(("/bn", "/scale"))
    }
    merged = name == "mobilenet_ssd"  # its convolutions have biases in the deploy net alone
    assert {k: v[:1] if merged else v for k, v in parts.items()} == {
        k: trained.shapes[k][:1] if merged else trained.shapes[k] for k in parts
    }


@pytest.mark.parametrize("name", [name for name in TRAINED if name != "faster_rcnn_vgg16"])
def test_training_is_tested(name):
    outputs = training(name, Phase.TEST).outputs
    expected = "detection_eval" if card(name).task == "detection" else "accuracy"
    assert expected in outputs


@pytest.mark.parametrize("name", TRAINED)
def test_images_are_fed_as_the_card_says(name):
    given = card(name).input
    for layer in config(name, "train_val.prototxt").layer:
        if layer.type in ("AnnotatedData", "ImageSegData"):
            transform = layer.transform_param
            assert list(transform.mean_value) == pytest.approx(given.mean)
            assert transform.scale == pytest.approx(given.scale, rel=1e-4)
            if layer.type == "AnnotatedData":
                (size,) = transform.resize_param
                assert (size.height, size.width) == given.size


@pytest.mark.parametrize("name", TRAINED)
def test_solver(name):
    solver, findings = read_solver(MODELS / name / "solver.prototxt")
    refuse(findings)
    assert solver.net == "train_val.prototxt"
    assert solver.snapshot_prefix == f"out/{name}/{name}"
    make_rule(solver)
    rate = make_schedule(solver)
    assert 0 <= rate(solver.max_iter - 1) <= rate(solver.max_iter // 10)


def objects(images: int) -> np.ndarray:
    """Return objects of all sizes, of other classes each, in every image."""
    sides = (0.12, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
    rows = [
        (n, 1 + 3 * i, 0, at, at, at + side, at + side, 0)
        for n in range(images)
        for i, side in enumerate(sides)
        for at in [(1 - side) / 2 if side > 0.8 else 0.02]
    ]
    return np.array(rows, np.float32).reshape(1, 1, len(rows), 8)


def narrow(net: NetParameter, most: int = 8) -> NetParameter:
    """Return a net whose hidden layers have few channels, and no scores that begin with 0."""
    kept = ("score", "mbox", "pred", "fc8", "conv1_1_D", "rpn_cls", "rpn_bbox")
    for layer in net.layer:
        for param in (layer.convolution_param, layer.inner_product_param):
            if "score" in layer.name and param.num_output and layer.type == "Convolution":
                param.weight_filler.type = "xavier"
            if any(word in layer.name for word in kept) or param.num_output <= most:
                continue
            param.num_output = most
            if layer.convolution_param.HasField("group"):
                layer.convolution_param.group = most
    return net


@pytest.mark.parametrize("name", ["ssd300", "mobilenet_ssd", "fcn8s", "segnet", "deeplab_largefov"])
def test_every_layer_of_a_narrow_net_learns(name):
    detects, images = "ssd" in name, 3
    side = card(name).input.size if detects or name == "segnet" else (65, 65)
    truth = np.random.default_rng(1).integers(0, 11, (images, 1, *side)).astype(np.float32)
    if detects:
        truth = objects(images)
    net = narrow(fed(config(name, "train_val.prototxt"), side, images, len(truth[0, 0])))
    built = Net(net, Phase.TRAIN, engine=get_engine("numpy"), seed=3)
    data = np.random.default_rng(0).normal(size=(images, 3, *side)) * 30
    built.forward({"data": data, "label": truth})
    built.backward()
    assert 0 < built.loss < np.inf
    idle = {
        layer.name
        for layer in built.layers
        if layer.params
        and layer.type != "BatchNorm"
        and not any(np.any(param.diff) for param in layer.params)
    }
    assert {name for name in idle if not name.startswith("upscore")} == set()


def test_faster_rcnn_learns_both_parts():
    side = (192, 256)
    net = narrow(fed(config("faster_rcnn_vgg16", "train_val.prototxt"), side, rows=7))
    for layer in net.layer:
        for size, value in zip(("im_height", "im_width"), side, strict=True):
            if layer.name == size:
                layer.dummy_data_param.data_filler[0].value = value
    built = Net(net, Phase.TRAIN, engine=get_engine("numpy"), seed=3)
    data = np.random.default_rng(0).normal(size=(1, 3, *side)) * 30
    built.forward({"data": data, "objects": objects(1)})
    built.backward()
    for loss in ("rpn_loss_cls", "rpn_loss_bbox", "loss_cls", "loss_bbox"):
        assert 0 < float(built.blobs[loss]) < np.inf
    moved = {
        layer.name for layer in built.layers if any(np.any(param.diff) for param in layer.params)
    }
    frozen = {"conv1_1", "conv1_2", "conv2_1", "conv2_2"}
    assert {layer.name for layer in built.layers if layer.params} - moved == frozen

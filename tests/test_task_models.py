"""The zoo's nets for detection, segmentation and other tasks: as test_models.py for classifiers."""

import math
from functools import cache

import numpy as np
import pytest

from netcfg.deploy import deploy_net
from netcfg.engines import get_engine
from netcfg.merge import merge_normalization
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

NOT_TRAINED = {"hed", "colorization", "openpose_coco", "mtcnn_p", "mtcnn_r", "mtcnn_o"}
"""docs/zoo.md says why."""

TRAINED = [name for name in OUTPUTS if name not in NOT_TRAINED]
DETECTORS = list(OUTPUTS)[:7]
REGIONS = ("faster_rcnn_vgg16", "rfcn_resnet50")
HELPERS = {"pspnet50": {"conv_aux", "conv_aux/bn", "conv6_1"}}
"""Layers with weights that only training has, besides normalizations that are merged."""

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
        if layer.type == "HDF5Data":  # words of captions, and features of their images
            layer.ClearField("hdf5_data_param")
            layer.type = "Input"
            for top in layer.top:
                layer.input_param.shape.add(dim=(batch, 1000) if "image" in top else (3, batch))
        if layer.type in DATA:
            boxes = layer.type == "AnnotatedData"
            yolo = layer.annotated_data_param.yolo_data_type == 1
            for field in ("data_param", "annotated_data_param", "transform_param"):
                layer.ClearField(field)
            for field in ("image_data_param", "dense_image_data_param"):
                layer.ClearField(field)
            layer.type = "Input"
            layer.input_param.shape.add(dim=(batch, 3, *side))
            truth = (batch, 1, rows, 5) if yolo else (1, 1, rows, 8)
            layer.input_param.shape.add(dim=truth if boxes else (batch, 1, *side))
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
    assert find_head(Outline(config(name)), None, "", 0.5, None).blobs == detections(name)


def detections(name: str) -> list[str]:
    """Return the blobs that boxes are read from."""
    return ["rois", "cls_prob", "bbox_pred"] if name in REGIONS else ["detection_out"]


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
    merged = name == "mobilenet_ssd"  # its convolutions have biases in the deploy net alone
    norms = {layer for layer in trained.shapes if layer.endswith(("/bn", "/scale"))}
    assert trained.shapes.keys() - parts.keys() == HELPERS.get(name, norms if merged else set())
    assert {k: v[:1] if merged else v for k, v in parts.items()} == {
        k: trained.shapes[k][:1] if merged else trained.shapes[k] for k in parts
    }


@pytest.mark.parametrize("name", [name for name in TRAINED if name not in REGIONS])
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


def narrow(net: NetParameter, most: int = 8, classes: tuple[int, ...] = ()) -> NetParameter:
    """Return a net whose hidden layers have few channels, and no scores that begin with 0.

    Layers with as many outputs as ``classes`` stay as they are.
    """
    kept = ("score", "mbox", "pred", "fc8", "conv1_1_D", "rpn_cls", "rpn_bbox", "rfcn")
    for layer in net.layer:
        for param in (layer.convolution_param, layer.inner_product_param):
            if "score" in layer.name and param.num_output and layer.type == "Convolution":
                param.weight_filler.type = "xavier"
            if any(word in layer.name for word in kept) or param.num_output <= most:
                continue
            if param.num_output in classes:
                continue
            param.num_output = most
            if layer.convolution_param.HasField("group"):
                layer.convolution_param.group = most
    return net


def truth(name: str, images: int, side: tuple[int, ...]) -> np.ndarray:
    """Return what a net learns: objects, or a class for each pixel."""
    if "ssd" in name:
        return objects(images)
    if "yolo" in name:
        rows = [(k, 0.1 + 0.1 * k, 0.5, 0.1 * k + 0.05, 0.1 * k + 0.1) for k in range(9)]
        return np.tile(np.array(rows, np.float32), (images, 1, 1, 1))
    labels = np.random.default_rng(1).integers(0, 11, (images, 1, *side))
    return labels.astype(np.float32)


NARROW = [
    "ssd300", "mobilenet_ssd", "yolov2", "yolov3", "fcn8s", "segnet", "deeplab_largefov",
    "pspnet50",
]  # fmt: skip
SIDES = {"fcn8s": (65, 65), "deeplab_largefov": (65, 65), "yolov2": (96, 96), "yolov3": (96, 96)}


@pytest.mark.parametrize("name", NARROW)
def test_every_layer_of_a_narrow_net_learns(name):
    side = SIDES.get(name, card(name).input.size)
    images = 2 if name == "pspnet50" else 3
    want = truth(name, images, side)
    net = fed(config(name, "train_val.prototxt"), side, images, want.shape[2])
    net = narrow(net, classes=(125, 255, 150))  # of YOLO and PSPNet
    built = Net(net, Phase.TRAIN, engine=get_engine("numpy"), seed=3)
    data = np.random.default_rng(0).normal(size=(images, 3, *side)) * 30
    built.forward({"data": data, "label": want})
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


@pytest.mark.parametrize(
    ("name", "frozen"),
    [("faster_rcnn_vgg16", {"conv1_1", "conv1_2", "conv2_1", "conv2_2"}), ("rfcn_resnet50", set())],
)
def test_nets_of_regions_learn_both_parts(name, frozen):
    side = (192, 256)
    net = narrow(fed(config(name, "train_val.prototxt"), side, rows=7))
    for layer in net.layer:
        for size, value in zip(("im_height", "im_width"), side, strict=True):
            if layer.name == size:
                layer.dummy_data_param.data_filler[0].value = value
        if layer.type == "BatchNorm":  # statistics of the pretrained weights are not there
            layer.batch_norm_param.use_global_stats = False
    built = Net(net, Phase.TRAIN, engine=get_engine("numpy"), seed=3)
    data = np.random.default_rng(0).normal(size=(1, 3, *side)) * 30
    built.forward({"data": data, "objects": objects(1)})
    built.backward()
    for loss in ("rpn_loss_cls", "rpn_loss_bbox", "loss_cls", "loss_bbox"):
        assert 0 < float(built.blobs[loss]) < np.inf
    learned = {layer.name for layer in built.layers if layer.params and layer.type != "BatchNorm"}
    moved = {
        layer.name for layer in built.layers if any(np.any(param.diff) for param in layer.params)
    }
    assert learned - moved == frozen


def test_captions_are_learned():
    net = narrow(fed(config("lrcn_caption", "train_val.prototxt"), (), batch=2))
    for layer in net.layer:
        for param in (layer.embed_param, layer.recurrent_param):
            if param.num_output:
                param.num_output = 8
    built = Net(net, Phase.TRAIN, engine=get_engine("numpy"), seed=3)
    rng = np.random.default_rng(0)
    words = rng.integers(0, 8801, (3, 2)).astype(np.float32)
    feeds = {"cont_sentence": np.array([[0, 0], [1, 1], [1, 0]]), "input_sentence": words}
    feeds |= {"target_sentence": words[::-1], "image_features": rng.normal(size=(2, 1000))}
    built.forward({name: value.astype(np.float32) for name, value in feeds.items()})
    built.backward()
    assert 0 < built.loss < np.inf
    assert all(any(np.any(p.diff) for p in layer.params) for layer in built.layers if layer.params)


def test_what_is_not_trained_has_no_files_for_it():
    for name in NOT_TRAINED:
        assert not (MODELS / name / "train_val.prototxt").exists()
        assert not (MODELS / name / "solver.prototxt").exists()


# From training to answers -----------------------------------------------------------------------


OTHERWISE = {"deeplab_largefov": "fc8_voc12"}
"""Answers of the derived net; by hand DeepLab enlarges its scores, which training does not."""

WORDS = {"cont_sentence": (1, 1), "input_sentence": (1, 1), "image_features": (1, 1000)}


def blobs(net: Net) -> dict[str, Shape]:
    """Return the last shape of each blob."""
    pairs = zip(net.graph.nodes, net.top_shapes, strict=True)
    return {top: s for node, found in pairs for top, s in zip(node.config.top, found, strict=True)}


@pytest.mark.parametrize("name", TRAINED)
def test_the_deployed_net_is_the_one_by_hand(name):
    given = {"data": (1, 3, *card(name).input.size)} if name != "lrcn_caption" else WORDS
    with pytest.MonkeyPatch.context() as patch:  # no memory for parameters, as in ``build``
        patch.setattr("netcfg.layer.fill", lambda _, shape, __: np.zeros(shape, np.float32))
        derived = deploy_net(config(name, "train_val.prototxt"), shapes=given).net
    if name == "mobilenet_ssd":
        derived = merge_normalization(derived).net
    found, expected = build(derived), build(config(name))
    assert shapes(found) == shapes(expected)
    outputs = [OTHERWISE[name]] if name in OTHERWISE else OUTPUTS[name]
    if name in DETECTORS:
        outline = Outline(derived)
        assert find_head(outline, None, "", 0.5, None).blobs == detections(name)
        assert outline.info() == ("im_info" if name in REGIONS else "")
    ours, theirs = blobs(found), blobs(expected)
    assert {top: ours.get(top, ours.get("prob")) for top in outputs} == {
        top: theirs[top] for top in outputs
    }

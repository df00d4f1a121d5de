"""Faster R-CNN on VGG-16: proposals of a net of its own, pooled and classified.

Ren et al., "Faster R-CNN: towards real-time object detection with region proposal networks", 2015,
arXiv:1506.01497. Layers have the names of py-faster-rcnn. That project divides what the net learns
of boxes by 0.1 and 0.2, and multiplies the weights when it saves them; here the loss does so, see
``OFFSETS``, and weights are the same during training.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import (
    SMALL,
    WEIGHT_AND_BIAS,
    L,
    Model,
    P,
    Recipe,
    conv,
    dropout,
    finished,
    linear,
    relu,
    step,
    without_training,
)
from models.programs.ssd import LABEL_MAP, label_map
from models.programs.trunks import FROZEN, VOC, image, vgg
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

CLASSES = len(VOC) + 1
MEAN = (102.9801, 115.9465, 122.7717)
SIDES = (600, 1000)
"""Height and width that images have at most; those of VOC are enlarged to this."""

ANCHORS = 9
OFFSETS = 10.0
"""Faster R-CNN divides offsets by 0.1: ω f(d) with ω = σ² = 10 is what f(d / 0.1) is."""


def region_proposals(
    n: NetSpec, x: Top, info: Top, objects: Top | None = None, fields: Any = None
) -> Top:
    """Add the net that proposes regions, with ``objects`` also its losses; return ``rois``."""
    fields = fields or {"weight_filler": SMALL, "param": WEIGHT_AND_BIAS}
    n["rpn/output"] = conv(x, 512, 3, pad=1, name="rpn_conv/3x3", **fields)
    n["rpn_relu/3x3"] = y = L.ReLU(n["rpn/output"], in_place=True)
    n.rpn_cls_score = conv(y, 2 * ANCHORS, 1, **fields)
    n.rpn_bbox_pred = boxes = conv(y, 4 * ANCHORS, 1, **fields)
    n.rpn_cls_score_reshape = L.Reshape(n.rpn_cls_score, shape={"dim": [0, 2, -1, 0]})
    if objects is not None:
        proposal_losses(n, info, objects)
    n.rpn_cls_prob = L.Softmax(n.rpn_cls_score_reshape)
    n.rpn_cls_prob_reshape = p = L.Reshape(n.rpn_cls_prob, shape={"dim": [0, 2 * ANCHORS, -1, 0]})
    given = p, boxes, info
    if objects is None:
        n.rois = rois = L.Proposal(*given, name="proposal")
        return rois
    # the layer in Python takes more regions at TRAIN than at TEST
    n.rpn_rois = rois = python("proposal_layer.ProposalLayer", *given, name="proposal")
    return rois


def python(layer: str, *given: Top, **others: Any) -> Any:
    """Return a layer of py-faster-rcnn by its place there, which netcfg has built in."""
    module, name = layer.split(".")
    text = others.pop("param_str", "'feat_stride': 16")
    fields = {"module": f"rpn.{module}", "layer": name, "param_str": text}
    return L.Python(*given, python_param=fields, **others)


def proposal_losses(n: NetSpec, info: Top, objects: Top) -> None:
    """Add what the net that proposes regions learns from."""
    tops = python(
        "anchor_target_layer.AnchorTargetLayer",
        n.rpn_cls_score,
        objects,
        info,
        n.data,
        name="rpn-data",
        ntop=4,
    )
    n.rpn_labels, n.rpn_bbox_targets, *weights = tops
    n.rpn_bbox_inside_weights, n.rpn_bbox_outside_weights = weights
    n.rpn_loss_cls = L.SoftmaxWithLoss(
        n.rpn_cls_score_reshape,
        n.rpn_labels,
        propagate_down=[True, False],
        loss_weight=1,
        loss_param={"ignore_label": -1, "normalize": True},
    )
    n.rpn_loss_bbox = L.SmoothL1Loss(
        n.rpn_bbox_pred, *tops[1:], loss_weight=1, smooth_l1_loss_param={"sigma": 3}
    )


def sampled(n: NetSpec, rois: Top, info: Top, objects: Top, options: str) -> tuple[Top, ...]:
    """Add the choice of regions to learn from; return labels, targets and both weights."""
    tops = python(
        "proposal_target_layer.ProposalTargetLayer",
        rois,
        objects,
        info,
        name="roi-data",
        ntop=5,
        param_str=options,
    )
    n.rois, n.labels, n.bbox_targets, n.bbox_inside_weights, n.bbox_outside_weights = tops
    return tops[1:]


def annotated(n: NetSpec) -> None:
    """Add ``data``, ``objects`` and ``im_info`` of one image that is fitted into a frame."""
    fit = {"resize_mode": P.Resize.FIT_LARGE_SIZE_AND_PAD, "interp_mode": [P.Resize.LINEAR]}
    n.data, n.objects = L.AnnotatedData(
        ntop=2,
        transform_param={
            "mirror": True,
            "mean_value": list(MEAN),
            "resize_param": {"height": SIDES[0], "width": SIDES[1], **fit},
        },
        data_param={
            "source": "data/VOC0712/trainval_lmdb",
            "batch_size": 1,
            "backend": P.Data.LMDB,
        },
        annotated_data_param={"label_map_file": LABEL_MAP},
    )
    numbers = {"im_height": SIDES[0], "im_width": SIDES[1], "im_scale": 1}
    for name, value in numbers.items():
        n[name] = L.DummyData(shape={"dim": [1, 1]}, data_filler={"value": value})
    n.im_info = L.Concat(*(n[name] for name in numbers))


def inputs(n: NetSpec) -> None:
    """Add ``data`` and ``im_info``, its height, width and scale."""
    image(n, *SIDES)
    n.im_info = L.Input(input_param={"shape": {"dim": [1, 3]}})


def trunk(n: NetSpec) -> Top:
    """Add VGG-16 up to conv5_3; its first two stages do not learn."""
    return vgg(n, n.data, pools=4, param=lambda stage: FROZEN if stage < 3 else WEIGHT_AND_BIAS)


def classified(n: NetSpec, x: Top) -> None:
    """Add cls_score and bbox_pred of the regions ``rois``."""
    n.pool5 = x = L.ROIPooling(
        x, n.rois, name="roi_pool5", pooled_w=7, pooled_h=7, spatial_scale=1 / 16
    )
    for i in (6, 7):
        n[f"fc{i}"] = linear(x, 4096, param=WEIGHT_AND_BIAS)
        x = dropout(n, relu(n, n[f"fc{i}"], f"relu{i}"), f"drop{i}", 0.5)
    n.cls_score = linear(x, CLASSES, param=WEIGHT_AND_BIAS)
    fine = {"type": "gaussian", "std": 0.001}
    n.bbox_pred = linear(x, 4 * CLASSES, param=WEIGHT_AND_BIAS, weight_filler=fine)


def deploy() -> NetParameter:
    """Return the net that answers with rois, cls_prob and bbox_pred."""
    n = NetSpec()
    inputs(n)
    x = trunk(n)
    region_proposals(n, x, n.im_info)
    classified(n, x)
    n.cls_prob = L.Softmax(n.cls_score)
    return without_training(finished(n, "VGG_ILSVRC_16_layers"))


def train_val() -> NetParameter:
    """Return the net that learns both parts at once."""
    n = NetSpec()
    annotated(n)
    x = trunk(n)
    rois = region_proposals(n, x, n.im_info, n.objects)
    options = f"'num_classes': {CLASSES}, 'stds': [1, 1, 1, 1]"
    label, *boxes = sampled(n, rois, n.im_info, n.objects, options)
    classified(n, x)
    free = [True, False]
    n.loss_cls = L.SoftmaxWithLoss(n.cls_score, label, propagate_down=free, loss_weight=1)
    n.loss_bbox = L.SmoothL1Loss(
        n.bbox_pred, *boxes, loss_weight=OFFSETS, smooth_l1_loss_param={"sigma": OFFSETS**0.5}
    )
    return finished(n, "VGG_ILSVRC_16_layers")


RECIPE = Recipe(
    0.001, 70000, step(0.1, 50000),
    {"iter_size": 2, "test_iter": None, "test_interval": None, "test_initialization": None},
)  # fmt: skip


def models() -> Iterator[Model]:
    """Yield it."""
    files = {
        "deploy.prototxt": deploy(),
        "train_val.prototxt": train_val(),
        "solver.prototxt": RECIPE.solver("faster_rcnn_vgg16"),
        LABEL_MAP: label_map(),
    }
    yield Model("faster_rcnn_vgg16", files, __name__)

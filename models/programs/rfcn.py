"""R-FCN on ResNet-50: maps of scores for each part of a region, of which each part pools its own.

Dai et al., "R-FCN: object detection via region-based fully convolutional networks", 2016,
arXiv:1605.06409. Layers have the names of py-R-FCN, whose boxes do not depend on the class.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import (
    L,
    Model,
    P,
    Recipe,
    batch_norm,
    conv,
    finished,
    pool,
    relu,
    step,
)
from models.programs.common import without_training as answering
from models.programs.faster_rcnn import CLASSES, annotated, inputs, region_proposals, sampled
from models.programs.resnet import WIDTHS, block_names
from models.programs.ssd import LABEL_MAP, label_map
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

PARTS = 7
"""Regions are divided into 7 × 7 parts."""

OFFSET = 0.1
"""What is learned of boxes is divided by this."""

KEPT = 128
"""Regions of an image that are learned from."""


def normalized(
    n: NetSpec, x: Top, name: str, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1
) -> Top:
    """Add a convolution without biases and its normalization; ``name`` is 2a_branch1 or so."""
    pad = dilation * (kernel // 2)
    others = {"dilation": dilation} if dilation > 1 else {}
    n[f"res{name}"] = conv(x, outputs, kernel, stride=stride, pad=pad, bias=False, **others)
    return batch_norm(n, n[f"res{name}"], f"bn{name}", f"scale{name}", use_global_stats=True)


def trunk(n: NetSpec) -> dict[int, Top]:
    """Add ResNet-50, whose last stage is dilated; return the ends of its stages."""
    n.conv1 = conv(n.data, 64, 7, stride=2, pad=3)
    x = batch_norm(n, n.conv1, "bn_conv1", "scale_conv1", use_global_stats=True)
    n.pool1 = x = pool(relu(n, x, "conv1_relu"), "MAX", 3, stride=2)
    ends, channels = {}, 64
    for stage, (width, depth) in enumerate(zip(WIDTHS, (3, 4, 6, 3), strict=True), 2):
        wide = dilated(stage)
        for block in block_names(stage, depth, numbered=False):
            stride = 2 if block in ("3a", "4a") else 1
            y = x
            if channels != 4 * width:
                y = normalized(n, x, f"{block}_branch1", 4 * width, 1, stride=stride)
                channels = 4 * width
            x = normalized(n, x, f"{block}_branch2a", width, 1, stride=stride)
            x = relu(n, x, f"res{block}_branch2a_relu")
            x = normalized(n, x, f"{block}_branch2b", width, 3, dilation=wide)
            x = relu(n, x, f"res{block}_branch2b_relu")
            x = normalized(n, x, f"{block}_branch2c", 4 * width, 1)
            n[f"res{block}"] = L.Eltwise(y, x)
            x = relu(n, n[f"res{block}"], f"res{block}_relu")
        ends[stage] = x
    return ends


def dilated(stage: int) -> int:
    """Return how far the places are apart that a 3 × 3 convolution of a stage looks at."""
    return 2 if stage == 5 else 1


def voted(n: NetSpec, maps: Top, pooled: str, average: str, name: str, outputs: int) -> Top:
    """Add the pooling of each part from its own maps, and the vote of the parts."""
    n[pooled] = L.PSROIPooling(
        maps, n.rois, spatial_scale=1 / 16, output_dim=outputs, group_size=PARTS
    )
    n[name] = L.Pooling(
        n[pooled], name=average, pool=P.Pooling.AVE, kernel_size=PARTS, stride=PARTS
    )
    return n[name]


def score_maps(n: NetSpec, x: Top) -> None:
    """Add the maps of scores and of offsets, one for each part."""
    n.conv_new_1 = conv(x, 1024, 1)
    x = relu(n, n.conv_new_1, "conv_new_1_relu")
    n.rfcn_cls = conv(x, CLASSES * PARTS**2, 1)
    n.rfcn_bbox = conv(x, 2 * 4 * PARTS**2, 1)


def deploy() -> NetParameter:
    """Return the net that answers with rois, cls_prob and bbox_pred."""
    n = NetSpec()
    inputs(n)
    ends = trunk(n)
    region_proposals(n, ends[4], n.im_info)
    score_maps(n, ends[5])
    scores = voted(
        n, n.rfcn_cls, "psroipooled_cls_rois", "ave_cls_score_rois", "cls_score", CLASSES
    )
    boxes = voted(n, n.rfcn_bbox, "psroipooled_loc_rois", "ave_bbox_pred_rois", "bbox_pred_pre", 8)
    n.cls_prob_pre = L.Softmax(scores, name="cls_prob")
    shapes = {"cls_prob": (n.cls_prob_pre, CLASSES), "bbox_pred": (boxes, 8)}
    for name, (top, width) in shapes.items():
        n[name] = L.Reshape(top, name=f"{name}_reshape", shape={"dim": [-1, width]})
    return answering(finished(n, "ResNet-50"))


def train_val() -> NetParameter:
    """Return the net that learns both parts at once, from the regions that cost most."""
    n = NetSpec()
    annotated(n)
    ends = trunk(n)
    rois = region_proposals(n, ends[4], n.im_info, n.objects)
    options = f"'num_classes': {CLASSES}, 'batch_size': -1, 'agnostic': True, "
    options += f"'stds': [{OFFSET}, {OFFSET}, {OFFSET}, {OFFSET}]"
    label, target, inside, outside = sampled(n, rois, n.im_info, n.objects, options)
    score_maps(n, ends[5])
    scores = voted(n, n.rfcn_cls, "psroipooled_cls_rois", "ave_cls_score_rois", "vote", CLASSES)
    boxes = voted(n, n.rfcn_bbox, "psroipooled_loc_rois", "ave_bbox_pred_rois", "bbox_vote", 8)
    n.cls_score = L.Reshape(scores, shape={"dim": [-1, CLASSES]})
    n.bbox_pred = L.Reshape(boxes, shape={"dim": [-1, 8]})
    n.bbox_scaled = L.Power(n.bbox_pred, scale=1 / OFFSET)
    worst, worst_boxes = mined(n, label, target, inside)
    n.loss_cls = L.SoftmaxWithLoss(
        n.cls_score, worst, propagate_down=[True, False], loss_param={"ignore_label": -1}
    )
    n.loss_bbox = L.SmoothL1LossOHEM(
        n.bbox_scaled,
        target,
        worst_boxes,
        loss_weight=1,
        loss_param={"normalization": P.Loss.PRE_FIXED, "pre_fixed_normalizer": KEPT},
    )
    n.silence = L.Silence(outside, ntop=0)
    return finished(n, "ResNet-50")


def mined(n: NetSpec, label: Top, target: Top, weights: Top) -> tuple[Top, Top]:
    """Add the choice of the regions that cost most; return their labels and weights of boxes."""
    none: dict[str, Any] = {"propagate_down": [False, False]}
    n.cost_cls, n.prob_cls, n.cost_cls_each = L.SoftmaxWithLossOHEM(
        n.cls_score, label, ntop=3, name="per_roi_loss_cls", loss_weight=[0, 0, 0], **none
    )
    n.cost_bbox, n.cost_bbox_each = L.SmoothL1LossOHEM(
        n.bbox_scaled,
        target,
        weights,
        ntop=2,
        name="per_roi_loss_bbox",
        loss_weight=[0, 0],
        propagate_down=[False, False, False],
    )
    n.cost = L.Eltwise(n.cost_cls_each, n.cost_bbox_each, name="per_roi_loss")
    n.quiet = L.Silence(n.cost_cls, n.prob_cls, n.cost_bbox, ntop=0)
    tops: tuple[Top, Top] = L.BoxAnnotatorOHEM(
        n.rois,
        n.cost,
        label,
        weights,
        ntop=2,
        name="annotator",
        roi_per_img=KEPT,
        ignore_label=-1,
    )
    n.worst_labels, n.worst_weights = tops
    return tops


RECIPE = Recipe(
    0.001, 110000, step(0.1, 80000),
    {"iter_size": 2, "test_iter": None, "test_interval": None, "test_initialization": None},
)  # fmt: skip


def models() -> Iterator[Model]:
    """Yield it."""
    files = {
        "deploy.prototxt": deploy(),
        "train_val.prototxt": train_val(),
        "solver.prototxt": RECIPE.solver("rfcn_resnet50"),
        LABEL_MAP: label_map(),
    }
    yield Model("rfcn_resnet50", files, __name__)

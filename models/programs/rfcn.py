"""R-FCN on ResNet-50: maps of scores for each part of a region, of which each part pools its own.

Dai et al., "R-FCN: object detection via region-based fully convolutional networks", 2016,
arXiv:1605.06409. Layers have the names of py-R-FCN, whose boxes do not depend on the class.
"""

from collections.abc import Iterator

from models.programs.common import L, Model, P, batch_norm, conv, finished, pool, relu
from models.programs.common import without_training as answering
from models.programs.faster_rcnn import CLASSES, inputs, region_proposals
from models.programs.resnet import WIDTHS, block_names
from models.programs.ssd import LABEL_MAP, label_map
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

PARTS = 7
"""Regions are divided into 7 × 7 parts."""


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


def deploy() -> NetParameter:
    """Return the net that answers with rois, cls_prob and bbox_pred."""
    n = NetSpec()
    inputs(n)
    ends = trunk(n)
    region_proposals(n, ends[4], n.im_info)
    n.conv_new_1 = conv(ends[5], 1024, 1)
    x = relu(n, n.conv_new_1, "conv_new_1_relu")
    n.rfcn_cls = conv(x, CLASSES * PARTS**2, 1)
    n.rfcn_bbox = conv(x, 2 * 4 * PARTS**2, 1)
    scores = voted(
        n, n.rfcn_cls, "psroipooled_cls_rois", "ave_cls_score_rois", "cls_score", CLASSES
    )
    boxes = voted(n, n.rfcn_bbox, "psroipooled_loc_rois", "ave_bbox_pred_rois", "bbox_pred_pre", 8)
    n.cls_prob_pre = L.Softmax(scores, name="cls_prob")
    shapes = {"cls_prob": (n.cls_prob_pre, CLASSES), "bbox_pred": (boxes, 8)}
    for name, (top, width) in shapes.items():
        n[name] = L.Reshape(top, name=f"{name}_reshape", shape={"dim": [-1, width]})
    return answering(finished(n, "ResNet-50"))


def models() -> Iterator[Model]:
    """Yield it."""
    files = {"deploy.prototxt": deploy(), LABEL_MAP: label_map()}
    yield Model("rfcn_resnet50", files, __name__)

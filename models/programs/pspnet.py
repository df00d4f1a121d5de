"""PSPNet: a dilated ResNet-50, and means over parts of the image of four sizes behind it.

Zhao et al., "Pyramid scene parsing network", 2016, arXiv:1612.01105. Layers have the names of the
authors' Caffe files.
"""

from collections.abc import Iterator

from models.programs.common import (
    L,
    Model,
    P,
    Recipe,
    conv,
    dropout,
    finished,
    poly,
    pool,
    relu,
    without_training,
)
from models.programs.trunks import both_phases, image, labelled_pixels
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

TITLE = "pspnet50_ADE20K_473"
CLASSES = 150
MEAN = (103.939, 116.779, 123.68)
SIDE = 473
STAGES = ((64, 3, 1, 1), (128, 4, 2, 1), (256, 6, 1, 2), (512, 3, 1, 4))
"""Width, blocks, stride of the first block, and dilation of each stage."""

PARTS = {1: 60, 2: 30, 3: 20, 6: 10}
"""Into how many parts each side of the map is divided, and their pixels."""


def normalized(
    n: NetSpec, x: Top, name: str, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1
) -> Top:
    """Add a convolution without biases and its normalization."""
    pad = dilation * (kernel // 2)
    others = {"dilation": dilation} if dilation > 1 else {}
    n[name] = conv(x, outputs, kernel, stride=stride, pad=pad, bias=False, **others)
    n[f"{name}/bn"] = L.BN(n[name], in_place=True, slope_filler={"value": 1}, momentum=0.95)
    return n[f"{name}/bn"]


def rectified(n: NetSpec, x: Top, name: str, outputs: int, kernel: int, **others: int) -> Top:
    """Add the same and a rectifier."""
    return relu(n, normalized(n, x, name, outputs, kernel, **others), f"{name}/relu")


def trunk(n: NetSpec) -> Top:
    """Add the residual net; its third stage ends with ``conv4_6``."""
    x = rectified(n, n.data, "conv1_1_3x3_s2", 64, 3, stride=2)
    x = rectified(n, x, "conv1_2_3x3", 64, 3)
    x = rectified(n, x, "conv1_3_3x3", 128, 3)
    n.pool1_3x3_s2 = x = pool(x, "MAX", 3, stride=2, pad=1)
    for stage, (width, depth, first, dilation) in enumerate(STAGES, 2):
        for i in range(1, depth + 1):
            block, stride = f"conv{stage}_{i}", first if i == 1 else 1
            y = x
            if i == 1:
                y = normalized(n, x, f"{block}_1x1_proj", 4 * width, 1, stride=stride)
            x = rectified(n, x, f"{block}_1x1_reduce", width, 1, stride=stride)
            x = rectified(n, x, f"{block}_3x3", width, 3, dilation=dilation)
            x = normalized(n, x, f"{block}_1x1_increase", 4 * width, 1)
            n[block] = L.Eltwise(y, x, operation=P.Eltwise.SUM)
            x = relu(n, n[block], f"{block}/relu")
    return x


def pyramid(n: NetSpec, x: Top) -> Top:
    """Add the means over the parts, enlarged again, behind the map itself."""
    tops = [x]
    for parts, kernel in PARTS.items():
        name = f"conv5_3_pool{parts}"
        n[name] = pool(x, "AVE", kernel, stride=kernel)
        y = rectified(n, n[name], f"{name}_conv", 512, 1)
        n[f"{name}_interp"] = L.Interp(y, height=60, width=60)
        tops.insert(1, n[f"{name}_interp"])
    n.conv5_3_concat = x = L.Concat(*tops)
    return x


def body(n: NetSpec) -> Top:
    """Add the net; (N, CLASSES, SIDE, SIDE) scores."""
    x = rectified(n, pyramid(n, trunk(n)), "conv5_4", 512, 3)
    n.conv6 = conv(dropout(n, x, "conv5_4_dropout", 0.1), CLASSES, 1)
    n.conv6_interp = x = L.Interp(n.conv6, zoom_factor=8)
    return x


def deploy() -> NetParameter:
    """Return the net that answers with scores of the classes for each pixel."""
    n = NetSpec()
    image(n, SIDE, SIDE)
    body(n)
    net = without_training(finished(n, TITLE))
    for layer in net.layer:
        layer.bn_param.ClearField("momentum")
        if not layer.bn_param.ByteSize():
            layer.ClearField("bn_param")
    return net


def helper(n: NetSpec, x: Top) -> Top:
    """Add the scores that the third stage gives, which help it to learn."""
    x = dropout(n, rectified(n, x, "conv_aux", 256, 3), "conv_aux_dropout", 0.1)
    n.conv6_1 = conv(x, CLASSES, 1)
    n.conv6_1_interp = x = L.Interp(n.conv6_1, zoom_factor=8)
    return x


def train_val() -> NetParameter:
    """Return the net that learns."""
    source, ignored = "data/ade20k/{}.txt", {"ignore_label": 255}
    n = NetSpec()
    n.data, n.label = labelled_pixels(
        source.format("train"), TRAIN, MEAN, crop_size=SIDE, batch_size=16
    )
    scores = body(n)
    n.loss = L.SoftmaxWithLoss(scores, n.label, loss_param=ignored)
    early = helper(n, n["conv4_6/relu"])
    n.loss_aux = L.SoftmaxWithLoss(early, n.label, loss_weight=0.4, loss_param=ignored)
    n.accuracy = L.SegAccuracy(scores, n.label, ignore_label=[255], include={"phase": TEST})
    check = NetSpec()
    check.data, check.label = labelled_pixels(
        source.format("val"), TEST, MEAN, crop_size=SIDE, shuffle=False
    )
    check.data.fn.params["transform_param"]["mirror"] = False
    return both_phases(finished(n, TITLE), check.to_proto())


RECIPE = Recipe(
    0.01, 150000, poly(0.9),
    {"weight_decay": 0.0001, "test_iter": [2000], "test_interval": 10000},
)  # fmt: skip


def models() -> Iterator[Model]:
    """Yield the net for ADE20K."""
    files = {
        "deploy.prototxt": deploy(),
        "train_val.prototxt": train_val(),
        "solver.prototxt": RECIPE.solver("pspnet50"),
    }
    yield Model("pspnet50", files, __name__)

"""MobileNets: convolutions of each channel by itself, and 1 × 1 ones that mix the channels.

Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications",
2017, arXiv:1704.04861; Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks",
2018, arXiv:1801.04381. Layers are named and made as in shicai's Caffe files. There the second
version expands in its first block, too, has ReLU where the paper has ReLU6, and halves the image
where the first edition of the paper did: before the stage of 96 channels, not that of 64.
"""

from collections.abc import Iterator

from models.programs.common import (
    SMALL,
    Images,
    L,
    Model,
    Recipe,
    classifier,
    conv,
    global_pool,
    poly,
    relu,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

MEAN = (103.94, 116.78, 123.68)
SCALE = 0.017
V1_BLOCKS = (
    ("2_1", 64, 1), ("2_2", 128, 2), ("3_1", 128, 1), ("3_2", 256, 2), ("4_1", 256, 1),
    ("4_2", 512, 2), ("5_1", 512, 1), ("5_2", 512, 1), ("5_3", 512, 1), ("5_4", 512, 1),
    ("5_5", 512, 1), ("5_6", 1024, 2), ("6", 1024, 1),
)  # fmt: skip
"""Name, channels and stride of each block."""

V2_BLOCKS = (
    ("2_1", 1, 16, 1), ("2_2", 6, 24, 2), ("3_1", 6, 24, 1), ("3_2", 6, 32, 2), ("4_1", 6, 32, 1),
    ("4_2", 6, 32, 1), ("4_3", 6, 64, 1), ("4_4", 6, 64, 1), ("4_5", 6, 64, 1), ("4_6", 6, 64, 1),
    ("4_7", 6, 96, 2), ("5_1", 6, 96, 1), ("5_2", 6, 96, 1), ("5_3", 6, 160, 2),
    ("6_1", 6, 160, 1), ("6_2", 6, 160, 1), ("6_3", 6, 320, 1),
)  # fmt: skip
"""Name, factor of expansion, channels and stride of each block."""

RECIPE = Recipe(0.045, 1000000, poly(1), {"weight_decay": 0.00004})


def normalized(n: NetSpec, x: Top, name: str) -> Top:
    """Add the normalization of the convolution of that name, into a blob of its own."""
    n[f"{name}/bn"] = L.BatchNorm(x)
    n[f"{name}/scale"] = L.Scale(n[f"{name}/bn"], bias_term=True, in_place=True)
    return n[f"{name}/scale"]


def convolved(n: NetSpec, x: Top, name: str, outputs: int) -> Top:
    """Add a 1 × 1 convolution and its normalization."""
    n[name] = conv(x, outputs, 1, bias=False)
    return normalized(n, n[name], name)


def depthwise(n: NetSpec, x: Top, name: str, channels: int, stride: int) -> Top:
    """Add a 3 × 3 convolution of each channel by itself, and its normalization."""
    n[name] = conv(x, channels, 3, stride=stride, pad=1, group=channels, bias=False)
    return normalized(n, n[name], name)


def stem(n: NetSpec) -> Top:
    """Add the first convolution."""
    n.conv1 = conv(n.data, 32, 3, stride=2, pad=1, bias=False)
    return relu(n, normalized(n, n.conv1, "conv1"), "relu1")


def scores(n: NetSpec, x: Top) -> Top:
    """Add the classifier, a 1 × 1 convolution of what is left of the image."""
    n.pool6 = global_pool(x)
    n.fc7 = conv(n.pool6, 1000, 1, weight_filler=SMALL)
    return n.fc7


def v1(n: NetSpec) -> Top:
    """Add the body of the first version."""
    x, channels = stem(n), 32
    for name, outputs, stride in V1_BLOCKS:
        x = relu(n, depthwise(n, x, f"conv{name}/dw", channels, stride), f"relu{name}/dw")
        x = relu(n, convolved(n, x, f"conv{name}/sep", outputs), f"relu{name}/sep")
        channels = outputs
    return scores(n, x)


def v2(n: NetSpec) -> Top:
    """Add the body of the second version."""
    x, channels = stem(n), 32
    for name, factor, outputs, stride in V2_BLOCKS:
        wide = factor * channels
        y = relu(n, convolved(n, x, f"conv{name}/expand", wide), f"relu{name}/expand")
        y = relu(n, depthwise(n, y, f"conv{name}/dwise", wide, stride), f"relu{name}/dwise")
        y = convolved(n, y, f"conv{name}/linear", outputs)
        if stride == 1 and outputs == channels:
            n[f"block_{name}"] = y = L.Eltwise(x, y)
        x, channels = y, outputs
    x = relu(n, convolved(n, x, "conv6_4", 1280), "relu6_4")
    return scores(n, x)


def models() -> Iterator[Model]:
    """Yield both versions."""
    images = Images(224, MEAN, SCALE, batch=(64, 50))
    yield classifier("mobilenet_v1", __name__, "MOBILENET", v1, images, RECIPE)
    yield classifier("mobilenet_v2", __name__, "MOBILENET_V2", v2, images, RECIPE)

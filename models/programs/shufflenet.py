"""ShuffleNets: grouped or split convolutions, between which the channels are shuffled.

Zhang et al., "ShuffleNet: an extremely efficient convolutional neural network for mobile devices",
2017, arXiv:1707.01083 (1x, 3 groups); Ma et al., "ShuffleNet V2: practical guidelines for efficient
CNN architecture design", 2018, arXiv:1807.11164 (1x). Layers are named and made as in farmingyard's
Caffe files. There the first block of a stage of version 1 narrows to a quarter of its input, not of
its output.
"""

from collections.abc import Iterator

from models.programs.common import (
    SMALL,
    Images,
    L,
    Model,
    Recipe,
    batch_norm,
    classifier,
    conv,
    global_pool,
    poly,
    pool,
    relu,
)
from models.programs.mobilenet import MEAN, SCALE
from netcfg.pycaffe.net_spec import NetSpec, Top

DEPTHS = (4, 8, 4)
GROUPS = 3
V1_WIDTHS = (240, 480, 960)
V2_WIDTHS = (116, 232, 464)
RECIPE = Recipe(0.5, 300000, poly(1), {"weight_decay": 0.00004, "iter_size": 8})


def normalized(
    n: NetSpec, x: Top, name: str, outputs: int, kernel: int = 1, stride: int = 1, group: int = 1
) -> Top:
    """Add a convolution without biases and its normalization."""
    pad = kernel // 2
    n[name] = conv(x, outputs, kernel, stride=stride, pad=pad, group=group, bias=False)
    return batch_norm(n, n[name], f"{name}_bn", f"{name}_scale")


def stem(n: NetSpec) -> Top:
    """Add what comes before the blocks."""
    x = relu(n, normalized(n, n.data, "conv1", 24, 3, 2), "conv1_relu")
    n.pool1 = pool(x, "MAX", 3, stride=2)
    return n.pool1


def scores(n: NetSpec, x: Top) -> Top:
    """Add the classifier, a 1 × 1 convolution of what is left of the image."""
    n.pool_ave = global_pool(x)
    n.fc1000 = conv(n.pool_ave, 1000, 1, weight_filler=SMALL)
    return n.fc1000


def grouped_block(n: NetSpec, x: Top, i: int, narrow: int, outputs: int, halves: bool) -> Top:
    """Add block i of version 1, whose branch gives ``outputs`` channels."""
    name, stride = f"resx{i}", 2 if halves else 1
    y = normalized(n, x, f"{name}_conv1", narrow, group=1 if i == 1 else GROUPS)
    y = relu(n, y, f"{name}_conv1_relu")
    if i > 1:
        n[f"shuffle{i}"] = y = L.ShuffleChannel(y, group=GROUPS)
    y = normalized(n, y, f"{name}_conv2", narrow, 3, stride, narrow)
    y = normalized(n, y, f"{name}_conv3", outputs, group=GROUPS)
    if not halves:
        n[f"{name}_elewise"] = L.Eltwise(x, y)
        return relu(n, n[f"{name}_elewise"], f"{name}_elewise_relu")
    n[f"{name}_match_conv"] = pool(x, "AVE", 3, stride=2)
    n[f"{name}_concat"] = L.Concat(n[f"{name}_match_conv"], y)
    return relu(n, n[f"{name}_concat"], f"{name}_concat_relu")


def v1(n: NetSpec) -> Top:
    """Add the body of version 1."""
    x, channels, i = stem(n), 24, 0
    for width, depth in zip(V1_WIDTHS, DEPTHS, strict=True):
        for j in range(depth):
            i += 1
            outputs = width - channels if j == 0 else width
            narrow = outputs // 4 if i == 1 else channels // 4
            x = grouped_block(n, x, i, narrow, outputs, halves=j == 0)
            channels = width
    return scores(n, x)


def right_branch(n: NetSpec, x: Top, i: int, width: int, stride: int) -> Top:
    """Add the branch of three convolutions of a block of version 2."""
    name = f"branch{i}_2"
    x = relu(n, normalized(n, x, f"{name}_conv1", width), f"{name}_conv1_relu")
    x = normalized(n, x, f"{name}_conv2", width, 3, stride, width)
    return relu(n, normalized(n, x, f"{name}_conv3", width), f"{name}_conv3_relu")


def split_block(n: NetSpec, x: Top, i: int, width: int) -> Top:
    """Add a block of version 2 that leaves half of the channels as they are."""
    left, right = L.Slice(x, ntop=2, slice_point=width, axis=1, name=f"slice{i}")
    n[f"branch{i}_1"], n[f"branch{i}_2"] = left, right
    n[f"concat{i}"] = L.Concat(left, right_branch(n, right, i, width, 1))
    return n[f"concat{i}"]


def halving_block(n: NetSpec, x: Top, i: int, channels: int, width: int) -> Top:
    """Add a block of version 2 that halves the image, with a convolution on either side."""
    name = f"branch{i}_1"
    y = normalized(n, x, f"{name}_conv1", channels, 3, 2, channels)
    y = relu(n, normalized(n, y, f"{name}_conv2", width), f"{name}_conv2_relu")
    n[f"concat{i}"] = L.Concat(y, right_branch(n, x, i, width, 2))
    return n[f"concat{i}"]


def v2(n: NetSpec) -> Top:
    """Add the body of version 2."""
    x, channels, i = stem(n), 24, 0
    for outputs, depth in zip(V2_WIDTHS, DEPTHS, strict=True):
        for j in range(depth):
            i += 1
            width = outputs // 2
            x = split_block(n, x, i, width) if j else halving_block(n, x, i, channels, width)
            n[f"shuffle{i}"] = x = L.ShuffleChannel(x, group=2)
            channels = outputs
    x = relu(n, normalized(n, x, "conv5", 1024), "conv5_relu")
    return scores(n, x)


def models() -> Iterator[Model]:
    """Yield both versions."""
    images = Images(224, MEAN, SCALE, batch=(128, 50))
    yield classifier("shufflenet_v1", __name__, "shufflenet", v1, images, RECIPE)
    yield classifier("shufflenet_v2", __name__, "shufflenet_v2", v2, images, RECIPE)

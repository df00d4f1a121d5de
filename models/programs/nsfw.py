"""open_nsfw: a ResNet-50 of half the width that scores how unfit for work an image is.

Mahadeokar and Pesavento, "Open sourcing a deep learning solution for detecting NSFW images", 2016.
Layer names are those of the authors' Caffe file. There is no data to train it on.
"""

from collections.abc import Iterator

from models.programs.common import (
    L,
    Model,
    batch_norm,
    conv,
    deploy,
    linear,
    pool,
    relu,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

STAGES = ((32, 3), (64, 4), (128, 6), (256, 3))
"""Width and blocks of each stage."""


def normalized(n: NetSpec, x: Top, name: str, outputs: int, kernel: int, stride: int = 1) -> Top:
    """Add a convolution and its normalization; ``name`` has no conv, bn or scale before it."""
    full = f"conv_{name}"
    n[full] = conv(x, outputs, kernel, stride=stride, pad=kernel // 2)
    return batch_norm(n, n[full], f"bn_{name}", f"scale_{name}")


def residual(n: NetSpec, x: Top, block: str, width: int, stride: int) -> Top:
    """Add a block; the first one of a stage projects its shortcut."""
    shortcut = x
    if block.endswith("block0"):
        shortcut = normalized(n, x, f"{block}_proj_shortcut", 4 * width, 1, stride)
    y = normalized(n, x, f"{block}_branch2a", width, 1, stride)
    y = relu(n, y, f"relu_{block}_branch2a")
    y = normalized(n, y, f"{block}_branch2b", width, 3)
    y = relu(n, y, f"relu_{block}_branch2b")
    y = normalized(n, y, f"{block}_branch2c", 4 * width, 1)
    n[f"eltwise_{block}"] = L.Eltwise(shortcut, y)
    return relu(n, n[f"eltwise_{block}"], f"relu_{block}")


def body(n: NetSpec) -> Top:
    """Add the net."""
    x = relu(n, normalized(n, n.data, "1", 64, 7, stride=2), "relu_1")
    n.pool1 = x = pool(x, "MAX", 3, stride=2)
    for stage, (width, depth) in enumerate(STAGES):
        for i in range(depth):
            stride = 2 if i == 0 and stage > 0 else 1
            x = residual(n, x, f"stage{stage}_block{i}", width, stride)
    n.pool = pool(x, "AVE", 7, stride=1)
    n.fc_nsfw = linear(n.pool, 2)
    return n.fc_nsfw


def models() -> Iterator[Model]:
    """Yield open_nsfw."""
    net = deploy("ResNet_50_1by2_nsfw", body, (1, 3, 224, 224))
    yield Model("open_nsfw", {"deploy.prototxt": net}, __name__)

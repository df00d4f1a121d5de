"""SE-ResNet-50: a residual net that weighs the channels of each block by what the image holds.

Hu et al., "Squeeze-and-excitation networks", 2017, arXiv:1709.01507. Layer names are those of the
authors' Caffe file; its Axpy weighs the channels and adds the shortcut in one layer.
"""

from collections.abc import Iterator

from models.programs.common import (
    Images,
    L,
    Model,
    Recipe,
    batch_norm,
    classifier,
    conv,
    global_pool,
    linear,
    pool,
    relu,
    step,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

STAGES = {2: (64, 3), 3: (128, 4), 4: (256, 6), 5: (512, 3)}
"""Width and blocks of each stage."""

REDUCTION = 16
RECIPE = Recipe(0.6, 120000, step(0.1, 36000), {"weight_decay": 0.0001, "iter_size": 32})


def normalized(n: NetSpec, x: Top, name: str, outputs: int, kernel: int, stride: int = 1) -> Top:
    """Add a convolution without biases and its normalization."""
    n[name] = conv(x, outputs, kernel, stride=stride, pad=kernel // 2, bias=False)
    return batch_norm(n, n[name], f"{name}/bn", f"{name}/bn/scale")


def weights(n: NetSpec, x: Top, block: str, channels: int) -> Top:
    """Add what says how much each channel counts: means, a narrow layer, a wide one."""
    n[f"{block}_global_pool"] = global_pool(x)
    down, up = f"{block}_1x1_down", f"{block}_1x1_up"
    n[down] = conv(n[f"{block}_global_pool"], channels // REDUCTION, 1)
    n[up] = conv(relu(n, n[down], f"{down}/relu"), channels, 1)
    n[f"{block}_prob"] = L.Sigmoid(n[up], in_place=True)
    return n[f"{block}_prob"]


def residual(n: NetSpec, x: Top, block: str, width: int, stride: int) -> Top:
    """Add a block; the first one of a stage projects its shortcut."""
    channels = 4 * width
    y = normalized(n, x, f"{block}_1x1_reduce", width, 1, stride)
    y = normalized(n, relu(n, y, f"{block}_1x1_reduce/relu"), f"{block}_3x3", width, 3)
    y = normalized(n, relu(n, y, f"{block}_3x3/relu"), f"{block}_1x1_increase", channels, 1)
    scale = weights(n, y, block, channels)
    if block.endswith("_1"):
        x = normalized(n, x, f"{block}_1x1_proj", channels, 1, stride)
    n[block] = L.Axpy(scale, y, x)
    return relu(n, n[block], f"{block}/relu")


def body(n: NetSpec) -> Top:
    """Add the net."""
    x = normalized(n, n.data, "conv1/7x7_s2", 64, 7, stride=2)
    x = relu(n, x, "conv1/relu_7x7_s2")
    n["pool1/3x3_s2"] = x = pool(x, "MAX", 3, stride=2)
    for stage, (width, depth) in STAGES.items():
        for i in range(1, depth + 1):
            stride = 2 if i == 1 and stage > 2 else 1
            x = residual(n, x, f"conv{stage}_{i}", width, stride)
    n["pool5/7x7_s1"] = pool(x, "AVE", 7, stride=1)
    n.classifier = linear(n["pool5/7x7_s1"], 1000)
    return n.classifier


def models() -> Iterator[Model]:
    """Yield SE-ResNet-50."""
    images = Images(224, batch=(32, 50))
    yield classifier("senet50", __name__, "SE-ResNet-50", body, images, RECIPE)

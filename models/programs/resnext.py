"""ResNeXt-50 (32x4d): bottlenecks whose 3 × 3 convolution has 32 groups of 4 channels.

Xie et al., "Aggregated residual transformations for deep neural networks", 2016, arXiv:1611.05431.
Layer names are those of cypw's Caffe file, which begins with a normalization of the images and
strides in the 3 × 3 convolution.
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
)
from netcfg.pycaffe.net_spec import NetSpec, Top

DEPTHS = (3, 4, 6, 3)
GROUPS = 32
EPS = 2e-5
RECIPE = Recipe(
    0.1, 600000, {"lr_policy": "multistep", "gamma": 0.1, "stepvalue": [150000, 300000, 450000]},
    {"weight_decay": 0.0001, "iter_size": 8},
)  # fmt: skip


def normalize(n: NetSpec, x: Top, name: str) -> Top:
    """Add the normalization of that name."""
    return batch_norm(n, x, name, f"scale_{name}", eps=EPS)


def unit(n: NetSpec, x: Top, name: str, width: int, stride: int) -> Top:
    """Add a block; the first one of a stage projects its shortcut."""
    sizes = {1: (width, 1, 1, 1), 2: (width, 3, stride, GROUPS), 3: (2 * width, 1, 1, 1)}
    y = x
    for i, (outputs, kernel, strides, group) in sizes.items():
        full = f"{name}_conv{i}"
        n[full] = conv(y, outputs, kernel, stride=strides, pad=kernel // 2, group=group, bias=False)
        y = normalize(n, n[full], f"{name}_bn{i}")
        if i < 3:
            y = relu(n, y, f"{name}_relu{i}")
    if name.endswith("unit1"):
        n[f"{name}_sc"] = conv(x, 2 * width, 1, stride=stride, bias=False)
        x = normalize(n, n[f"{name}_sc"], f"{name}_sc_bn")
    n[f"{name}_plus"] = L.Eltwise(x, y)
    return relu(n, n[f"{name}_plus"], f"{name}_relu")


def body(n: NetSpec) -> Top:
    """Add the net."""
    n.bn_data = L.BatchNorm(n.data, eps=EPS)
    n.scale_bn_data = x = L.Scale(n.bn_data, bias_term=True, in_place=True)
    n.conv0 = conv(x, 64, 7, stride=2, pad=3, bias=False)
    x = relu(n, normalize(n, n.conv0, "bn0"), "relu0")
    n.pooling0 = x = pool(x, "MAX", 3, stride=2)
    for stage, depth in enumerate(DEPTHS, 1):
        for i in range(1, depth + 1):
            stride = 2 if i == 1 and stage > 1 else 1
            x = unit(n, x, f"stage{stage}_unit{i}", 64 << stage, stride)
    n.pool1 = global_pool(x)
    n.fc1 = linear(n.pool1, 1000)
    return n.fc1


def models() -> Iterator[Model]:
    """Yield ResNeXt-50."""
    images = Images(224, mean=(), batch=(32, 50))
    title = "ResNeXt-50-32x4d"
    yield classifier("resnext50_32x4d", __name__, title, body, images, RECIPE)

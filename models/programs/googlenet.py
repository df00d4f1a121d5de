"""GoogLeNet, the first Inception net, with two more classifiers that help it learn.

Szegedy et al., "Going deeper with convolutions", 2014, arXiv:1409.4842. Layer names are those of
Caffe's bvlc_googlenet.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import (
    WEIGHT_AND_BIAS,
    XAVIER,
    Images,
    L,
    Model,
    Recipe,
    classifier,
    conv,
    dropout,
    linear,
    pool,
    relu,
    step,
)
from netcfg.netcfg_pb2 import TEST
from netcfg.pycaffe.net_spec import NetSpec, Top

MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Channels of 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5 and pool_proj."""

HEADS = {"4a": "loss1", "4d": "loss2"}
"""Modules that a further classifier stands on."""

ACTIVE: dict[str, Any] = {
    "weight_filler": XAVIER,
    "bias_filler": {"type": "constant", "value": 0.2},
}
RECIPE = Recipe(
    0.01, 2400000, step(0.96, 320000),
    {"test_interval": 4000, "display": 40, "snapshot": 40000, "weight_decay": 0.0002},
)  # fmt: skip


def conv_relu(n: NetSpec, x: Top, name: str, outputs: int, kernel: int, stride: int = 1) -> Top:
    """Add a convolution that keeps the size, or divides it by ``stride``."""
    n[name] = conv(
        x, outputs, kernel, stride=stride, pad=kernel // 2, param=WEIGHT_AND_BIAS, **ACTIVE
    )
    folder, _, last = name.rpartition("/")
    return relu(n, n[name], f"{folder}/relu_{last}")


def inception(n: NetSpec, x: Top, name: str, widths: tuple[int, ...]) -> Top:
    """Add a module of four branches."""
    one, reduce3, three, reduce5, five, projected = widths
    front = f"inception_{name}"
    a = conv_relu(n, x, f"{front}/1x1", one, 1)
    b = conv_relu(n, x, f"{front}/3x3_reduce", reduce3, 1)
    b = conv_relu(n, b, f"{front}/3x3", three, 3)
    c = conv_relu(n, x, f"{front}/5x5_reduce", reduce5, 1)
    c = conv_relu(n, c, f"{front}/5x5", five, 5)
    n[f"{front}/pool"] = pool(x, "MAX", 3, stride=1, pad=1)
    d = conv_relu(n, n[f"{front}/pool"], f"{front}/pool_proj", projected, 1)
    n[f"{front}/output"] = L.Concat(a, b, c, d)
    return n[f"{front}/output"]


def head(n: NetSpec, x: Top, name: str) -> None:
    """Add a classifier whose loss counts a third."""
    n[f"{name}/ave_pool"] = pool(x, "AVE", 5, stride=3)
    x = conv_relu(n, n[f"{name}/ave_pool"], f"{name}/conv", 128, 1)
    n[f"{name}/fc"] = linear(x, 1024, param=WEIGHT_AND_BIAS, **ACTIVE)
    x = relu(n, n[f"{name}/fc"], f"{name}/relu_fc")
    x = dropout(n, x, f"{name}/drop_fc", 0.7)
    n[f"{name}/classifier"] = x = linear(x, 1000, param=WEIGHT_AND_BIAS, weight_filler=XAVIER)
    n[f"{name}/{name}"] = L.SoftmaxWithLoss(x, n.label, loss_weight=0.3, name=f"{name}/loss")
    n[f"{name}/top-1"] = L.Accuracy(x, n.label, include={"phase": TEST})
    n[f"{name}/top-5"] = L.Accuracy(x, n.label, top_k=5, include={"phase": TEST})


def body(n: NetSpec) -> Top:
    """Add the net; with labels at hand also the further classifiers."""
    x = conv_relu(n, n.data, "conv1/7x7_s2", 64, 7, stride=2)
    n["pool1/3x3_s2"] = pool(x, "MAX", 3, stride=2)
    n["pool1/norm1"] = x = L.LRN(n["pool1/3x3_s2"], local_size=5, alpha=1e-4, beta=0.75)
    x = conv_relu(n, x, "conv2/3x3_reduce", 64, 1)
    x = conv_relu(n, x, "conv2/3x3", 192, 3)
    n["conv2/norm2"] = L.LRN(x, local_size=5, alpha=1e-4, beta=0.75)
    n["pool2/3x3_s2"] = x = pool(n["conv2/norm2"], "MAX", 3, stride=2)
    for name, widths in MODULES.items():
        x = inception(n, x, name, widths)
        if name in HEADS and "label" in n.tops:
            head(n, x, HEADS[name])
        if name in ("3b", "4e"):
            stage = int(name[0])
            n[f"pool{stage}/3x3_s2"] = x = pool(x, "MAX", 3, stride=2)
    n["pool5/7x7_s1"] = pool(x, "AVE", 7, stride=1)
    x = dropout(n, n["pool5/7x7_s1"], "pool5/drop_7x7_s1", 0.4)
    n["loss3/classifier"] = linear(x, 1000, param=WEIGHT_AND_BIAS, weight_filler=XAVIER)
    return n["loss3/classifier"]


def models() -> Iterator[Model]:
    """Yield GoogLeNet."""
    images = Images(224, batch=(32, 50))
    yield classifier("googlenet", __name__, "GoogleNet", body, images, RECIPE)

"""MobileNet-SSD: the heads of SSD on MobileNet, as chuanqi305's Caffe files name the layers.

Published weights have the normalization merged into the convolutions: so has deploy.prototxt, while
train_val.prototxt learns both. See ``mobilenet`` and ``ssd`` for the papers.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import L, Model, conv, relu
from models.programs.ssd import Anchors, Features, Frame, detector, recipe
from netcfg.pycaffe.net_spec import NetSpec, Top

BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
"""Channels and stride of conv1 to conv13, each a convolution by channel and one of 1 × 1."""

TOPS = ((256, 512), (128, 256), (128, 256), (64, 128))
"""Channels of conv14_1 and conv14_2, and so on."""

MOBILE = Frame(
    300,
    [
        Anchors("conv11", 60, 0, [2]),
        Anchors("conv13", 105, 150, [2, 3]),
        Anchors("conv14_2", 150, 195, [2, 3]),
        Anchors("conv15_2", 195, 240, [2, 3]),
        Anchors("conv16_2", 240, 285, [2, 3]),
        Anchors("conv17_2", 285, 300, [2, 3]),
    ],
    kernel=1,
    mean=(127.5, 127.5, 127.5),
    scale=0.007843,
    top_k=100,
    keep=100,
    threshold=0.25,
    batch=(24, 8),
)


def mobile_features(merged: bool) -> Features:
    """Return the maps of MobileNet and of the stages above, with normalization or without."""

    def add(n: NetSpec, x: Top, name: str, outputs: int, kernel: int, **others: Any) -> Top:
        n[name] = conv(x, outputs, kernel, pad=kernel // 2, bias=merged, **others)
        x = n[name]
        if not merged:
            n[f"{name}/bn"] = L.BatchNorm(x, in_place=True)
            n[f"{name}/scale"] = L.Scale(n[f"{name}/bn"], bias_term=True, in_place=True)
            x = n[f"{name}/scale"]
        return relu(n, x, f"{name}/relu")

    def build(n: NetSpec) -> list[Top]:
        x, channels, maps = add(n, n.data, "conv0", 32, 3, stride=2), 32, []
        for i, (outputs, stride) in enumerate(BLOCKS, 1):
            x = add(n, x, f"conv{i}/dw", channels, 3, stride=stride, group=channels)
            x, channels = add(n, x, f"conv{i}", outputs, 1), outputs
            if i in (11, 13):
                maps.append(x)
        for i, (narrow, wide) in enumerate(TOPS, 14):
            x = add(n, x, f"conv{i}_1", narrow, 1)
            x = add(n, x, f"conv{i}_2", wide, 3, stride=2)
            maps.append(x)
        return maps

    return build


def models() -> Iterator[Model]:
    """Yield it."""
    bodies = mobile_features(merged=True), mobile_features(merged=False)
    how = recipe(MOBILE, 0.0005, (20000, 40000, 120000))
    yield detector("mobilenet_ssd", __name__, "MobileNet-SSD", MOBILE, bodies, how)

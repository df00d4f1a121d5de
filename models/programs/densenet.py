"""DenseNets: every layer of a block reads all that came before it in the block.

Huang et al., "Densely connected convolutional networks", 2016, arXiv:1608.06993. Layer names are
those of shicai's Caffe files, which were converted from the authors' Torch nets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from models.programs.common import (
    SMALL,
    Body,
    Images,
    L,
    Model,
    P,
    Recipe,
    classifier,
    conv,
    global_pool,
    pool,
    relu,
)
from models.programs.mobilenet import MEAN, SCALE, normalized
from netcfg.pycaffe.net_spec import NetSpec, Top


@dataclass(frozen=True)
class Variant:
    """The size of a net: layers in each block, and channels that each layer adds."""

    depths: tuple[int, int, int, int]
    growth: int = 32


VARIANTS = {
    121: Variant((6, 12, 24, 16)),
    161: Variant((6, 12, 36, 24), growth=48),
    169: Variant((6, 12, 32, 32)),
    201: Variant((6, 12, 48, 32)),
}
RECIPE = Recipe(
    0.1, 450000, {"lr_policy": "multistep", "gamma": 0.1, "stepvalue": [150000, 300000]},
    {"weight_decay": 0.0001, "iter_size": 8},
)  # fmt: skip


def activated(n: NetSpec, x: Top, name: str) -> Top:
    """Add what stands before the convolution of that name: normalization and rectifier."""
    return relu(n, normalized(n, x, name), name.replace("conv", "relu"))


def dense_layer(n: NetSpec, x: Top, name: str, growth: int) -> Top:
    """Add the two convolutions of a layer: narrow, then look at 3 × 3 places."""
    for part, (outputs, kernel) in {"x1": (4 * growth, 1), "x2": (growth, 3)}.items():
        full = f"{name}/{part}"
        x = activated(n, x, full)
        n[full] = x = conv(x, outputs, kernel, pad=kernel // 2, bias=False)
    return x


def body(variant: Variant) -> Body:
    """Return the body of a net."""

    def build(n: NetSpec) -> Top:
        channels = 2 * variant.growth
        n.conv1 = conv(n.data, channels, 7, stride=2, pad=3, bias=False)
        x = activated(n, n.conv1, "conv1")
        floor = P.Pooling.FLOOR
        n.pool1 = x = pool(x, "MAX", 3, stride=2, pad=1, round_mode=floor)
        for stage, depth in enumerate(variant.depths, 2):
            for i in range(1, depth + 1):
                y = dense_layer(n, x, f"conv{stage}_{i}", variant.growth)
                n[f"concat_{stage}_{i}"] = x = L.Concat(x, y)
            channels += depth * variant.growth
            x = activated(n, x, f"conv{stage}_blk")
            if stage < 5:
                channels //= 2
                n[f"conv{stage}_blk"] = conv(x, channels, 1, bias=False)
                n[f"pool{stage}"] = x = pool(n[f"conv{stage}_blk"], "AVE", 2, stride=2)
        n.pool5 = global_pool(x)
        n.fc6 = conv(n.pool5, 1000, 1, weight_filler=SMALL)
        return n.fc6

    return build


def models() -> Iterator[Model]:
    """Yield the nets of 121, 161, 169 and 201 layers."""
    for layers, variant in VARIANTS.items():
        images = Images(224, MEAN, SCALE, batch=(32, 50))
        title = f"DENSENET_{layers}"
        yield classifier(f"densenet{layers}", __name__, title, body(variant), images, RECIPE)

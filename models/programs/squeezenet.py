"""SqueezeNet 1.0 and 1.1: fire modules, which squeeze channels before they look at 3 × 3 places.

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model
size", 2016, arXiv:1602.07360. Layer names are those of the authors' Caffe files.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from models.programs.common import (
    XAVIER,
    Body,
    Images,
    L,
    Model,
    Recipe,
    classifier,
    conv,
    dropout,
    global_pool,
    poly,
    pool,
    relu,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

SQUEEZED = (16, 16, 32, 32, 48, 48, 64, 64)
"""Channels that the modules fire2 to fire9 squeeze to; each half of a module gives four times as
many."""


@dataclass(frozen=True)
class Variant:
    """What differs between the versions.

    Attributes:
        conv1: channels and kernel of the first convolution.
        pad: of the last convolution.
        pools: modules, or 1 for the first convolution, that are pooled.
    """

    conv1: tuple[int, int]
    pools: tuple[int, ...]
    pad: int = 0


VARIANTS = {
    "1.0": Variant((96, 7), (1, 4, 8), pad=1),
    "1.1": Variant((64, 3), (1, 3, 5)),
}
RECIPE = Recipe(
    0.04, 170000, poly(1), {"iter_size": 16, "weight_decay": 0.0002, "test_iter": [2000],
    "test_interval": 1000, "display": 40, "snapshot": 1000},
)  # fmt: skip


def fire(n: NetSpec, x: Top, name: str, squeezed: int) -> Top:
    """Add a fire module."""

    def part(x: Top, layer: str, outputs: int, kernel: int) -> Top:
        full = f"{name}/{layer}"
        n[full] = conv(x, outputs, kernel, pad=kernel // 2, weight_filler=XAVIER)
        return relu(n, n[full], f"{name}/relu_{layer}")

    x = part(x, "squeeze1x1", squeezed, 1)
    halves = part(x, "expand1x1", 4 * squeezed, 1), part(x, "expand3x3", 4 * squeezed, 3)
    n[f"{name}/concat"] = L.Concat(*halves)
    return n[f"{name}/concat"]


def body(variant: Variant) -> Body:
    """Return the body of a version."""

    def build(n: NetSpec) -> Top:
        outputs, kernel = variant.conv1
        n.conv1 = conv(n.data, outputs, kernel, stride=2, weight_filler=XAVIER)
        x = relu(n, n.conv1, "relu_conv1")
        for i, squeezed in enumerate((None, *SQUEEZED), 1):
            if squeezed is not None:
                x = fire(n, x, f"fire{i}", squeezed)
            if i in variant.pools:
                n[f"pool{i}"] = x = pool(x, "MAX", 3, stride=2)
        x = dropout(n, x, "drop9", 0.5)
        last = {"type": "gaussian", "std": 0.01}
        n.conv10 = conv(x, 1000, 1, pad=variant.pad, weight_filler=last)
        n.pool10 = global_pool(relu(n, n.conv10, "relu_conv10"))
        return n.pool10

    return build


def models() -> Iterator[Model]:
    """Yield both versions."""
    for version, variant in VARIANTS.items():
        name, images = f"squeezenet{version}", Images(227, batch=(32, 25), mirror=False)
        title = f"SqueezeNet v{version}"
        yield classifier(name, __name__, title, body(variant), images, RECIPE)

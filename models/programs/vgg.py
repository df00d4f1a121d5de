"""VGG, configurations D and E: stacks of 3 × 3 convolutions, halved between the stages.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014,
arXiv:1409.1556. Layer names are those of the authors' Caffe files.
"""

from collections.abc import Iterator, Sequence

from models.programs.common import (
    WEIGHT_AND_BIAS,
    XAVIER,
    Body,
    Images,
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
from netcfg.pycaffe.net_spec import NetSpec, Top

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
MEAN = (103.939, 116.779, 123.68)
RECIPE = Recipe(0.01, 370000, step(0.1, 100000), {"iter_size": 4})


def body(depths: Sequence[int]) -> Body:
    """Return the body of the net with that many convolutions in each stage."""

    def build(n: NetSpec) -> Top:
        x = n.data
        for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), 1):
            for i in range(1, depth + 1):
                name = f"conv{stage}_{i}"
                n[name] = conv(x, width, 3, pad=1, weight_filler=XAVIER, param=WEIGHT_AND_BIAS)
                x = relu(n, n[name], f"relu{stage}_{i}")
            n[f"pool{stage}"] = x = pool(x, "MAX", 2, stride=2)
        for i in (6, 7):
            n[f"fc{i}"] = linear(x, 4096, weight_filler=XAVIER, param=WEIGHT_AND_BIAS)
            x = relu(n, n[f"fc{i}"], f"relu{i}")
            x = dropout(n, x, f"drop{i}", 0.5)
        n.fc8 = linear(x, 1000, param=WEIGHT_AND_BIAS)
        return n.fc8

    return build


def models() -> Iterator[Model]:
    """Yield VGG-16 and VGG-19."""
    for name, depths in DEPTHS.items():
        title = f"VGG_ILSVRC_{name.removeprefix('vgg')}_layers"
        images = Images(224, MEAN, batch=(64, 50))
        yield classifier(name, __name__, title, body(depths), images, RECIPE)

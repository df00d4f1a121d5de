"""Network in network: after each convolution two that look at one place only.

Lin et al., "Network in network", 2013, arXiv:1312.4400. Layer names are those of the authors' Caffe
file for ImageNet.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import (
    WEIGHT_AND_BIAS,
    Images,
    Model,
    Recipe,
    classifier,
    conv,
    dropout,
    pool,
    relu,
    step,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

MEAN_FILE = "data/ilsvrc12/mean.binaryproto"
RECIPE = Recipe(0.01, 450000, step(0.1, 200000), {"test_interval": 1000, "display": 20})


def convolved(
    n: NetSpec,
    x: Top,
    name: str,
    outputs: int,
    relu_name: str,
    *,
    kernel: int = 1,
    stride: int = 1,
    std: float = 0.05,
    layer: str = "",
) -> Top:
    """Add a convolution and its rectifier; ``layer`` is its name where its blob has another."""
    given: dict[str, Any] = {"name": layer} if layer else {}
    filler = {"type": "gaussian", "std": std}
    pad = 0 if stride > 1 else kernel // 2
    n[name] = conv(
        x, outputs, kernel, stride=stride, pad=pad, weight_filler=filler, param=WEIGHT_AND_BIAS,
        **given,
    )  # fmt: skip
    return relu(n, n[name], relu_name)


def body(n: NetSpec) -> Top:
    """Add the net."""
    x = convolved(n, n.data, "conv1", 96, "relu0", kernel=11, stride=4, std=0.01)
    x = convolved(n, x, "cccp1", 96, "relu1")
    x = convolved(n, x, "cccp2", 96, "relu2")
    n.pool0 = x = pool(x, "MAX", 3, stride=2)
    x = convolved(n, x, "conv2", 256, "relu3", kernel=5)
    x = convolved(n, x, "cccp3", 256, "relu5")
    x = convolved(n, x, "cccp4", 256, "relu6")
    n.pool2 = x = pool(x, "MAX", 3, stride=2)
    x = convolved(n, x, "conv3", 384, "relu7", kernel=3, std=0.01)
    x = convolved(n, x, "cccp5", 384, "relu8")
    x = convolved(n, x, "cccp6", 384, "relu9")
    n.pool3 = x = pool(x, "MAX", 3, stride=2)
    x = dropout(n, x, "drop", 0.5)
    x = convolved(n, x, "conv4", 1024, "relu10", kernel=3, layer="conv4-1024")
    x = convolved(n, x, "cccp7", 1024, "relu11", layer="cccp7-1024")
    x = convolved(n, x, "cccp8", 1000, "relu12", std=0.01, layer="cccp8-1024")
    n.pool4 = pool(x, "AVE", 6, stride=1)
    return n.pool4


def models() -> Iterator[Model]:
    """Yield the net for ImageNet."""
    images = Images(224, MEAN_FILE, batch=(64, 50))
    yield classifier("nin_imagenet", __name__, "nin_imagenet", body, images, RECIPE)

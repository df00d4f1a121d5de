"""AlexNet as Caffe's own models have it: bvlc_alexnet, the CaffeNet variant, and R-CNN's net.

Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012. CaffeNet
pools before it normalizes. R-CNN's net is CaffeNet with scores of 200 detection classes in place of
probabilities; it was fine-tuned outside Caffe, so there is nothing to train here.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import (
    WEIGHT_AND_BIAS,
    Body,
    Images,
    L,
    Model,
    Recipe,
    classifier,
    conv,
    deploy,
    dropout,
    linear,
    pool,
    relu,
    step,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

MEAN_FILE = "data/ilsvrc12/mean.binaryproto"
RECIPE = Recipe(0.01, 450000, step(0.1, 100000), {"test_interval": 1000, "display": 20})


def gaussian(std: float) -> dict[str, Any]:
    """Return the fillers of a layer whose weights have that standard deviation."""
    return {"weight_filler": {"type": "gaussian", "std": std}}


def bias(value: float) -> dict[str, Any]:
    """Return the filler of biases that are all alike."""
    return {"bias_filler": {"type": "constant", "value": value}}


def lrn(x: Top) -> Top:
    """Return x normalized over five channels."""
    return L.LRN(x, local_size=5, alpha=1e-4, beta=0.75)


def normalize_then_pool(n: NetSpec, x: Top, i: int) -> Top:
    """Add what follows the first two convolutions of AlexNet."""
    n[f"norm{i}"] = lrn(x)
    n[f"pool{i}"] = pool(n[f"norm{i}"], "MAX", 3, stride=2)
    return n[f"pool{i}"]


def pool_then_normalize(n: NetSpec, x: Top, i: int) -> Top:
    """Add what follows the first two convolutions of CaffeNet."""
    n[f"pool{i}"] = pool(x, "MAX", 3, stride=2)
    n[f"norm{i}"] = lrn(n[f"pool{i}"])
    return n[f"norm{i}"]


def body(pools_first: bool, one: float, last: str = "fc8", classes: int = 1000) -> Body:
    """Return the body.

    Args:
        pools_first: as CaffeNet, or else as AlexNet.
        one: initial biases of the layers that shall be active from the start.
        last: name of the last layer.
        classes: scores it gives.
    """
    after = pool_then_normalize if pools_first else normalize_then_pool

    def build(n: NetSpec) -> Top:
        x = n.data
        sizes = [(96, 11, 0, 1, 0.0), (256, 5, 2, 2, one), (384, 3, 1, 1, 0.0)]
        sizes += [(384, 3, 1, 2, one), (256, 3, 1, 2, one)]
        for i, (outputs, kernel, pad, group, start) in enumerate(sizes, 1):
            name, stride = f"conv{i}", 4 if i == 1 else 1
            fillers = gaussian(0.01) | bias(start)
            n[name] = conv(
                x, outputs, kernel, stride=stride, pad=pad, group=group, param=WEIGHT_AND_BIAS,
                **fillers,
            )  # fmt: skip
            x = relu(n, n[name], f"relu{i}")
            if i <= 2:
                x = after(n, x, i)
        n.pool5 = x = pool(x, "MAX", 3, stride=2)
        for i in (6, 7):
            n[f"fc{i}"] = linear(x, 4096, param=WEIGHT_AND_BIAS, **gaussian(0.005), **bias(one))
            x = relu(n, n[f"fc{i}"], f"relu{i}")
            x = dropout(n, x, f"drop{i}", 0.5)
        n[last] = linear(x, classes, param=WEIGHT_AND_BIAS, **gaussian(0.01))
        return n[last]

    return build


def models() -> Iterator[Model]:
    """Yield AlexNet, CaffeNet and R-CNN's net."""
    images = Images(227, MEAN_FILE)
    yield classifier("alexnet", __name__, "AlexNet", body(False, 0.1), images, RECIPE)
    yield classifier("caffenet", __name__, "CaffeNet", body(True, 1), images, RECIPE)
    scores = body(True, 1, "fc-rcnn", 200)
    net = deploy("R-CNN-ilsvrc13", scores, (10, 3, 227, 227), prob="")
    yield Model("rcnn_ilsvrc13", {"deploy.prototxt": net}, __name__)

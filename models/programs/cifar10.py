"""The quick and the full net for CIFAR-10 that Caffe brought along.

After Krizhevsky's cuda-convnet, 2011. Layer names are those of Caffe's examples, whose stages of
training ``configs/cifar10`` has; here the solver lowers the rate by itself.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import (
    Images,
    L,
    Model,
    P,
    Recipe,
    conv,
    deploy,
    linear,
    pool,
    relu,
    train_val,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

MEAN = (125.3, 123.0, 113.9)
"""Mean of the training images: red, green, blue, in the order of the data."""

IMAGES = Images(0, MEAN, batch=(100, 100), folder="data/cifar10", test="test", mirror=False)
RATES = [{"lr_mult": 1}, {"lr_mult": 2}]
OTHERS = {"test_iter": [100], "test_interval": 1000, "weight_decay": 0.004}
STEPS = {"lr_policy": "multistep", "gamma": 0.1}
RECIPES = {
    "cifar10_quick": Recipe(0.001, 5000, STEPS | {"stepvalue": [4000]}, OTHERS),
    "cifar10_full": Recipe(0.001, 70000, STEPS | {"stepvalue": [60000, 65000]}, OTHERS),
}


def gaussian(std: float) -> dict[str, Any]:
    """Return a filler."""
    return {"type": "gaussian", "std": std}


def convolved(n: NetSpec, x: Top, i: int, outputs: int, std: float) -> Top:
    """Add a 5 × 5 convolution that keeps the size."""
    n[f"conv{i}"] = conv(x, outputs, 5, pad=2, weight_filler=gaussian(std), param=RATES)
    return n[f"conv{i}"]


def halved(n: NetSpec, x: Top, i: int, method: str) -> Top:
    """Add a pooling of 3 × 3 places, every second one."""
    n[f"pool{i}"] = pool(x, method, 3, stride=2)
    return n[f"pool{i}"]


def quick(n: NetSpec) -> Top:
    """Add the body of the quick net."""
    x = relu(n, halved(n, convolved(n, n.data, 1, 32, 0.0001), 1, "MAX"), "relu1")
    x = halved(n, relu(n, convolved(n, x, 2, 32, 0.01), "relu2"), 2, "AVE")
    x = halved(n, relu(n, convolved(n, x, 3, 64, 0.01), "relu3"), 3, "AVE")
    n.ip1 = linear(x, 64, weight_filler=gaussian(0.1), param=RATES)
    n.ip2 = linear(n.ip1, 10, weight_filler=gaussian(0.1), param=RATES)
    return n.ip2


def normalized(n: NetSpec, x: Top, i: int) -> Top:
    """Add a normalization by the neighbourhood within each channel."""
    within = P.LRN.WITHIN_CHANNEL
    n[f"norm{i}"] = L.LRN(x, local_size=3, alpha=5e-5, beta=0.75, norm_region=within)
    return n[f"norm{i}"]


def full(n: NetSpec) -> Top:
    """Add the body of the full net."""
    x = relu(n, halved(n, convolved(n, n.data, 1, 32, 0.0001), 1, "MAX"), "relu1")
    x = relu(n, convolved(n, normalized(n, x, 1), 2, 32, 0.01), "relu2")
    x = normalized(n, halved(n, x, 2, "AVE"), 2)
    x = halved(n, relu(n, convolved(n, x, 3, 64, 0.01), "relu3"), 3, "AVE")
    rates = [{"lr_mult": 1, "decay_mult": 250}, {"lr_mult": 2, "decay_mult": 0}]
    n.ip1 = linear(x, 10, weight_filler=gaussian(0.01), param=rates)
    return n.ip1


def models() -> Iterator[Model]:
    """Yield both nets."""
    for name, build in {"cifar10_quick": quick, "cifar10_full": full}.items():
        title = name.replace("cifar10", "CIFAR10")
        files = {
            "deploy.prototxt": deploy(title, build, (1, 3, 32, 32)),
            "train_val.prototxt": train_val(title, build, IMAGES, top_k=(1,)),
            "solver.prototxt": RECIPES[name].solver(name),
        }
        yield Model(name, files, __name__)

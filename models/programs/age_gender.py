"""Small AlexNets that guess the age group and the gender of a face.

Levi and Hassner, "Age and gender classification using convolutional neural networks", 2015. Layer
names are those of the authors' Caffe files. The LMDBs hold a fold of the Adience faces.
"""

from collections.abc import Iterator

from models.programs.alexnet import bias, gaussian, lrn
from models.programs.common import (
    WEIGHT_AND_BIAS,
    Body,
    Images,
    Model,
    Recipe,
    conv,
    deploy,
    dropout,
    linear,
    pool,
    relu,
    step,
    train_val,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

MEAN = (78.4263, 87.7689, 114.8958)
CLASSES = {"age": 8, "gender": 2}
RECIPE = Recipe(
    0.001,
    50000,
    step(0.1, 10000),
    {"test_iter": [80], "test_interval": 1000, "display": 20, "snapshot": 1000},
)


def body(classes: int) -> Body:
    """Return the body of the net with that many classes."""

    def build(n: NetSpec) -> Top:
        x = n.data
        sizes = {1: (96, 7, 4, 0, 0.0), 2: (256, 5, 1, 2, 1.0), 3: (384, 3, 1, 1, 0.0)}
        for i, (outputs, kernel, stride, pad, start) in sizes.items():
            fillers = gaussian(0.01) | bias(start)
            n[f"conv{i}"] = conv(
                x, outputs, kernel, stride=stride, pad=pad, param=WEIGHT_AND_BIAS, **fillers
            )
            x = relu(n, n[f"conv{i}"], f"relu{i}")
            name = f"pool{i}" if i < 3 else "pool5"
            n[name] = x = pool(x, "MAX", 3, stride=2)
            if i < 3:
                n[f"norm{i}"] = x = lrn(x)
        for i in (6, 7):
            fillers = gaussian(0.005) | bias(1)
            n[f"fc{i}"] = linear(x, 512, param=WEIGHT_AND_BIAS, **fillers)
            x = dropout(n, relu(n, n[f"fc{i}"], f"relu{i}"), f"drop{i}", 0.5)
        n.fc8 = linear(x, classes, param=WEIGHT_AND_BIAS, **gaussian(0.01))
        return n.fc8

    return build


def models() -> Iterator[Model]:
    """Yield the nets for age and gender."""
    for what, classes in CLASSES.items():
        name, title, build = f"{what}_net", f"{what.title()}Net", body(classes)
        images = Images(227, MEAN, batch=(50, 50), folder=f"data/adience/{what}")
        files = {
            "deploy.prototxt": deploy(title, build, (1, 3, 227, 227)),
            "train_val.prototxt": train_val(title, build, images, top_k=(1,)),
            "solver.prototxt": RECIPE.solver(name),
        }
        yield Model(name, files, __name__)

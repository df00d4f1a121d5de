"""Inception-v4: a stem with branches, and more modules than Inception-v3, each kind alike.

Szegedy et al., "Inception-v4, Inception-ResNet and the impact of residual connections on learning",
2016, arXiv:1602.07261. Layer names are those of soeaver's Caffe file. The weights that he published
have batch normalization merged into the Scale layers: ``deploy_merged.prototxt`` takes them.
"""

from collections.abc import Iterator

from models.programs.common import L, Model, classifier
from models.programs.inception_v3 import (
    IMAGES,
    RECIPE,
    Conv,
    branch,
    convolved,
    halved,
    pooled,
    scores,
)
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

ROW, COLUMN = (1, 7), (7, 1)


def stem(n: NetSpec) -> Top:
    """Add what comes before the modules."""
    sizes = {1: Conv(32, 3, 2), 2: Conv(32, 3, pads=False), 3: Conv(64, 3)}
    x = n.data
    for i, part in sizes.items():
        x = convolved(n, x, f"conv{i}_3x3_s{part.stride}", part)
    name = "inception_stem1"
    y = branch(n, x, name, {"3x3_s2": Conv(96, 3, 2)})
    n[name] = x = L.Concat(halved(n, x, name), y)
    name = "inception_stem2"
    short = {"3x3_reduce": Conv(64), "3x3": Conv(96, 3, pads=False)}
    long = {
        "1x7_reduce": Conv(64), "1x7": Conv(64, ROW), "7x1": Conv(64, COLUMN),
        "3x3_2": Conv(96, 3, pads=False),
    }  # fmt: skip
    n[name] = x = L.Concat(branch(n, x, name, short), branch(n, x, name, long))
    name = "inception_stem3"
    y = branch(n, x, name, {"3x3_s2": Conv(192, 3, 2)})
    n[name] = L.Concat(y, halved(n, x, name))
    return n[name]


def averaged(n: NetSpec, x: Top, module: str, outputs: int) -> Top:
    """Add the branch of means."""
    return pooled(n, x, module, outputs, ("pool_ave", "1x1"))


def module_a(n: NetSpec, x: Top, i: int) -> Top:
    """Add a module of square kernels on 35 × 35 places."""
    name = f"inception_a{i}"
    double = {"3x3_2_reduce": Conv(64), "3x3_2": Conv(96, 3), "3x3_3": Conv(96, 3)}
    parts = (
        branch(n, x, name, {"1x1_2": Conv(96)}),
        branch(n, x, name, {"3x3_reduce": Conv(64), "3x3": Conv(96, 3)}),
        branch(n, x, name, double),
        averaged(n, x, name, 96),
    )
    n[f"{name}_concat"] = L.Concat(*parts)
    return n[f"{name}_concat"]


def reduction_a(n: NetSpec, x: Top) -> Top:
    """Halve 35 × 35 places."""
    name = "reduction_a"
    double = {"3x3_2_reduce": Conv(192), "3x3_2": Conv(224, 3), "3x3_3": Conv(256, 3, 2)}
    a = branch(n, x, name, {"3x3": Conv(384, 3, 2)})
    n[f"{name}_concat"] = L.Concat(a, branch(n, x, name, double), halved(n, x, name))
    return n[f"{name}_concat"]


def module_b(n: NetSpec, x: Top, i: int) -> Top:
    """Add a module of rows and columns of seven on 17 × 17 places."""
    name = f"inception_b{i}"
    once = {"1x7_reduce": Conv(192), "1x7": Conv(224, ROW), "7x1": Conv(256, COLUMN)}
    twice = {
        "7x1_2_reduce": Conv(192), "7x1_2": Conv(192, COLUMN), "1x7_2": Conv(224, ROW),
        "7x1_3": Conv(224, COLUMN), "1x7_3": Conv(256, ROW),
    }  # fmt: skip
    parts = (
        branch(n, x, name, {"1x1_2": Conv(384)}),
        branch(n, x, name, once),
        branch(n, x, name, twice),
        averaged(n, x, name, 128),
    )
    n[f"{name}_concat"] = L.Concat(*parts)
    return n[f"{name}_concat"]


def reduction_b(n: NetSpec, x: Top) -> Top:
    """Halve 17 × 17 places."""
    name = "reduction_b"
    once = {"3x3_reduce": Conv(192), "3x3": Conv(192, 3, 2)}
    rows = {
        "1x7_reduce": Conv(256), "1x7": Conv(256, ROW), "7x1": Conv(320, COLUMN),
        "3x3_2": Conv(320, 3, 2),
    }  # fmt: skip
    a, b = branch(n, x, name, once), branch(n, x, name, rows)
    n[f"{name}_concat"] = L.Concat(a, b, halved(n, x, name))
    return n[f"{name}_concat"]


def module_c(n: NetSpec, x: Top, i: int) -> Top:
    """Add a module on 8 × 8 places, whose branches end in a row and a column side by side."""
    name, row, column = f"inception_c{i}", (1, 3), (3, 1)
    one = branch(n, x, name, {"1x1_2": Conv(256)})
    y = branch(n, x, name, {"1x1_3": Conv(384)})
    y1 = branch(n, y, name, {"1x3": Conv(256, row)})
    y2 = branch(n, y, name, {"3x1": Conv(256, column)})
    z = {"1x1_4": Conv(384), "3x1_2": Conv(448, column), "1x3_2": Conv(512, row)}
    z_end = branch(n, x, name, z)
    z1 = branch(n, z_end, name, {"1x3_3": Conv(256, row)})
    z2 = branch(n, z_end, name, {"3x1_3": Conv(256, column)})
    n[f"{name}_concat"] = L.Concat(one, y1, y2, z1, z2, averaged(n, x, name, 256))
    return n[f"{name}_concat"]


def body(n: NetSpec) -> Top:
    """Add the net."""
    x = stem(n)
    for i in range(1, 5):
        x = module_a(n, x, i)
    x = reduction_a(n, x)
    for i in range(1, 8):
        x = module_b(n, x, i)
    x = reduction_b(n, x)
    for i in range(1, 4):
        x = module_c(n, x, i)
    return scores(n, x)


def merged(net: NetParameter) -> NetParameter:
    """Return the net without the layers of batch normalization, which all work in place."""
    layers = [layer for layer in net.layer if layer.type != "BatchNorm"]
    return NetParameter(name=f"{net.name} merged", layer=layers)


def models() -> Iterator[Model]:
    """Yield Inception-v4."""
    model = classifier("inception_v4", __name__, "Inception-v4", body, IMAGES, RECIPE)
    model.files["deploy_merged.prototxt"] = merged(model.files["deploy.prototxt"])
    yield model

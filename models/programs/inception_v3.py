"""Inception-v3: modules of several branches, with convolutions of one row or one column.

Szegedy et al., "Rethinking the Inception architecture for computer vision", 2015, arXiv:1512.00567.
Layers are named and made as in soeaver's Caffe file, which was converted from TensorFlow's: its
last module takes maxima where the others take means. The further classifier of the paper is left
out, as there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from models.programs.common import (
    Images,
    L,
    Model,
    Recipe,
    batch_norm,
    classifier,
    conv,
    global_pool,
    linear,
    pool,
    relu,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

IMAGES = Images(299, mean=(128, 128, 128), scale=1 / 128, batch=(32, 25))
EPS = 0.001
RECIPE = Recipe(
    0.045, 1600000, {"lr_policy": "exp", "gamma": 0.9999985},
    {"type": "RMSProp", "rms_decay": 0.9, "delta": 1.0, "momentum": 0.0, "weight_decay": 0.00004,
     "clip_gradients": 2.0, "test_iter": [2000]},
)  # fmt: skip

Kernel = int | tuple[int, int]


@dataclass(frozen=True)
class Conv:
    """A convolution of a branch.

    Attributes:
        outputs: channels.
        kernel: side of the square, or height and width.
        stride: 2 where the module halves the image; then nothing is padded.
        pads: whether the image keeps its size at stride 1.
    """

    outputs: int
    kernel: Kernel = 1
    stride: int = 1
    pads: bool = True


def convolved(n: NetSpec, x: Top, name: str, part: Conv, relu_name: str = "") -> Top:
    """Add a convolution without biases, its normalization and rectifier."""
    kernel, pads = part.kernel, part.pads and part.stride == 1
    if isinstance(kernel, tuple):
        pad: Kernel = (kernel[0] // 2, kernel[1] // 2)
    else:
        pad = kernel // 2 if pads else 0
    n[name] = conv(x, part.outputs, kernel, stride=part.stride, pad=pad, bias=False)
    x = batch_norm(n, n[name], f"{name}_bn", f"{name}_scale", eps=EPS)
    return relu(n, x, relu_name or f"{name}_relu")


def branch(n: NetSpec, x: Top, module: str, parts: Mapping[str, Conv]) -> Top:
    """Add convolutions one after another; the keys follow the module in their names."""
    for name, part in parts.items():
        x = convolved(n, x, f"{module}_{name}", part)
    return x


def pooled(
    n: NetSpec, x: Top, module: str, outputs: int, names: tuple[str, str], method: str = "AVE"
) -> Top:
    """Add a pooling of 3 × 3 places and a 1 × 1 convolution, whose names are given."""
    full = f"{module}_{names[0]}"
    n[full] = pool(x, method, 3, stride=1, pad=1)
    return branch(n, n[full], module, {names[1]: Conv(outputs)})


def halved(n: NetSpec, x: Top, module: str) -> Top:
    """Add the branch of maxima that halves the image."""
    n[f"{module}_pool"] = pool(x, "MAX", 3, stride=2)
    return n[f"{module}_pool"]


def stem(n: NetSpec) -> Top:
    """Add what comes before the modules."""
    sizes = {1: Conv(32, 3, 2), 2: Conv(32, 3, pads=False), 3: Conv(64, 3)}
    x = n.data
    for i, part in sizes.items():
        x = convolved(n, x, f"conv{i}_3x3_s{part.stride}", part, f"conv{i}_3x3_relu")
    n.pool1_3x3_s2 = pool(x, "MAX", 3, stride=2)
    x = convolved(n, n.pool1_3x3_s2, "conv4_3x3_reduce", Conv(80), "conv4_relu_3x3_reduce")
    x = convolved(n, x, "conv4_3x3", Conv(192, 3, pads=False), "conv4_relu_3x3")
    n.pool2_3x3_s2 = pool(x, "MAX", 3, stride=2)
    return n.pool2_3x3_s2


def module_a(n: NetSpec, x: Top, i: int, projected: int) -> Top:
    """Add a module of square kernels on 35 × 35 places."""
    name = f"inception_a{i}"
    parts = (
        branch(n, x, name, {"1x1": Conv(64)}),
        branch(n, x, name, {"5x5_reduce": Conv(48), "5x5": Conv(64, 5)}),
        branch(n, x, name, {"3x3_reduce": Conv(64), "3x3_1": Conv(96, 3), "3x3_2": Conv(96, 3)}),
        pooled(n, x, name, projected, ("pool", "pool_proj")),
    )
    n[f"{name}_output"] = L.Concat(*parts)
    return n[f"{name}_output"]


def reduction_a(n: NetSpec, x: Top) -> Top:
    """Halve 35 × 35 places."""
    name = "reduction_a"
    double = {"3x3_2_reduce": Conv(64), "3x3_2": Conv(96, 3), "3x3_3": Conv(96, 3, 2)}
    a = branch(n, x, name, {"3x3": Conv(384, 3, 2)})
    n[f"{name}_concat"] = L.Concat(a, branch(n, x, name, double), halved(n, x, name))
    return n[f"{name}_concat"]


def module_b(n: NetSpec, x: Top, i: int, width: int) -> Top:
    """Add a module of rows and columns of seven on 17 × 17 places."""
    name, row, column = f"inception_b{i}", (1, 7), (7, 1)
    once = {"1x7_reduce": Conv(width), "1x7": Conv(width, row), "7x1": Conv(192, column)}
    twice = {
        "7x1_reduce": Conv(width), "7x1_2": Conv(width, column), "1x7_2": Conv(width, row),
        "7x1_3": Conv(width, column), "1x7_3": Conv(192, row),
    }  # fmt: skip
    parts = (
        branch(n, x, name, {"1x1_2": Conv(192)}),
        branch(n, x, name, once),
        branch(n, x, name, twice),
        pooled(n, x, name, 192, ("pool_ave", "1x1")),
    )
    n[f"{name}_concat"] = L.Concat(*parts)
    return n[f"{name}_concat"]


def reduction_b(n: NetSpec, x: Top) -> Top:
    """Halve 17 × 17 places."""
    name = "reduction_b"
    once = {"3x3_reduce": Conv(192), "3x3": Conv(320, 3, 2)}
    rows = {
        "1x7_reduce": Conv(192), "1x7": Conv(192, (1, 7)), "7x1": Conv(192, (7, 1)),
        "3x3_2": Conv(192, 3, 2),
    }  # fmt: skip
    a, b = branch(n, x, name, once), branch(n, x, name, rows)
    n[f"{name}_concat"] = L.Concat(a, b, halved(n, x, name))
    return n[f"{name}_concat"]


def module_c(n: NetSpec, x: Top, i: int, method: str) -> Top:
    """Add a module on 8 × 8 places, whose branches end in a row and a column side by side."""
    name, row, column = f"inception_c{i}", (1, 3), (3, 1)
    one = branch(n, x, name, {"1x1_2": Conv(320)})
    y = branch(n, x, name, {"1x3_reduce": Conv(384)})
    z = branch(n, x, name, {"3x3_reduce": Conv(448), "3x3": Conv(384, 3)})
    parts = (
        one,
        branch(n, y, name, {"1x3": Conv(384, row)}),
        branch(n, y, name, {"3x1": Conv(384, column)}),
        branch(n, z, name, {"1x3_2": Conv(384, row)}),
        branch(n, z, name, {"3x1_2": Conv(384, column)}),
        pooled(n, x, name, 192, ("pool", "1x1"), method),
    )
    n[f"{name}_concat"] = L.Concat(*parts)
    return n[f"{name}_concat"]


def scores(n: NetSpec, x: Top) -> Top:
    """Add the classifier."""
    n.pool_8x8_s1 = global_pool(x)
    n.pool_8x8_s1_drop = x = L.Dropout(n.pool_8x8_s1, dropout_ratio=0.2)
    n.classifier = linear(x, 1000)
    return n.classifier


def body(n: NetSpec) -> Top:
    """Add the net."""
    x = stem(n)
    for i, projected in enumerate((32, 64, 64), 1):
        x = module_a(n, x, i, projected)
    x = reduction_a(n, x)
    for i, width in enumerate((128, 160, 160, 192), 1):
        x = module_b(n, x, i, width)
    x = reduction_b(n, x)
    for i, method in enumerate(("AVE", "MAX"), 1):
        x = module_c(n, x, i, method)
    return scores(n, x)


def models() -> Iterator[Model]:
    """Yield Inception-v3."""
    yield classifier("inception_v3", __name__, "Inception-v3", body, IMAGES, RECIPE)

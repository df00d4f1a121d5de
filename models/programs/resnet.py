"""Residual nets: of two 3 × 3 convolutions a block, or of bottlenecks.

He et al., "Deep residual learning for image recognition", 2015, arXiv:1512.03385. Layers have the
names of the authors' Caffe files: blocks res2a, res2b, …, and in the long stages of the nets of 101
and 152 layers res3a, res3b1, res3b2, ….
"""

from collections.abc import Callable, Iterator, Sequence

from models.programs.common import (
    Body,
    Images,
    L,
    Model,
    Recipe,
    batch_norm,
    classifier,
    conv,
    linear,
    pool,
    relu,
)
from netcfg.pycaffe.net_spec import NetSpec, Top

MEAN_FILE = "data/ilsvrc12/mean.binaryproto"
WIDTHS = (64, 128, 256, 512)
RECIPE = Recipe(
    0.1, 600000, {"lr_policy": "multistep", "gamma": 0.1, "stepvalue": [150000, 300000, 450000]},
    {"weight_decay": 0.0001, "iter_size": 8},
)  # fmt: skip

Branch = Callable[[NetSpec, Top, str, int, int], Top]
"""(net, x, name of the block, width, stride) → the branch that is added to x."""


def normalized(n: NetSpec, x: Top, name: str, outputs: int, kernel: int, stride: int = 1) -> Top:
    """Add a convolution without biases and its normalization; ``name`` is 2a_branch1 or so."""
    full = f"res{name}"
    n[full] = conv(x, outputs, kernel, stride=stride, pad=kernel // 2, bias=False)
    return batch_norm(n, n[full], f"bn{name}", f"scale{name}")


def basic(n: NetSpec, x: Top, block: str, width: int, stride: int) -> Top:
    """Add the branch of two 3 × 3 convolutions."""
    x = normalized(n, x, f"{block}_branch2a", width, 3, stride)
    x = relu(n, x, f"res{block}_branch2a_relu")
    return normalized(n, x, f"{block}_branch2b", width, 3)


def bottleneck(n: NetSpec, x: Top, block: str, width: int, stride: int) -> Top:
    """Add the branch that narrows, looks at 3 × 3 places and widens; the first part strides."""
    x = normalized(n, x, f"{block}_branch2a", width, 1, stride)
    x = relu(n, x, f"res{block}_branch2a_relu")
    x = normalized(n, x, f"{block}_branch2b", width, 3)
    x = relu(n, x, f"res{block}_branch2b_relu")
    return normalized(n, x, f"{block}_branch2c", 4 * width, 1)


def block_names(stage: int, depth: int, numbered: bool) -> Iterator[str]:
    """Yield 2a, 2b, …, or where they are numbered 3a, 3b1, 3b2, …."""
    yield f"{stage}a"
    for i in range(1, depth):
        yield f"{stage}b{i}" if numbered else f"{stage}{'abcdef'[i]}"


def body(branch: Branch, depths: Sequence[int], first_bias: bool = False) -> Body:
    """Return the body.

    Args:
        branch: of its blocks.
        depths: blocks in each stage.
        first_bias: whether the first convolution has biases, as in the authors' net of 50 layers.
    """
    widening = 4 if branch is bottleneck else 1

    def build(n: NetSpec) -> Top:
        n.conv1 = conv(n.data, 64, 7, stride=2, pad=3, bias=first_bias)
        x = relu(n, batch_norm(n, n.conv1, "bn_conv1", "scale_conv1"), "conv1_relu")
        n.pool1 = x = pool(x, "MAX", 3, stride=2)
        channels = 64
        for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), 2):
            numbered = sum(depths) > 16 and stage in (3, 4)
            for block in block_names(stage, depth, numbered):
                stride = 2 if block.endswith("a") and stage > 2 else 1
                y, outputs = x, widening * width
                if outputs != channels:
                    y = normalized(n, x, f"{block}_branch1", outputs, 1, stride)
                    channels = outputs
                n[f"res{block}"] = L.Eltwise(y, branch(n, x, block, width, stride))
                x = relu(n, n[f"res{block}"], f"res{block}_relu")
        n.pool5 = pool(x, "AVE", 7, stride=1)
        n.fc1000 = linear(n.pool5, 1000)
        return n.fc1000

    return build


def models() -> Iterator[Model]:
    """Yield the nets of 18, 34, 50, 101 and 152 layers."""
    bodies = {
        18: body(basic, (2, 2, 2, 2)),
        34: body(basic, (3, 4, 6, 3)),
        50: body(bottleneck, (3, 4, 6, 3), first_bias=True),
        101: body(bottleneck, (3, 4, 23, 3)),
        152: body(bottleneck, (3, 8, 36, 3)),
    }
    for layers, build in bodies.items():
        images = Images(224, MEAN_FILE, batch=(32, 50))
        yield classifier(f"resnet{layers}", __name__, f"ResNet-{layers}", build, images, RECIPE)

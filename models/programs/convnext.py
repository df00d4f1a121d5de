"""ConvNeXt-T: a convolutional net with the proportions and parts of a transformer.

Liu et al., "A ConvNet for the 2020s", 2022, arXiv:2201.03545. Layer names are those of the modules
in the authors' PyTorch code; their linear layers on channels are 1 × 1 convolutions here, with the
same numbers in blobs of two axes more.
"""

from collections.abc import Iterator

from models.programs.common import Images, L, Model, Recipe, classifier, conv, global_pool, linear
from netcfg.pycaffe.net_spec import NetSpec, Top

WIDTHS = (96, 192, 384, 768)
DEPTHS = (3, 3, 9, 3)
DROP_PATH = 0.1
"""How often the branch of the last block is dropped while training; that of the first never is."""

NARROW = {"type": "gaussian", "std": 0.02}
RECIPE = Recipe(
    0.0005, 375000, {"lr_policy": "poly", "power": 1.0, "warmup_iter": 25000},
    {"type": "Adam", "momentum2": 0.999, "weight_decay": 0.0001, "iter_size": 32,
     "clip_gradients": 1.0},
)  # fmt: skip


def layer_norm(n: NetSpec, x: Top, name: str) -> Top:
    """Add a normalization over the channels of each place."""
    n[name] = L.LayerNorm(x, axis=1, num_axes=1, eps=1e-6)
    return n[name]


def convolved(n: NetSpec, x: Top, name: str, outputs: int, kernel: int, stride: int = 1) -> Top:
    """Add a convolution without padding."""
    n[name] = conv(x, outputs, kernel, stride=stride, weight_filler=NARROW)
    return n[name]


def block(n: NetSpec, x: Top, name: str, width: int, drop: float) -> Top:
    """Add a block; at TRAIN its branch is dropped with that probability."""
    n[f"{name}.dwconv"] = conv(x, width, 7, pad=3, group=width, weight_filler=NARROW)
    y = layer_norm(n, n[f"{name}.dwconv"], f"{name}.norm")
    y = convolved(n, y, f"{name}.pwconv1", 4 * width, 1)
    n[f"{name}.act"] = L.GELU(y)
    y = convolved(n, n[f"{name}.act"], f"{name}.pwconv2", width, 1)
    n[f"{name}.gamma"] = y = L.Scale(y, filler={"type": "constant", "value": 1e-6})
    if drop and "label" in n.tops:
        n[f"{name}.drop_path"] = y = L.DropPath(y, drop_ratio=round(drop, 4))
    n[f"{name}.sum"] = L.Eltwise(x, y)
    return n[f"{name}.sum"]


def body(n: NetSpec) -> Top:
    """Add the net."""
    x = convolved(n, n.data, "downsample_layers.0.0", WIDTHS[0], 4, 4)
    x = layer_norm(n, x, "downsample_layers.0.1")
    blocks = 0
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
        if stage:
            x = layer_norm(n, x, f"downsample_layers.{stage}.0")
            x = convolved(n, x, f"downsample_layers.{stage}.1", width, 2, 2)
        for i in range(depth):
            drop = DROP_PATH * blocks / (sum(DEPTHS) - 1)
            x = block(n, x, f"stages.{stage}.{i}", width, drop)
            blocks += 1
    n.pool = global_pool(x)
    n.head = linear(layer_norm(n, n.pool, "norm"), 1000, weight_filler=NARROW)
    return n.head


def models() -> Iterator[Model]:
    """Yield ConvNeXt-T."""
    images = Images(224, (103.53, 116.28, 123.675), 1 / 57.12, batch=(32, 50))
    yield classifier("convnext_tiny", __name__, "ConvNeXt-T", body, images, RECIPE)

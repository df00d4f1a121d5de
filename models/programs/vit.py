"""ViT-Tiny with patches of 16 × 16: an image as a sentence of patches, read by attention.

Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale",
2020, arXiv:2010.11929, in the size that Touvron et al., "Training data-efficient image transformers
& distillation through attention", 2020, arXiv:2012.12877, call DeiT-Ti. Layer names are those of
the modules in their PyTorch code, whose weights have the shapes of the layers' blobs here.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import Images, L, Model, Recipe, classifier, conv, global_pool, linear
from netcfg.pycaffe.net_spec import NetSpec, Top

FEATURES, HEADS, DEPTH, PATCH = 192, 3, 12, 16
NARROW = {"type": "gaussian", "std": 0.02}
RECIPE = Recipe(
    0.0005, 375000, {"lr_policy": "poly", "power": 1.0, "warmup_iter": 6250},
    {"type": "Adam", "momentum2": 0.999, "weight_decay": 0.0001, "iter_size": 16,
     "clip_gradients": 1.0},
)  # fmt: skip


def layer_norm(n: NetSpec, x: Top, name: str) -> Top:
    """Add a normalization of each token."""
    n[name] = L.LayerNorm(x, eps=1e-6)
    return n[name]


def token_linear(n: NetSpec, x: Top, name: str, outputs: int) -> Top:
    """Add an inner product of each token."""
    n[name] = linear(x, outputs, axis=2, weight_filler=NARROW)
    return n[name]


def learned(n: NetSpec, x: Top, name: str) -> Top:
    """Add a learned array of the shape of an item of x."""
    filler: dict[str, Any] = {"filler": NARROW}
    n[name] = L.Bias(x, axis=1, num_axes=-1, **filler)
    return n[name]


def tokens(n: NetSpec) -> Top:
    """Add what makes tokens of an image: its patches, before them one for the class, places."""
    name = "patch_embed.proj"
    n[name] = conv(n.data, FEATURES, PATCH, stride=PATCH, weight_filler=NARROW)
    n.columns = L.Reshape(n[name], shape={"dim": [0, 0, -1]})
    n.patches = L.Permute(n.columns, order=[0, 2, 1])
    n.mean = global_pool(n[name])
    n.nothing = L.Power(n.mean, scale=0.0)  # the class token is the same for all images, so it is
    n.empty_token = zeros = L.Reshape(n.nothing, shape={"dim": [0, 1, -1]})  # added to zeros
    n.tokens = x = L.Concat(learned(n, zeros, "cls_token"), n.patches, axis=1)
    return learned(n, x, "pos_embed")


def block(n: NetSpec, x: Top, i: int) -> Top:
    """Add a block: attention among the tokens, then two layers on each by itself."""
    name = f"blocks.{i}"
    y = layer_norm(n, x, f"{name}.norm1")
    n[f"{name}.attn"] = L.MultiHeadAttention(y, num_heads=HEADS, weight_filler=NARROW)
    n[f"{name}.attn_sum"] = x = L.Eltwise(x, n[f"{name}.attn"])
    y = layer_norm(n, x, f"{name}.norm2")
    y = token_linear(n, y, f"{name}.mlp.fc1", 4 * FEATURES)
    n[f"{name}.mlp.act"] = L.GELU(y)
    y = token_linear(n, n[f"{name}.mlp.act"], f"{name}.mlp.fc2", FEATURES)
    n[f"{name}.mlp_sum"] = L.Eltwise(x, y)
    return n[f"{name}.mlp_sum"]


def body(n: NetSpec) -> Top:
    """Add the net; its scores come from the token of the class."""
    x = tokens(n)
    for i in range(DEPTH):
        x = block(n, x, i)
    x = layer_norm(n, x, "norm")
    x, others = L.Slice(x, ntop=2, axis=1, slice_point=1, name="slice")
    n.class_token, n.other_tokens = x, others
    n.silence = L.Silence(others, ntop=0)
    n.head = linear(x, 1000, weight_filler=NARROW)
    return n.head


def models() -> Iterator[Model]:
    """Yield ViT-Tiny."""
    images = Images(224, (103.53, 116.28, 123.675), 1 / 57.12, batch=(64, 50))
    yield classifier("vit_tiny", __name__, "ViT-Ti/16", body, images, RECIPE)

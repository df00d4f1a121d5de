"""SegNet: VGG-16 and its mirror image, which puts values back where its poolings took them from.

Badrinarayanan, Kendall and Cipolla, "SegNet: a deep convolutional encoder-decoder architecture for
image segmentation", 2015, arXiv:1511.00561. Layers have the names of the authors' Caffe files.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from models.programs.common import (
    WEIGHT_AND_BIAS,
    L,
    Model,
    P,
    Recipe,
    conv,
    finished,
    relu,
    without_training,
)
from models.programs.trunks import DEPTHS, both_phases, image
from models.programs.vgg import WIDTHS
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

CLASSES = 11
UNKNOWN = 11
"""Label of the pixels of CamVid that no class has."""

SIZE = (360, 480)
FILLERS = {
    "scale_filler": {"type": "constant", "value": 1},
    "shift_filler": {"type": "constant", "value": 0.001},
}
"""Of the normalizations, which without them begin with 0."""

SIZES = {5: (23, 30), 4: (45, 60)}
"""Height and width after the unpoolings whose poolings had to round."""


def normalized(n: NetSpec, x: Top, name: str, outputs: int, bn: Mapping[str, Any]) -> Top:
    """Add a convolution and its normalization, rectified; ``name`` is 1_1 or 1_1_D."""
    n[f"conv{name}"] = conv(x, outputs, 3, pad=1, param=WEIGHT_AND_BIAS)
    rates = [{"lr_mult": 1, "decay_mult": 1}, {"lr_mult": 1, "decay_mult": 0}]
    n[f"conv{name}_bn"] = L.BN(n[f"conv{name}"], in_place=True, param=rates, **bn)
    return relu(n, n[f"conv{name}_bn"], f"relu{name}")


def body(n: NetSpec, **bn: Any) -> Top:
    """Add both halves; ``bn`` are fields of their normalizations."""
    x, masks = n.data, {}
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True), 1):
        for i in range(1, depth + 1):
            x = normalized(n, x, f"{stage}_{i}", width, bn)
        name = f"pool{stage}"
        n[name], n[f"{name}_mask"] = L.Pooling(
            x, ntop=2, pool=P.Pooling.MAX, kernel_size=2, stride=2
        )
        x, masks[stage] = n[name], n[f"{name}_mask"]
    for stage in range(5, 0, -1):
        size = SIZES.get(stage)
        fields = {"upsample_h": size[0], "upsample_w": size[1]} if size else {}
        n[f"upsample{stage}"] = x = L.Upsample(x, masks[stage], scale=2, **fields)
        for i in range(DEPTHS[stage - 1], 0, -1):
            if (stage, i) == (1, 1):
                break
            outputs = WIDTHS[stage - 1] if i > 1 else WIDTHS[stage - 2]
            x = normalized(n, x, f"{stage}_{i}_D", outputs, bn)
    n.conv1_1_D = conv(x, CLASSES, 3, pad=1, param=WEIGHT_AND_BIAS)
    return n.conv1_1_D


def pixels(source: str, phase: int, batch: int) -> tuple[Top, Top]:
    """Return the tops of the layer that reads pairs of images."""
    tops: tuple[Top, Top] = L.DenseImageData(
        name="data",
        ntop=2,
        include={"phase": phase},
        dense_image_data_param={
            "source": source,
            "batch_size": batch,
            "shuffle": phase == TRAIN,
        },
    )
    return tops


def deploy() -> NetParameter:
    """Return the net that answers with the probabilities of the classes for each pixel."""
    n = NetSpec()
    image(n, *SIZE)
    n.prob = L.Softmax(body(n, bn_mode=P.BN.INFERENCE))
    return without_training(finished(n, "VGG_ILSVRC_16_layer"))


def train_val() -> NetParameter:
    """Return the net that learns."""
    n = NetSpec()
    n.data, n.label = pixels("data/camvid/train.txt", TRAIN, 4)
    scores = body(n, **FILLERS)
    n.loss = L.SoftmaxWithLoss(scores, n.label, loss_param={"ignore_label": UNKNOWN})
    n.accuracy = L.SegAccuracy(scores, n.label, ignore_label=[UNKNOWN], include={"phase": TEST})
    check = NetSpec()
    check.data, check.label = pixels("data/camvid/test.txt", TEST, 1)
    return both_phases(finished(n, "VGG_ILSVRC_16_layer"), check.to_proto())


RECIPE = Recipe(0.001, 40000, {"lr_policy": "fixed"}, {"test_iter": [233], "test_interval": 1000})


def models() -> Iterator[Model]:
    """Yield the net for CamVid."""
    files = {
        "deploy.prototxt": deploy(),
        "train_val.prototxt": train_val(),
        "solver.prototxt": RECIPE.solver("segnet"),
    }
    yield Model("segnet", files, __name__)

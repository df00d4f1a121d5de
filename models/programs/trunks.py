"""What nets for other tasks than classification share: the trunk of VGG and their data."""

from collections.abc import Callable, Sequence
from typing import Any

from models.programs.common import L, P, conv, dropout, pool, relu
from models.programs.vgg import DEPTHS as VGG
from models.programs.vgg import WIDTHS
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

VOC = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
"""The classes of PASCAL VOC, from label 1; 0 is the background."""

DEPTHS = VGG["vgg16"]
FROZEN = [{"lr_mult": 0, "decay_mult": 0}] * 2

Halve = Callable[[Top, int], Top]
"""(x, stage) → what follows the stage."""


def halve(x: Top, _stage: int) -> Top:
    """Return the pooling between the stages of VGG."""
    return pool(x, "MAX", 2, stride=2)


def vgg(
    n: NetSpec,
    x: Top,
    *,
    depths: Sequence[int] = DEPTHS,
    pools: int = 5,
    halve: Halve = halve,
    first_pad: int = 1,
    dilated: bool = False,
    param: Callable[[int], Any] = lambda _stage: None,
    **others: Any,
) -> Top:
    """Add the convolutions of VGG, from conv1_1 on, each rectified in place.

    Args:
        n, x: net and input.
        depths: convolutions of each stage, as many stages as are wanted.
        pools: after how many of them ``halve`` follows, as pool1, pool2, ….
        halve: makes a pooling.
        first_pad: pixels around the image, wider where what comes later is cropped.
        dilated: whether the fifth stage looks at every second place only, since the fourth pooling
            does not stride.
        param: rates of the parameters of a stage, or None for Caffe's own.
        others: fields of every convolution.
    """
    for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=False), 1):
        rates = param(stage)
        fields = others | ({"param": rates} if rates else {})
        for i in range(1, depth + 1):
            pad = first_pad if (stage, i) == (1, 1) else 1
            if dilated and stage == 5:
                pad, fields["dilation"] = 2, 2
            name = f"conv{stage}_{i}"
            n[name] = conv(x, width, 3, pad=pad, **fields)
            x = relu(n, n[name], f"relu{stage}_{i}")
        if stage <= pools:
            n[f"pool{stage}"] = x = halve(x, stage)
    return x


def wide_layers(n: NetSpec, x: Top, kernel: int, width: int, **others: Any) -> Top:
    """Add fc6 and fc7 as convolutions, fc7 of 1 × 1, with dropout behind both.

    ``others`` are fields of fc6, such as its pad and dilation.
    """
    shared = {"param": others["param"]} if "param" in others else {}
    n.fc6 = conv(x, width, kernel, **others)
    x = dropout(n, relu(n, n.fc6, "relu6"), "drop6", 0.5)
    n.fc7 = conv(x, width, 1, **shared)
    return dropout(n, relu(n, n.fc7, "relu7"), "drop7", 0.5)


def image(n: NetSpec, height: int, width: int, *, name: str = "data", channels: int = 3) -> Top:
    """Add the input for one image."""
    n[name] = L.Input(input_param={"shape": {"dim": [1, channels, height, width]}})
    return n[name]


def labelled_pixels(
    source: str, phase: int, mean: Sequence[float], **image_data: Any
) -> tuple[Top, Top]:
    """Return the tops of a layer that reads a list of pairs: an image, and its image of labels."""
    given = {"batch_size": 1, "shuffle": True, "label_type": P.ImageData.PIXEL, **image_data}
    crop = {"crop_size": given.pop("crop_size")} if "crop_size" in given else {}
    tops: tuple[Top, Top] = L.ImageSegData(
        name="data",
        ntop=2,
        include={"phase": phase},
        transform_param={"mean_value": list(mean), "mirror": bool(crop), **crop},
        image_data_param={"source": source, **given},
    )
    return tops


def both_phases(trained: NetParameter, tested: NetParameter) -> NetParameter:
    """Return the first net with the data layer of the second behind its own."""
    rest = list(trained.layer)
    del trained.layer[1:]
    trained.layer.extend([tested.layer[0], *rest[1:]])
    return trained

"""Colours for grey images: the distribution of 313 of them at each place, and its mean.

Zhang, Isola and Efros, "Colorful image colorization", 2016, arXiv:1603.08511, the second release.
Layers have the names of the authors' Caffe files. The input is L of CIE Lab, 50 taken away, the
output its a and b on a grid of a quarter of the side.
"""

from collections.abc import Iterator
from typing import Any

from models.programs.common import L, Model, conv, finished, relu
from models.programs.common import without_training as answering
from models.programs.trunks import image
from netcfg.netcfg_pb2 import FillerParameter, NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

COLOURS = 313
ANNEALING = 2.606
"""1 / 0.38: scores times this make the distribution narrower before its mean is taken."""

STAGES = (
    (64, 2, 2, 1), (128, 2, 2, 1), (256, 3, 2, 1), (512, 3, 1, 1), (512, 3, 1, 2), (512, 3, 1, 2),
    (512, 3, 1, 1),
)  # fmt: skip
"""Width, convolutions, stride of the last of these, and dilation of each stage."""


def trunk(n: NetSpec) -> Top:
    """Add the stages, each normalized at its end."""
    x = n.data_l
    for stage, (width, depth, last, dilation) in enumerate(STAGES, 1):
        for i in range(1, depth + 1):
            name = f"conv{stage}_{i}"
            others: dict[str, Any] = {"dilation": dilation} if dilation > 1 else {}
            if stage == 1:
                others["name"] = f"bw_{name}" if i == 1 else name
            stride = last if i == depth else 1
            n[name] = conv(x, width, 3, pad=dilation, stride=stride, **others)
            x = relu(n, n[name], f"relu{stage}_{i}")
        n[f"conv{stage}_{depth}norm"] = x = L.BatchNorm(x)
    return x


def deploy() -> NetParameter:
    """Return the net that answers with a and b."""
    n = NetSpec()
    image(n, 224, 224, name="data_l", channels=1)
    fields = {"num_output": 256, "kernel_size": 4, "stride": 2, "pad": 1}
    n.conv8_1 = x = L.Deconvolution(trunk(n), convolution_param=fields)
    x = relu(n, x, "relu8_1")
    for i in (2, 3):
        n[f"conv8_{i}"] = conv(x, 256, 3, pad=1)
        x = relu(n, n[f"conv8_{i}"], f"relu8_{i}")
    n.conv8_313 = conv(x, COLOURS, 1)
    n.conv8_313_rh = L.Scale(n.conv8_313)
    n.class8_313_rh = x = L.Softmax(n.conv8_313_rh)
    n.class8_ab = conv(x, 2, 1)
    net = answering(finished(n, "LtoAB"))
    (narrower,) = (layer for layer in net.layer if layer.name == "conv8_313_rh")
    narrower.scale_param.filler.CopyFrom(FillerParameter(type="constant", value=ANNEALING))
    return net


def models() -> Iterator[Model]:
    """Yield it."""
    yield Model("colorization", {"deploy.prototxt": deploy()}, __name__)

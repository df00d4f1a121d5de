"""MTCNN: three small nets that find faces, each more exact than the one before.

Zhang et al., "Joint face detection and alignment using multi-task cascaded convolutional networks",
2016, arXiv:1604.02878. Layers have the names of the authors' Caffe files det1, det2 and det3;
examples/mtcnn runs them one after the other.
"""

from collections.abc import Iterator, Sequence

from models.programs.common import L, Model, conv, dropout, finished, linear, pool, without_training
from models.programs.trunks import image
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

Stages = Sequence[tuple[int, int, int]]
"""Width and kernel of convolutions, and kernel of the pooling behind; 0 for none."""


def slopes(n: NetSpec, x: Top, name: str) -> Top:
    """Add a rectifier with learned slopes, in place."""
    n[name] = L.PReLU(x, in_place=True)
    return n[name]


def trunk(n: NetSpec, stages: Stages, prelu: str = "prelu") -> Top:
    """Add the convolutions."""
    x = n.data
    for i, (width, kernel, pooled) in enumerate(stages, 1):
        n[f"conv{i}"] = conv(x, width, kernel)
        x = slopes(n, n[f"conv{i}"], f"{prelu}{i}")
        if pooled:
            n[f"pool{i}"] = x = pool(x, "MAX", pooled, stride=2)
    return x


def finish(n: NetSpec, title: str, scores: Top) -> NetParameter:
    """Add the probability of a face and return the net."""
    n.prob1 = L.Softmax(scores)
    return without_training(finished(n, title))


def proposing() -> NetParameter:
    """Return P-Net, which looks at all squares of 12 pixels."""
    n = NetSpec()
    image(n, 12, 12)
    x = trunk(n, ((10, 3, 2), (16, 3, 0), (32, 3, 0)), "PReLU")
    n["conv4-1"], n["conv4-2"] = conv(x, 2, 1), conv(x, 4, 1)
    return finish(n, "PNet", n["conv4-1"])


def refining() -> NetParameter:
    """Return R-Net, which sees squares of 24 pixels."""
    n = NetSpec()
    image(n, 24, 24)
    x = trunk(n, ((28, 3, 3), (48, 3, 3), (64, 2, 0)))
    n.conv4 = linear(x, 128)
    x = slopes(n, n.conv4, "prelu4")
    n["conv5-1"], n["conv5-2"] = linear(x, 2), linear(x, 4)
    return finish(n, "RNet", n["conv5-1"])


def answering() -> NetParameter:
    """Return O-Net, which sees squares of 48 pixels and finds landmarks, too."""
    n = NetSpec()
    image(n, 48, 48)
    x = trunk(n, ((32, 3, 3), (64, 3, 3), (64, 3, 2), (128, 2, 0)))
    n.conv5 = linear(x, 256)
    x = slopes(n, dropout(n, n.conv5, "drop5", 0.25), "prelu5")
    for i, outputs in enumerate((2, 4, 10), 1):
        n[f"conv6-{i}"] = linear(x, outputs)
    return finish(n, "ONet", n["conv6-1"])


def models() -> Iterator[Model]:
    """Yield the three nets."""
    nets = {"mtcnn_p": proposing(), "mtcnn_r": refining(), "mtcnn_o": answering()}
    for name, net in nets.items():
        yield Model(name, {"deploy.prototxt": net}, __name__)

"""HED: edges read off each stage of VGG-16, and their weighted sum.

Xie and Tu, "Holistically-nested edge detection", 2015, arXiv:1504.06375. Layers have the names of
the authors' Caffe files; the crops say here by how much, which the authors' layer finds out.
"""

from collections.abc import Iterator

from models.programs.common import L, Model, conv, finished, without_training
from models.programs.trunks import DEPTHS, image, vgg
from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.coord_map import crop
from netcfg.pycaffe.net_spec import NetSpec, Top


def side(n: NetSpec, stage: int) -> Top:
    """Add what a stage says of edges, enlarged to the image."""
    x, factor = n[f"relu{stage}_{DEPTHS[stage - 1]}"], 2 ** (stage - 1)
    name = f"score-dsn{stage}"
    if factor == 1:
        n[f"{name}-up"] = conv(x, 1, 1, name=name)
    else:
        n[name] = conv(x, 1, 1)
        fields = {"num_output": 1, "kernel_size": 2 * factor, "stride": factor}
        n[f"{name}-up"] = L.Deconvolution(
            n[name], name=f"upsample_{factor}", convolution_param=fields
        )
    n[f"upscore-dsn{stage}"] = crop(n[f"{name}-up"], n.data)
    n[f"sigmoid-dsn{stage}"] = L.Sigmoid(n[f"upscore-dsn{stage}"])
    return n[f"upscore-dsn{stage}"]


def deploy() -> NetParameter:
    """Return the net that answers with the probability of an edge at each pixel."""
    n = NetSpec()
    image(n, 500, 500)
    vgg(n, n.data, pools=4, first_pad=35)
    n["concat-upscore"] = L.Concat(*(side(n, stage) for stage in range(1, 6)), name="concat")
    n["upscore-fuse"] = conv(n["concat-upscore"], 1, 1, name="new-score-weighting")
    n["sigmoid-fuse"] = L.Sigmoid(n["upscore-fuse"])
    return without_training(finished(n, "HED"))


def models() -> Iterator[Model]:
    """Yield it."""
    yield Model("hed", {"deploy.prototxt": deploy()}, __name__)

"""FCN: VGG-16 as convolutions, whose coarse scores are enlarged and joined with finer ones.

Shelhamer, Long and Darrell, "Fully convolutional networks for semantic segmentation", 2016,
arXiv:1605.06211. Layers have the names of the authors' Caffe files.
"""

from collections.abc import Iterator

from models.programs.common import (
    WEIGHT_AND_BIAS,
    ZERO,
    L,
    Model,
    P,
    Recipe,
    conv,
    finished,
    without_training,
)
from models.programs.trunks import both_phases, image, labelled_pixels, vgg, wide_layers
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter
from netcfg.pycaffe.coord_map import crop
from netcfg.pycaffe.net_spec import NetSpec, Top

CLASSES = 21
MEAN = (104.00699, 116.66877, 122.67892)
RATES = {32: 1e-10, 16: 1e-12, 8: 1e-14}


def enlarged(x: Top, factor: int) -> Top:
    """Return a bilinear enlargement; its parameters do not learn."""
    return L.Deconvolution(
        x,
        convolution_param={
            "num_output": CLASSES,
            "kernel_size": 2 * factor,
            "stride": factor,
            "bias_term": False,
            "weight_filler": {"type": "bilinear"},
        },
        param=[{"lr_mult": 0}],
    )


def scored(x: Top) -> Top:
    """Return the scores of the classes, 0 at first."""
    return conv(x, CLASSES, 1, weight_filler=ZERO, param=WEIGHT_AND_BIAS)


def joined(n: NetSpec, x: Top, stage: int) -> Top:
    """Add the scores of the pooling of a stage to those above, laid over each other."""
    n[f"score_pool{stage}"] = scored(n[f"pool{stage}"])
    n[f"score_pool{stage}c"] = crop(n[f"score_pool{stage}"], x)
    n[f"fuse_pool{stage}"] = L.Eltwise(x, n[f"score_pool{stage}c"], operation=P.Eltwise.SUM)
    return n[f"fuse_pool{stage}"]


def body(n: NetSpec, stride: int) -> Top:
    """Add the body; the scores that are enlarged last are ``stride`` pixels apart."""
    x = vgg(n, n.data, first_pad=100, param=lambda _: WEIGHT_AND_BIAS)
    n.score_fr = x = scored(wide_layers(n, x, 7, 4096, param=WEIGHT_AND_BIAS))
    if stride < 32:
        n.upscore2 = enlarged(x, 2)
        x = joined(n, n.upscore2, 4)
    if stride < 16:
        n.upscore_pool4 = enlarged(x, 2)
        x = joined(n, n.upscore_pool4, 3)
    name = "upscore" if stride == 32 else f"upscore{stride}"
    n[name] = enlarged(x, stride)
    n.score = crop(n[name], n.data)
    return n.score


def deploy(stride: int) -> NetParameter:
    """Return the net that answers with scores of the classes for each pixel."""
    n = NetSpec()
    image(n, 500, 500)
    body(n, stride)
    return without_training(finished(n, f"FCN-{stride}s"))


def train_val(stride: int) -> NetParameter:
    """Return the net that learns from one whole image a step."""
    n = NetSpec()
    n.data, n.label = labelled_pixels("data/voc_seg/train.txt", TRAIN, MEAN)
    body(n, stride)
    ignore = {"ignore_label": 255}
    n.loss = L.SoftmaxWithLoss(n.score, n.label, loss_param={**ignore, "normalize": False})
    n.accuracy = L.SegAccuracy(n.score, n.label, ignore_label=[255], include={"phase": TEST})
    check = NetSpec()
    check.data, check.label = labelled_pixels("data/voc_seg/val.txt", TEST, MEAN, shuffle=False)
    return both_phases(finished(n, f"FCN-{stride}s"), check.to_proto())


def models() -> Iterator[Model]:
    """Yield the nets with strides of 32, 16 and 8."""
    for stride, base_lr in RATES.items():
        others = {"test_iter": [736], "test_interval": 4000, "momentum": 0.99}
        recipe = Recipe(base_lr, 100000, {"lr_policy": "fixed"}, others)
        files = {
            "deploy.prototxt": deploy(stride),
            "train_val.prototxt": train_val(stride),
            "solver.prototxt": recipe.solver(f"fcn{stride}s"),
        }
        yield Model(f"fcn{stride}s", files, __name__)

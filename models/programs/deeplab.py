"""DeepLab-LargeFOV: VGG-16 that looks at every second, then every twelfth place.

Chen et al., "Semantic image segmentation with deep convolutional nets and fully connected CRFs",
2014, arXiv:1412.7062. Layers have the names of the authors' Caffe files. The dense conditional
random field that the authors put behind the net is none of it.
"""

from collections.abc import Iterator

from models.programs.common import (
    SMALL,
    WEIGHT_AND_BIAS,
    L,
    Model,
    Recipe,
    conv,
    finished,
    pool,
    step,
    without_training,
)
from models.programs.trunks import both_phases, image, labelled_pixels, vgg, wide_layers
from netcfg.netcfg_pb2 import TEST, TRAIN, NetParameter
from netcfg.pycaffe.net_spec import NetSpec, Top

CLASSES = 21
MEAN = (104.008, 116.669, 122.675)
SIDE = 513
"""Of the image that answers; the net halves it three times, and a pixel more than a multiple of 8
so fits the scores when they are enlarged."""

CROP = 321
FAST = [{"lr_mult": 10, "decay_mult": 1}, {"lr_mult": 20, "decay_mult": 0}]
"""For the scores, which begin from nothing."""


def halve(x: Top, stage: int) -> Top:
    """Return the pooling of a stage, 3 × 3; the last two do not halve."""
    return pool(x, "MAX", 3, stride=2 if stage < 4 else 1, pad=1)


def body(n: NetSpec) -> Top:
    """Add the body; its scores are 8 pixels apart."""
    x = vgg(n, n.data, halve=halve, dilated=True, param=lambda _: WEIGHT_AND_BIAS)
    n.pool5a = pool(x, "AVE", 3, stride=1, pad=1)
    x = wide_layers(n, n.pool5a, 3, 1024, pad=12, dilation=12, param=WEIGHT_AND_BIAS)
    n.fc8_voc12 = conv(x, CLASSES, 1, weight_filler=SMALL, param=FAST)
    return n.fc8_voc12


def deploy() -> NetParameter:
    """Return the net that answers with scores of the classes for each pixel."""
    n = NetSpec()
    image(n, SIDE, SIDE)
    n.fc8_interp = L.Interp(body(n), zoom_factor=8)
    return without_training(finished(n, "DeepLab-LargeFOV"))


def train_val() -> NetParameter:
    """Return the net that learns from labels 8 pixels apart."""
    n = NetSpec()
    n.data, n.label = labelled_pixels(
        "data/voc_seg/train.txt", TRAIN, MEAN, crop_size=CROP, batch_size=20
    )
    scores = body(n)
    n.label_shrink = L.Interp(n.label, shrink_factor=8, pad_beg=0, pad_end=0)
    n.loss = L.SoftmaxWithLoss(scores, n.label_shrink, loss_param={"ignore_label": 255})
    n.accuracy = L.SegAccuracy(scores, n.label_shrink, ignore_label=[255], include={"phase": TEST})
    check = NetSpec()
    check.data, check.label = labelled_pixels(
        "data/voc_seg/val.txt", TEST, MEAN, crop_size=SIDE, shuffle=False
    )
    check.data.fn.params["transform_param"]["mirror"] = False
    return both_phases(finished(n, "DeepLab-LargeFOV"), check.to_proto())


RECIPE = Recipe(0.001, 6000, step(0.1, 2000), {"test_iter": [1449], "test_interval": 2000})


def models() -> Iterator[Model]:
    """Yield it."""
    files = {
        "deploy.prototxt": deploy(),
        "train_val.prototxt": train_val(),
        "solver.prototxt": RECIPE.solver("deeplab_largefov"),
    }
    yield Model("deeplab_largefov", files, __name__)

"""The nets that are measured, by NetSpec: inputs ``data`` and, for training, ``label``."""

from collections.abc import Callable
from typing import Any

from netcfg.netcfg_pb2 import NetParameter
from netcfg.pycaffe.net_spec import NetSpec
from netcfg.pycaffe.net_spec import layers as L
from netcfg.pycaffe.net_spec import params as P

MSRA = {"type": "msra"}
XAVIER = {"type": "xavier"}
MAX, AVE = P.Pooling.MAX, P.Pooling.AVE


def conv(x: Any, filters: int, kernel: int, stride: int = 1, pad: int = 0, **more: Any) -> Any:
    """Return a convolution."""
    return L.Convolution(
        x,
        num_output=filters,
        kernel_size=kernel,
        stride=stride,
        pad=pad,
        weight_filler=MSRA,
        **more,
    )


def conv_relu(x: Any, filters: int, kernel: int, stride: int = 1, pad: int = 0, **more: Any) -> Any:
    """Return a convolution with bias and ReLU."""
    return L.ReLU(conv(x, filters, kernel, stride, pad, **more), in_place=True)


def conv_norm(x: Any, filters: int, kernel: int, stride: int = 1, pad: int = 0, **more: Any) -> Any:
    """Return a convolution, batch normalization and scale."""
    x = conv(x, filters, kernel, stride, pad, bias_term=False, **more)
    x = L.BatchNorm(x, in_place=True)
    return L.Scale(x, bias_term=True, in_place=True)


def relu(x: Any) -> Any:
    """Return a ReLU in place."""
    return L.ReLU(x, in_place=True)


def pool(x: Any, kernel: int, stride: int, kind: int = MAX, pad: int = 0) -> Any:
    """Return a pooling layer."""
    return L.Pooling(x, pool=kind, kernel_size=kernel, stride=stride, pad=pad)


def classify(x: Any, classes: int) -> Any:
    """Return the last inner product."""
    return L.InnerProduct(x, num_output=classes, weight_filler=XAVIER)


def lenet(x: Any) -> Any:
    """LeCun et al., 1998, as Caffe's example has it: 28 × 28."""
    x = pool(conv(x, 20, 5), 2, 2)
    x = pool(conv(x, 50, 5), 2, 2)
    x = relu(L.InnerProduct(x, num_output=500, weight_filler=XAVIER))
    return classify(x, 10)


def cifar10_quick(x: Any) -> Any:
    """Krizhevsky's quick net, as Caffe's example has it: 32 × 32."""
    x = relu(pool(conv(x, 32, 5, pad=2), 3, 2))
    x = pool(conv_relu(x, 32, 5, pad=2), 3, 2, AVE)
    x = pool(conv_relu(x, 64, 5, pad=2), 3, 2, AVE)
    return classify(L.InnerProduct(x, num_output=64, weight_filler=XAVIER), 10)


def caffenet(x: Any) -> Any:
    """Krizhevsky et al., 2012, with pooling before normalization: 227 × 227."""
    x = L.LRN(pool(conv_relu(x, 96, 11, 4), 3, 2), local_size=5, alpha=1e-4, beta=0.75)
    x = pool(conv_relu(x, 256, 5, pad=2, group=2), 3, 2)
    x = L.LRN(x, local_size=5, alpha=1e-4, beta=0.75)
    x = conv_relu(x, 384, 3, pad=1)
    x = conv_relu(x, 384, 3, pad=1, group=2)
    x = pool(conv_relu(x, 256, 3, pad=1, group=2), 3, 2)
    for _ in range(2):
        x = relu(L.InnerProduct(x, num_output=4096, weight_filler=XAVIER))
        x = L.Dropout(x, dropout_ratio=0.5, in_place=True)
    return classify(x, 1000)


def resnet(x: Any, blocks: tuple[int, ...], bottleneck: bool) -> Any:
    """He et al., 2015: stages of so many blocks, of two convolutions or of bottlenecks."""
    x = pool(relu(conv_norm(x, 64, 7, 2, 3)), 3, 2)
    for stage, count in enumerate(blocks):
        width = 64 << stage
        for i in range(count):
            stride = 2 if i == 0 and stage else 1
            out = 4 * width if bottleneck else width
            short = conv_norm(x, out, 1, stride) if i == 0 and (stage or bottleneck) else x
            if bottleneck:
                y = relu(conv_norm(x, width, 1, stride))
                y = relu(conv_norm(y, width, 3, 1, 1))
                y = conv_norm(y, out, 1)
            else:
                y = relu(conv_norm(x, width, 3, stride, 1))
                y = conv_norm(y, width, 3, 1, 1)
            x = relu(L.Eltwise(short, y))
    return classify(L.Pooling(x, pool=AVE, global_pooling=True), 1000)


def resnet18(x: Any) -> Any:
    """He et al., 2015: 224 × 224."""
    return resnet(x, (2, 2, 2, 2), bottleneck=False)


def resnet50(x: Any) -> Any:
    """He et al., 2015, with stride in the first convolution of a block, as in their files."""
    return resnet(x, (3, 4, 6, 3), bottleneck=True)


def squeezenet(x: Any) -> Any:
    """Iandola et al., 2016, version 1.1: 227 × 227."""

    def fire(x: Any, squeeze: int, expand: int) -> Any:
        x = conv_relu(x, squeeze, 1)
        return L.Concat(conv_relu(x, expand, 1), conv_relu(x, expand, 3, pad=1))

    x = pool(conv_relu(x, 64, 3, 2), 3, 2)
    x = pool(fire(fire(x, 16, 64), 16, 64), 3, 2)
    x = pool(fire(fire(x, 32, 128), 32, 128), 3, 2)
    x = fire(fire(fire(fire(x, 48, 192), 48, 192), 64, 256), 64, 256)
    x = conv_relu(L.Dropout(x, dropout_ratio=0.5, in_place=True), 1000, 1)
    return L.Flatten(L.Pooling(x, pool=AVE, global_pooling=True))


def googlenet(x: Any) -> Any:
    """Szegedy et al., 2014, without its auxiliary classifiers: 224 × 224."""

    def inception(x: Any, a: int, b: int, c: int, d: int, e: int, f: int) -> Any:
        return L.Concat(
            conv_relu(x, a, 1),
            conv_relu(conv_relu(x, b, 1), c, 3, pad=1),
            conv_relu(conv_relu(x, d, 1), e, 5, pad=2),
            conv_relu(pool(x, 3, 1, pad=1), f, 1),
        )

    norm = {"local_size": 5, "alpha": 1e-4, "beta": 0.75}
    x = L.LRN(pool(conv_relu(x, 64, 7, 2, 3), 3, 2), **norm)
    x = L.LRN(conv_relu(conv_relu(x, 64, 1), 192, 3, pad=1), **norm)
    x = pool(x, 3, 2)
    x = inception(x, 64, 96, 128, 16, 32, 32)
    x = pool(inception(x, 128, 128, 192, 32, 96, 64), 3, 2)
    x = inception(x, 192, 96, 208, 16, 48, 64)
    x = inception(x, 160, 112, 224, 24, 64, 64)
    x = inception(x, 128, 128, 256, 24, 64, 64)
    x = inception(x, 112, 144, 288, 32, 64, 64)
    x = pool(inception(x, 256, 160, 320, 32, 128, 128), 3, 2)
    x = inception(x, 256, 160, 320, 32, 128, 128)
    x = inception(x, 384, 192, 384, 48, 128, 128)
    x = L.Dropout(L.Pooling(x, pool=AVE, global_pooling=True), dropout_ratio=0.4, in_place=True)
    return classify(x, 1000)


def mobilenet(x: Any) -> Any:
    """Howard et al., 2017, version 1: 224 × 224."""
    x = relu(conv_norm(x, 32, 3, 2, 1))
    width = 32
    widths = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    for i, out in enumerate(widths):
        stride = 2 if i in (1, 3, 5, 11) else 1
        x = relu(conv_norm(x, width, 3, stride, 1, group=width))
        x = relu(conv_norm(x, out, 1))
        width = out
    return classify(L.Pooling(x, pool=AVE, global_pooling=True), 1000)


NETS: dict[str, tuple[Callable[[Any], Any], tuple[int, int, int]]] = {
    # body, (C, H, W)
    "LeNet": (lenet, (1, 28, 28)),
    "CIFAR-10 quick": (cifar10_quick, (3, 32, 32)),
    "CaffeNet": (caffenet, (3, 227, 227)),
    "ResNet-18": (resnet18, (3, 224, 224)),
    "ResNet-50": (resnet50, (3, 224, 224)),
    "SqueezeNet 1.1": (squeezenet, (3, 227, 227)),
    "GoogLeNet": (googlenet, (3, 224, 224)),
    "MobileNet": (mobilenet, (3, 224, 224)),
}
"""Nets by name, with the shape of an image."""


def make(name: str, batch: int, train: bool) -> NetParameter:
    """Return a net with a loss to train it, or with probabilities at the end."""
    body, image = NETS[name]
    spec = NetSpec()
    spec.data = L.Input(input_param={"shape": {"dim": [batch, *image]}})
    if train:
        spec.label = L.Input(input_param={"shape": {"dim": [batch]}})
        spec.loss = L.SoftmaxWithLoss(body(spec.data), spec.label)
    else:
        spec.prob = L.Softmax(body(spec.data))
    return NetParameter.FromString(spec.to_proto().SerializeToString())

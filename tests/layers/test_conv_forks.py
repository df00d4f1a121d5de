"""Convolution as forks have it: depthwise types, DeepLab's holes, padding of single sides."""

import numpy as np
import pytest

from netcfg.engines import base
from netcfg.errors import NetError, ShapeError
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check, run

X = (2, 4, 7, 6)
FILLERS = "weight_filler { type: 'gaussian' } bias_filler { type: 'uniform' min: 1 max: 2 }"


def text(kind, fields):
    return f"type: '{kind}' convolution_param {{ {FILLERS} {fields} }}"


DEPTHWISE = "num_output: 4 kernel_size: 3 pad: 1 stride: 2 "
SIDES = "num_output: 3 kernel_h: 3 kernel_w: 2 stride: 2 pad_t: 1 pad_l: 1 pad_r: 2 "
SAME = [
    (text("DepthwiseConvolution", DEPTHWISE), text("Convolution", DEPTHWISE + "group: 4")),
    (text("ConvolutionDepthwise", DEPTHWISE), text("Convolution", DEPTHWISE + "group: 4")),
    (
        text("DepthwiseConvolution", "num_output: 8 kernel_size: 2 group: 2"),
        text("Convolution", "num_output: 8 kernel_size: 2 group: 4"),
    ),
    (
        text("Convolution", "num_output: 3 kernel_size: 3 hole: 2"),
        text("Convolution", "num_output: 3 kernel_size: 3 dilation: 2"),
    ),
    (
        text("Convolution", "num_output: 3 kernel_size: 2 hole_h: 3 hole_w: 1"),
        text("Convolution", "num_output: 3 kernel_size: 2 dilation: 3 dilation: 1"),
    ),
    (
        text("Deconvolution", "num_output: 3 kernel_size: 2 hole: 3"),
        text("Deconvolution", "num_output: 3 kernel_size: 2 dilation: 3"),
    ),
    (
        text("Im2col", "kernel_size: 2 hole: 3").replace(FILLERS, ""),
        text("Im2col", "kernel_size: 2 dilation: 3").replace(FILLERS, ""),
    ),
    (
        text("Convolution", "num_output: 3 kernel_size: 3 pad_l: 1 pad_r: 1 pad_t: 2 pad_b: 2"),
        text("Convolution", "num_output: 3 kernel_size: 3 pad: 2 pad: 1"),
    ),
]


CASES = [
    Case(fork, fork, [X]) for fork in [*(fork for fork, _ in SAME), text("Convolution", SIDES)]
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize(("forks", "caffe"), SAME)
def test_the_same_in_fields_of_caffe(forks, caffe):
    (got,), (want,) = run(Case("", forks, [X])), run(Case("", caffe, [X]))
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_sides_are_padded_one_by_one():
    (x,) = Case("", "", [X]).arrays()
    layer = make_layer(text("Convolution", SIDES), [X])
    assert layer.reshape(X) == (2, 3, 3, 4)  # (7 + 1 - 3) // 2 + 1, (6 + 1 + 2 - 2) // 2 + 1
    plain = make_layer(
        text("Convolution", "num_output: 3 kernel_h: 3 kernel_w: 2 stride: 2"), [(2, 4, 8, 9)]
    )
    padded = np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 2)))
    plain.reshape(padded.shape)
    np.testing.assert_allclose(layer.forward(x), plain.forward(padded), atol=1e-12)


def test_padding_of_sides_in_a_net_that_folds():
    body = """
        layer { name: "x" type: "Input" top: "x"
          input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
        layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param {
          num_output: 2 kernel_size: 3 stride: 2 pad_r: 1 pad_b: 1
          weight_filler { type: "gaussian" } } }
        layer { name: "b" type: "BatchNorm" bottom: "c" top: "b" }
        layer { name: "r" type: "ReLU" bottom: "b" top: "r" }
    """
    net = Net(parse_net(body).message, Phase.TEST, engine=base.Engine())
    layers = {layer.name: layer for layer in net.layers}
    for param, value in zip(layers["b"].params, (0.5, 4.0, 1.0), strict=True):
        param.assign(value)
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 4)).astype("float32")
    y = net.forward({"x": x})["r"]
    w = layers["c"].params[0].value
    padded = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)))
    for o, h, v in np.ndindex(2, 2, 2):
        window = padded[0, :, 2 * h : 2 * h + 3, 2 * v : 2 * v + 3]
        want = max(0, ((window * w[o]).sum() - 0.5) / 2)
        assert y[0, o, h, v] == pytest.approx(want, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("forks", "shape", "message"),
    [
        (text("Convolution", "num_output: 1 kernel_size: 1 hole: 2 dilation: 2"), X, "one of them"),
        (text("Convolution", "num_output: 1 kernel_size: 1 hole: 2 hole_h: 2"), X, "one of them"),
        (
            text("Convolution", "num_output: 1 kernel_size: 1 hole: 0"),
            X,
            "at least 1; given (0, 0)",
        ),
        (text("Convolution", "num_output: 1 kernel_size: 1 hole_h: 2"), X, "given (2, 0)"),
        (
            text("Convolution", "num_output: 1 kernel_size: 1 pad_l: 1 pad: 1"),
            X,
            "pad may be given for all sides or by pad_t, pad_b, pad_l, pad_r, not both",
        ),
        (text("Convolution", "num_output: 1 kernel_size: 1 pad_l: 1"), (1, 2, 3), "2 spatial axes"),
        (
            text("Convolution", "num_output: 1 kernel_size: 1 hole_h: 2"),
            (1, 2, 3),
            "2 spatial axes",
        ),
        (text("DepthwiseConvolution", "num_output: 6 kernel_size: 1"), X, "group 4 must divide 4"),
        (text("Deconvolution", "num_output: 1 kernel_size: 1 pad_l: 1"), X, "not implemented"),
    ],
)
def test_errors(forks, shape, message):
    with pytest.raises((NetError, ShapeError)) as error:
        make_layer(forks, [shape])
    assert message in str(error.value)

"""What a net consists of: numbers of a LeNet, sharing, several kinds of layers."""

import math
import re

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.summary import Summary, summarize

LENET = """
name: "LeNet"
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 64 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 20 kernel_size: 5 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 50 kernel_size: 5 } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param { num_output: 500 } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 10 } }
"""
HEAD = ["layer", "type", "output", "parameters", "multiply-adds", "memory"]
CONV1 = ["conv1", "Convolution", "64×20×24×24", "520", "18 432 000", "2.8 MiB"]


def summary(text: str, dtype: type = np.float32) -> Summary:
    return summarize(Net(parse_net(text).message, engine=get_engine("numpy", dtype)))


def test_lenet() -> None:
    lenet = summary(LENET)
    assert lenet.parameters == 431_080
    work = {layer.name: layer.multiply_adds // 64 for layer in lenet.layers}
    assert work["conv1"] == 24 * 24 * 20 * 25
    assert work["conv2"] == 8 * 8 * 50 * 20 * 25
    assert work["ip1"] == 800 * 500
    assert work["ip2"] == 500 * 10
    assert lenet.multiply_adds == 64 * 2_293_000
    conv1 = lenet.layers[1]
    assert conv1.tops == ((64, 20, 24, 24),)
    assert conv1.memory == 64 * 20 * 24 * 24 * 4
    assert lenet.memory == sum(layer.memory for layer in lenet.layers)


def test_memory_follows_the_dtype() -> None:
    assert summary(LENET, np.float64).memory == 2 * summary(LENET).memory


def test_table() -> None:
    lines = str(summary(LENET)).splitlines()
    cells = [re.split(r"  +", line) for line in lines]
    assert cells[0] == HEAD
    assert cells[3] == CONV1
    assert cells[-1] == ["total", "431 080", "146 752 000", "4.9 MiB"]
    assert max(len(line) for line in lines) <= 100


@pytest.mark.parametrize("mode", ["STRICT", "PERMISSIVE"])
def test_shared_parameters_count_once(mode: str) -> None:
    layer = (
        'layer {{ name: "{0}" type: "InnerProduct" bottom: "x" top: "{0}" '
        'param {{ name: "w" share_mode: {1} }} '
        "inner_product_param {{ num_output: 3 bias_term: false transpose: {2} }} }}"
    )
    text = 'input: "x" input_shape { dim: 2 dim: 4 }'
    text += layer.format("a", mode, "false")
    text += layer.format("b", mode, "true" if mode == "PERMISSIVE" else "false")
    counted = summary(text)
    assert [layer.parameters for layer in counted.layers] == [0, 12, 0]
    assert [layer.multiply_adds for layer in counted.layers] == [0, 24, 24]


def test_groups_and_transposes_of_convolutions() -> None:
    text = 'input: "x" input_shape { dim: 2 dim: 4 dim: 5 dim: 5 }'
    for kind in ("Convolution", "Deconvolution"):
        text += f"""layer {{ name: "{kind}" type: "{kind}" bottom: "x" top: "{kind}"
            convolution_param {{ num_output: 6 group: 2 kernel_size: 3 }} }}"""
    _, conv, deconv = summary(text).layers
    assert conv.multiply_adds == math.prod(conv.tops[0]) * 2 * 9
    assert deconv.multiply_adds == 2 * 4 * 5 * 5 * 3 * 9

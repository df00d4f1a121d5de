"""Normalizations merged into the layers before them."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.errors import WeightsError
from netcfg.io.caffemodel import Weights, read_weights, write_weights
from netcfg.merge import load, merge_normalization
from netcfg.net import Net
from netcfg.netcfg_pb2 import NetParameter
from netcfg.schema import parse_net
from netcfg.types import Phase
from netcfg.weights import stored_layers

INPUT = """\
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 4, 6, 5] } } }
"""
FILLED = 'weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -1 max: 1 }'


def conv(name: str, bottom: str, more: str = "", kind: str = "Convolution", param: str = "") -> str:
    return (
        f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{name}" {param} '
        f"convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 {more} {FILLED} }} }}\n"
    )


def norm(name: str, bottom: str, top: str, scale: str = "bias_term: true") -> str:
    text = f'layer {{ name: "{name}/bn" type: "BatchNorm" bottom: "{bottom}" top: "{top}" }}\n'
    if scale:
        text += f'layer {{ name: "{name}/scale" type: "Scale" bottom: "{top}" top: "{top}" '
        text += f"scale_param {{ {scale} }} }}\n"
    return text


def learned(text: str) -> tuple[NetParameter, Weights, Net]:
    """Return a net, weights that are nowhere 0, and the net with these."""
    config = parse_net(text).message
    net = Net(config, Phase.TEST, engine=get_engine("numpy"), seed=1)
    rng = np.random.default_rng(2)
    weights = Weights("w.caffemodel")
    for name, arrays in net.weights().items():
        weights[name] = [rng.uniform(0.5, 2, array.shape).astype(np.float32) for array in arrays]
    net.load(weights)
    return config, weights, net


def layers(net: NetParameter) -> list[str]:
    return [layer.name for layer in net.layer]


def answers(text: str) -> list[str]:
    """Compare what both nets say of a random image; return the layers that are left."""
    config, weights, net = learned(text)
    merged = merge_normalization(config, weights)
    with net, Net(merged.net, Phase.TEST, engine=get_engine("numpy")) as other:
        assert other.load({s.name: s.blobs for s in merged.weights if len(s.blobs)}).missing == []
        shape = net.top_shapes[0][0]
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        expected, found = net.forward({"data": x}), other.forward({"data": x})
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-4)
    return layers(merged.net)


def test_in_place() -> None:
    relu = 'layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }\n'
    text = INPUT + conv("a", "data") + norm("a", "a", "a") + relu + conv("b", "a")
    assert answers(text) == ["data", "a", "relu", "b"]


def test_under_other_names_without_biases_or_scale() -> None:
    text = INPUT + conv("a", "data", "bias_term: false") + norm("a", "a", "n", scale="")
    assert answers(text + conv("b", "n") + norm("b", "b", "m", scale="bias_term: false")) == [
        "data",
        "a",
        "b",
    ]


def test_groups_and_inner_products() -> None:
    text = INPUT + conv("a", "data", "group: 4", "DepthwiseConvolution") + norm("a", "a", "a")
    ip = 'layer { name: "ip" type: "InnerProduct" bottom: "a" top: "ip" '
    ip += f"inner_product_param {{ num_output: 3 {FILLED} }} }}\n"
    assert answers(text + ip + norm("ip", "ip", "ip")) == ["data", "a", "ip"]


def test_what_stays() -> None:
    read_twice = conv("a", "data") + norm("a", "a", "n") + conv("b", "a")
    assert answers(INPUT + read_twice) == ["data", "a", "a/bn", "a/scale", "b"]
    shared = conv("a", "data", param='param { name: "w" }') + norm("a", "a", "a")
    shared += conv("b", "a", param='param { name: "w" }') + norm("b", "b", "b")
    assert len(answers(INPUT + shared)) == 7
    first = norm("x", "data", "x")
    assert answers(INPUT + first) == ["data", "x/bn", "x/scale"]


def test_without_weights() -> None:
    config = parse_net(INPUT + conv("a", "data", "bias_term: false") + norm("a", "a", "a")).message
    merged = merge_normalization(config)
    assert layers(merged.net) == ["data", "a"]
    assert not merged.net.layer[1].convolution_param.HasField("bias_term")
    assert (merged.chains, merged.weights) == ([["a", "a/bn", "a/scale"]], ())


def test_every_layer_needs_weights(tmp_path: Path) -> None:
    config, _, net = learned(INPUT + conv("a", "data") + norm("a", "a", "a"))
    with net:
        stored = [s for s in stored_layers(net.layers, net.engine) if s.name != "a/bn"]
        write_weights(tmp_path / "w", "n", stored)
        weights = read_weights(tmp_path / "w")
        with pytest.raises(WeightsError, match=r"'a/bn' \(BatchNorm\): '.*w' holds no weights for"):
            load(net, weights)
    with pytest.raises(WeightsError, match="holds no weights for it"):
        merge_normalization(config, weights)

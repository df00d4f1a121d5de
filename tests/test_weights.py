"""Weights by layer name: what is taken, what is missing, what does not fit."""

import numpy as np
import pytest

from netcfg.errors import NetError, WeightsError
from netcfg.io.caffemodel import StoredLayer
from netcfg.net import Net
from netcfg.weights import missing, stored_layers, with_shared
from tests.test_net import LOSS, TWO, blob, build, ip


@pytest.fixture
def net() -> Net:
    return build(TWO)


def test_round_trip_through_a_dictionary(net: Net) -> None:
    other = build(TWO, seed=9)
    report = other.load(net.weights())
    assert report.taken == ["a", "b"]
    assert report.missing == report.unused == report.ignored == []
    for mine, theirs in zip(net.params, other.params, strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)


def test_weights_are_copies(net: Net) -> None:
    before = net.weights()["a"][0].copy()
    net.params[0].data += 1
    np.testing.assert_array_equal(net.weights()["a"][0], before + 1)


def test_missing_and_unused_layers_are_reported(net: Net) -> None:
    weights = net.weights()
    weights["old"] = weights.pop("b")
    report = net.load(weights)
    assert report.taken == ["a"]
    assert report.missing == ["b"]
    assert report.unused == ["old"]


def test_old_four_axis_blobs_fit(net: Net) -> None:
    weights = net.weights()
    w, b = weights["a"]
    expected = w + 1
    report = net.load({"a": [expected.reshape(1, 1, 6, 4), b.reshape(1, 1, 1, 6)]})
    assert report.taken == ["a"]
    np.testing.assert_array_equal(net.params[0].data, expected)


def test_a_mismatch_is_an_error_and_changes_nothing(net: Net) -> None:
    weights = {"a": [np.ones((6, 4)), np.ones(6)], "b": [np.ones((4, 6)), np.ones(3)]}
    before = net.weights()
    with pytest.raises(WeightsError) as error:
        net.load(weights)
    assert str(error.value) == (
        "n.prototxt:5:1: layer 'b' (InnerProduct): parameter 0 has shape (3, 6); the weights hold "
        "(4, 6); rename the layer to start it afresh, or pass --ignore-mismatch b"
    )
    for name, blobs in net.weights().items():
        for got, want in zip(blobs, before[name], strict=True):
            np.testing.assert_array_equal(got, want)


def test_a_mismatch_may_be_ignored_by_name(net: Net) -> None:
    weights = {"a": [np.ones((6, 4)), np.ones(6)], "b": [np.ones((4, 6)), np.ones(3)]}
    report = net.load(weights, ignore_mismatch=["b"])
    assert report.ignored == ["b"]
    assert report.taken == ["a"]
    assert (net.params[0].data == 1).all()
    with pytest.raises(WeightsError, match="no layer 'bb' with parameters to ignore"):
        net.load(weights, ignore_mismatch=["bb"])


def test_a_wrong_number_of_blobs_is_named(net: Net) -> None:
    with pytest.raises(WeightsError, match="has 2 parameter blobs; the weights hold 1"):
        net.load({"a": [np.ones((6, 4))]})


# Shared parameters -----------------------------------------------------------------------------

SHARED = blob("x", 5, 4) + blob("t", 5, 4) + ip("a", "x", "h", 4, 'param { name: "w" }')
SHARED += ip("b", "h", "i", 4, 'param { name: "w" }')
SHARED += ip("c", "i", "y", 4, 'param { name: "w" } param { name: "v" }')
SHARED += ip("d", "y", "z", 4, 'param { name: "w" } param { name: "v" }') + LOSS


def test_which_parameters_are_shared() -> None:
    net = build(SHARED)
    found = {layer.name: shared for layer, shared in with_shared(net.layers) if layer.params}
    assert found == {"a": set(), "b": {0}, "c": {0}, "d": {0, 1}}
    stored = {layer.name: layer for layer in stored_layers(net.layers, net.engine, diffs=True)}
    assert stored["x"] == StoredLayer("x", "Input", [], ["x"], [], [], set())
    assert stored["b"].shared == {0}
    for stores, params in [
        (stored["c"].blobs, [p.data for p in net.layer("c").params]),
        (stored["c"].diffs, [p.diff for p in net.layer("c").params]),
    ]:
        for got, want in zip(stores, params, strict=True):
            np.testing.assert_array_equal(got, want)


def test_what_an_earlier_layer_owns_may_be_missing() -> None:
    net = build(SHARED)
    w, ones = np.full((4, 4), 5.0), np.ones(4)
    weights = {"a": [w, ones], "b": [None, ones * 2], "c": [None, ones * 3], "d": []}
    report = net.load(weights)
    assert report.taken == ["a", "b", "c"]
    assert report.missing == report.unused == []
    assert missing(net.layers, weights) == []
    assert missing(net.layers, {"a": [w, ones]}) == ["b", "c"]
    assert [p.data.flat[0] for p in net.params] == [5, 1, 2, 3]


@pytest.mark.parametrize(
    ("blobs", "says"),
    [
        ([np.ones((4, 4)), None], "layer 'b' (InnerProduct): has 2 parameter blobs; the weights"),
        ([None], "layer 'b' (InnerProduct): has 2 parameter blobs; the weights hold 0"),
        ([None, np.ones(4), None], "has 2 parameter blobs; the weights hold 1"),
        ([None, np.ones(3)], "parameter 1 has shape (4,); the weights hold (3,)"),
    ],
)
def test_what_a_layer_owns_must_be_there(blobs: list[np.ndarray | None], says: str) -> None:
    with pytest.raises(WeightsError) as caught:
        build(SHARED).load({"b": blobs})
    assert says in str(caught.value)


# Weights within the net ------------------------------------------------------------------------

GIVEN = """
blobs { shape { dim: 2 dim: 4 } data: 1 data: 2 data: 3 data: 4 data: 5 data: 6 data: 7 data: 8 }
blobs { num: 1 channels: 1 height: 1 width: 2 double_data: 9 double_data: 0.1 }
"""


def test_layers_begin_with_the_blobs_of_the_net() -> None:
    net = build(blob("x", 5, 4) + ip("a", "x", "h", 2, GIVEN))
    w, b = net.weights()["a"]
    np.testing.assert_array_equal(w, np.arange(1, 9).reshape(2, 4))
    np.testing.assert_array_equal(b, [9, 0.1])


V1 = """
input: "x" input_dim: 5 input_dim: 4 input_dim: 1 input_dim: 1
layers { name: "a" type: INNER_PRODUCT bottom: "x" top: "h" BLOBS
         inner_product_param { num_output: 2 } }
"""
V0 = """
input: "x" input_dim: 5 input_dim: 4 input_dim: 1 input_dim: 1
layers { layer { name: "a" type: "innerproduct" num_output: 2 BLOBS } bottom: "x" top: "h" }
"""


@pytest.mark.parametrize("text", [V0, V1], ids=["V0", "V1"])
def test_old_nets_with_blobs(text: str) -> None:
    w, b = build(text.replace("BLOBS", GIVEN)).weights()["a"]
    np.testing.assert_array_equal(w, np.arange(1, 9).reshape(2, 4))
    np.testing.assert_array_equal(b, [9, 0.1])


def test_blobs_of_shared_parameters_are_those_of_the_owner() -> None:
    other = GIVEN.replace("data: 1 ", "data: 77 ").replace("double_data: 9", "double_data: 8")
    name = ' param { name: "w" }'
    net = build(
        blob("x", 5, 4) + ip("a", "x", "h", 2, GIVEN + name) + ip("b", "x", "i", 2, other + name)
    )
    assert [p.data.flat[0] for p in net.params] == [1, 9, 8]


def test_a_net_that_shares_parameters_leaves_them_as_they_are() -> None:
    text = blob("x", 5, 4) + ip("a", "x", "h", 2, GIVEN)
    first = build(text)
    first.params[0].data[...] = 3
    second = build(text, share=first)
    assert (first.params[0].data == 3).all()
    assert second.params[0].data is first.params[0].data


@pytest.mark.parametrize(
    ("blobs", "says"),
    [
        (GIVEN.split("blobs { num")[0], "has 2 parameter blobs; its blobs hold 1"),
        (
            GIVEN.replace("dim: 2 dim: 4", "dim: 4 dim: 2"),
            "has shape (2, 4); its blobs hold (4, 2)",
        ),
        (
            GIVEN.replace("data: 8", ""),
            "blob 0 of the net has shape (2, 4) = 8 values, but holds 7",
        ),
    ],
)
def test_blobs_of_the_net_must_fit(blobs: str, says: str) -> None:
    with pytest.raises(NetError) as caught:
        build(blob("x", 5, 4) + ip("a", "x", "h", 2, blobs))
    message = str(caught.value)
    assert message.startswith("n.prototxt:2:1: layer 'a' (InnerProduct): ")
    assert message.endswith(says)


def test_blobs_that_a_fork_keeps_in_another_order() -> None:
    data = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }'
    norm = 'type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { scale_bias: true }'
    net = build(f'{data} layer {{ name: "bn" {norm} }}')
    scale, bias, mean, var = (np.full(2, float(i), np.float32) for i in (5, 6, 7, 8))
    report = net.load({"bn": [scale, bias, mean, var]})
    assert report.taken == ["bn"]
    assert [float(p.value[0]) for p in net.layer("bn").params] == [7, 8, 1, 5, 6]


def test_scale_and_bias_of_a_fork_without_a_field_that_says_so() -> None:
    data = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }'
    net = build(f'{data} layer {{ name: "bn" type: "BatchNorm" bottom: "x" top: "y" }}')
    blobs = {"bn": [np.ones(2), np.ones(2), np.ones(1), np.ones(2), np.ones(2)]}
    with pytest.raises(WeightsError, match=r"set batch_norm_param \{ scale_bias: true \}"):
        net.load(blobs)
    assert net.load(blobs, ignore_mismatch=["bn"]).ignored == ["bn"]

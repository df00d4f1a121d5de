"""Weights by layer name: what is taken, what is missing, what does not fit."""

import numpy as np
import pytest

from netcfg.errors import WeightsError
from netcfg.net import Net
from tests.test_net import TWO, build


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

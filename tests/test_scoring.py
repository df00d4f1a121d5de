"""Means of outputs over batches."""

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.scoring import Means, Score, Values, score

TEXT = """
layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 3 dim: 2 } data_filler { type: "gaussian" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "t" top: "loss" loss_weight: 0.5 }
layer { name: "mean" type: "Reduction" bottom: "x" top: "mean" reduction_param { axis: 1 } }
"""


def test_means_and_loss() -> None:
    net = Net(parse_net(TEXT).message, engine=get_engine("numpy", np.float64))
    seen: list[Values] = []
    result = score(net, 3, lambda i, outputs: seen.append(outputs))
    assert [sorted(outputs) for outputs in seen] == [["loss", "mean"]] * 3
    for name in ("loss", "mean"):
        expected = np.mean([outputs[name] for outputs in seen], axis=0)
        np.testing.assert_allclose(result.outputs[name], expected)
    assert result.outputs["mean"].shape == (3,)
    assert result.weights == {"loss": 0.5}
    assert result.loss == pytest.approx(0.5 * float(result.outputs["loss"]))
    assert float(seen[0]["loss"]) != float(seen[1]["loss"])


def test_means_of_no_batch() -> None:
    means = Means(Net(parse_net(TEXT).message, engine=get_engine("numpy", np.float64)))
    assert means.score() == Score({}, 0.0, {})


def test_means_so_far() -> None:
    means = Means(Net(parse_net(TEXT).message, engine=get_engine("numpy", np.float32)))
    first = means.forward()
    assert first["mean"].dtype == np.float64
    np.testing.assert_array_equal(means.score().outputs["mean"], first["mean"])
    both = (first["mean"] + means.forward()["mean"]) / 2
    np.testing.assert_array_equal(means.score().outputs["mean"], both)

"""Means of outputs over batches."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netcfg.engines import get_engine
from netcfg.errors import ShapeError
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.scoring import DetectionMeans, Means, Score, Values, score

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


ROWS = np.array(
    [[-1, 1, 2, -1, -1], [-1, 2, 1, -1, -1], [0, 1, 0.9, 1, 0], [0, 1, 0.8, 0, 1]], np.float32
)
MORE = np.array([[0, 1, 0.7, 1, 0], [0, 2, 0.6, 1, 0], [0, 2, 0.5, 0, 0]], np.float32)


def fake(*batches: dict[str, np.ndarray]) -> Any:
    """Return what looks like a net and says these things, one after the other."""
    said = iter(batches)
    return SimpleNamespace(
        forward=lambda: next(said), loss=2.0, loss_weight={}, engine=get_engine("numpy")
    )


@pytest.mark.parametrize(
    ("version", "first"),
    [
        ("Integral", (1 + 2 / 3) / 2),
        ("MaxIntegral", (1 + 2 / 3) / 2),
        ("11point", (6 + 10 / 3) / 11),
    ],
)
def test_detections(version: str, first: float) -> None:
    batches = [
        {"eval": ROWS[None, None], "other": np.array([1.0])},
        {"eval": MORE[None, None], "other": np.array([4.0])},
    ]
    result = score(fake(*batches), 2, ap_version=version)
    assert result.per_class == {"eval": {1: pytest.approx(first), 2: pytest.approx(1)}}
    assert result.outputs["eval"].shape == ()
    assert float(result.outputs["eval"]) == pytest.approx((first + 1) / 2)
    assert result.outputs["other"].tolist() == [2.5]
    assert list(result.outputs) == ["eval", "other"]
    assert result.loss == 2
    means = DetectionMeans(fake(*batches), version, per_class=False)
    means.forward()
    assert means.score().per_class == {}


def test_outputs_that_have_no_mean() -> None:
    rows = ROWS[None, None]
    with pytest.raises(
        ShapeError, match=r"output 'eval' must .* \(1, 1, 4, 5\) and \(1, 1, 3, 5\)"
    ):
        score(fake({"eval": rows}, {"eval": rows[:, :, :3]}), 2)
    with pytest.raises(ShapeError, match=r"rows of a DetectionEvaluate layer, .* are 'a' \(2,\)"):
        score(fake({"a": np.zeros(2)}), 1, ap_version="Integral")
    assert DetectionMeans(fake(), "Integral").score() == Score({}, 0.0, {})

"""Single-layer nets against what Caffe 1.0 computed for them."""

import json
from typing import Any

import numpy as np
import pytest

from netcfg.layer import registry
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.types import Phase
from tests.shared import SHARED, shared

TOLERANCE = 1e-4
LABELS = {
    "SoftmaxWithLoss": [1],
    "SoftmaxWithLoss_axis": [1],
    "SigmoidCrossEntropyLoss": [1],
    "HingeLoss": [1],
    "ContrastiveLoss": [2],
    "MultinomialLogisticLoss": [1],
    "InfogainLoss": [1, 2],
    "BatchReindex": [1],
    "Embed": [0],
    "LSTM": [1],
    "RNN": [1],
    "LSTMUnit": [2],
    "Crop": [1],
}
"""Bottoms that are labels or indices: their gradient is not compared."""


def read_cases() -> dict[str, dict[str, Any]]:
    path = SHARED / "golden/layers.npz"
    cases: dict[str, dict[str, Any]] = {}
    if not path.exists():
        return cases
    with np.load(path) as file:
        for key in file.files:
            case, name, *_ = key.split("/")
            if name == "meta":
                cases.setdefault(case, {}).update(json.loads(str(file[key])))
            else:
                cases.setdefault(case, {}).setdefault(name, []).append(file[key])
    return cases


CASES = read_cases()
KNOWN = [key for key, case in CASES.items() if case["name"].split("_")[0] in registry]


def agree(got: np.ndarray, want: np.ndarray, what: str) -> None:
    assert got.shape == want.shape, what
    scale = max(1.0, float(np.max(np.abs(want), initial=0)))
    assert np.max(np.abs(got - want), initial=0) <= TOLERANCE * scale, what


def test_the_cases_are_there() -> None:
    shared("golden/layers.npz")
    assert len(CASES) == 237
    assert len(KNOWN) > 150


@pytest.mark.parametrize("key", KNOWN)
def test_layer_as_caffe_computes_it(key: str) -> None:
    case = CASES[key]
    parsed = parse_net(case["prototxt"])
    assert not parsed.findings
    net = Net(parsed.message, Phase[case["phase"]], keep="all")
    layer = net.layer("layer")
    for param, values in zip(layer.params, case.get("params", []), strict=True):
        param.data[...] = values
    net.forward({f"b{i}": b for i, b in enumerate(case["bottom"])})
    tops = [f"{t}" for t in net.graph.nodes[-1].config.top]
    for i, want in enumerate(case.get("tops", [])):
        agree(np.asarray(net.blobs[tops[i]]), want, f"top {i}")
    for i, want in enumerate(case.get("params_after", [])):
        agree(layer.params[i].data, want, f"parameter {i} after the pass")
    if not case["backward"]:
        return
    diffs = zip(tops, case.get("top_diffs", []), strict=False)
    net.backward({t: d for t, d in diffs if not net.loss_weight.get(t)})
    for i, want in enumerate(case.get("param_diffs", [])):
        if want.size:
            agree(layer.params[i].diff, want, f"gradient of parameter {i}")
    for i, want in enumerate(case.get("bottom_diffs", [])):
        if want.size and i not in LABELS.get(case["name"], []):
            # A blob that no gradient reaches has a diff of zeros in Caffe, none here.
            got = net.diffs.get(f"b{i}", np.zeros_like(want))
            agree(got, want, f"gradient of bottom {i}")

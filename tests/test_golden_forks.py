"""Layers of Caffe's forks against OpenCV 4.10, and where the forks themselves do otherwise."""

import json
from typing import Any

import numpy as np
import pytest

from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.types import Array
from tests.shared import SHARED, shared

TOLERANCE = 1e-4
ORDER = "SSD writes the objects of an image class by class, OpenCV the best first"
SIZE = "forks drop regions below min_size, which OpenCV does not heed; test_rpn has them without"
DIFFERENT = {
    "DetectionOutput-302": ORDER,
    "Proposal-1101": SIZE,
    "Proposal-1103": SIZE,
    "Proposal-1104": SIZE,
}
"""Cases in which the fork is right, and why."""


def read_cases() -> dict[str, dict[str, Any]]:
    path = SHARED / "golden/forks.npz"
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


def outputs(case: dict[str, Any]) -> list[Array]:
    """Return the tops of the case's only layer."""
    parsed = parse_net(case["prototxt"])
    assert not parsed.findings
    net = Net(parsed.message, keep="all")
    for param, values in zip(net.layer("layer").params, case.get("params", []), strict=True):
        param.assign(values.reshape(param.shape))
    net.forward({f"b{i}": b for i, b in enumerate(case["bottom"])})
    return [np.asarray(net.blobs[top]) for top in net.graph.nodes[-1].config.top]


def test_the_cases_are_there() -> None:
    shared("golden/forks.npz")
    assert len(CASES) == 48
    assert DIFFERENT.keys() <= CASES.keys()


@pytest.mark.parametrize("key", [key for key in CASES if key not in DIFFERENT])
def test_layer_as_opencv_computes_it(key: str) -> None:
    for found, wanted in zip(outputs(CASES[key]), CASES[key]["tops"], strict=True):
        assert found.shape == wanted.shape
        scale = max(1.0, float(np.abs(wanted).max()))
        assert np.abs(found - wanted).max(initial=0) <= TOLERANCE * scale


@pytest.mark.parametrize("key", [key for key, why in DIFFERENT.items() if why == ORDER])
def test_the_same_objects_in_another_order(key: str) -> None:
    shared("golden/forks.npz")
    found, wanted = (tops[0].reshape(-1, 7) for tops in (outputs(CASES[key]), CASES[key]["tops"]))
    order = np.lexsort((-wanted[:, 2], wanted[:, 1], wanted[:, 0]))
    assert not np.array_equal(order, np.arange(len(order)))
    np.testing.assert_allclose(found, wanted[order], rtol=0, atol=TOLERANCE)

"""Small layers of forks against what OpenCV's dnn module computed for them, forward only."""

import json
from typing import Any

import numpy as np
import pytest

from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.types import Phase
from tests.shared import SHARED, shared

TYPES = ("Interp", "ShuffleChannel", "ReLU6", "Reorg", "ConvolutionDepthwise")


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
    return {key: case for key, case in cases.items() if case["name"] in TYPES}


GOLDEN = read_cases()


def test_the_cases_are_there() -> None:
    shared("golden/forks.npz")
    assert {case["name"] for case in GOLDEN.values()} == set(TYPES)
    assert len(GOLDEN) == 22


@pytest.mark.parametrize("key", GOLDEN)
def test_as_opencv_computes_it(key: str) -> None:
    case = GOLDEN[key]
    parsed = parse_net(case["prototxt"])
    assert not parsed.findings
    net = Net(parsed.message, Phase[case["phase"]], keep="all")
    for param, values in zip(net.layer("layer").params, case.get("params", []), strict=True):
        param.assign(values)
    net.forward({f"b{i}": b for i, b in enumerate(case["bottom"])})
    (want,) = case["tops"]
    np.testing.assert_allclose(np.asarray(net.blobs["t0"]), want, rtol=0, atol=1e-4)

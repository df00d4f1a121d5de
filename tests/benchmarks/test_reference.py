"""What peers are told of a net: its layers, its weights and its output."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import reference
from benchmarks.peers.turns import check_output, read_reference


def test_layers_for_peers() -> None:
    layers = reference.describe("ResNet-18", 1, train=True)
    kinds = [layer["type"] for layer in layers]
    assert kinds.count("Convolution") == kinds.count("BatchNorm") == 20
    assert kinds.count("Eltwise") == 8
    assert "Scale" not in kinds
    assert kinds[-1] == "InnerProduct"
    expected = {"in": 3, "out": 64, "kernel": 7, "stride": 2, "pad": 3, "group": 1, "bias": False}
    assert {key: layers[0][key] for key in expected} == expected
    assert layers[1]["scale"] == "Scale1"
    assert (layers[-1]["in"], layers[-1]["out"]) == (512, 1000)
    assert reference.describe("ResNet-18", 1, train=False)[-1]["type"] == "Softmax"


def test_a_reference_has_weights_and_output(tmp_path: Path) -> None:
    path = tmp_path / "lenet.npz"
    assert reference.write(path, "LeNet", 2) == 431_080
    arrays = read_reference({"reference": str(path)})
    assert arrays["data"].shape == (2, 1, 28, 28)
    assert arrays["output"].sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert arrays["Convolution1/0"].shape == (20, 1, 5, 5)
    assert read_reference({"reference": ""}) == {}


def test_outputs_are_compared_by_logits() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((2, 5))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    check_output(p * (1 + 1e-5 * z), {"output": p})
    for other in (p[:, ::-1], p * np.nan, np.full_like(p, 0.2)):
        with pytest.raises(SystemExit, match="not the same net: outputs differ"):
            check_output(other, {"output": p})

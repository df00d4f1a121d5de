"""The nets that are measured are those of the papers."""

import math

import pytest

from benchmarks import nets
from netcfg import Net, Phase
from netcfg.engines import get_engine

PARAMETERS = {
    # learned values in millions, as published or counted from the authors' files
    "LeNet": 0.431,
    "CIFAR-10 quick": 0.146,
    "CaffeNet": 60.97,
    "ResNet-18": 11.69,
    "SqueezeNet 1.1": 1.24,
    "MobileNet": 4.23,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name: str) -> None:
    with Net(nets.make(name, 1, True), Phase.TRAIN, engine=get_engine("numpy")) as net:
        count = sum(math.prod(p.shape) for p in net.params if p.lr_mult)
        assert count / 1e6 == pytest.approx(PARAMETERS[name], rel=0.01)
        assert net.inputs == ["data", "label"]


def test_inference_ends_in_probabilities() -> None:
    assert nets.make("LeNet", 3, False).layer[-1].type == "Softmax"
    assert set(nets.NETS) >= set(PARAMETERS)

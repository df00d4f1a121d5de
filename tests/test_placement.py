"""Where layers run beside a device."""

from typing import Any

import pytest

import netcfg.net  # noqa: F401 - fills the registry
from netcfg.layer import registry
from netcfg.netcfg_pb2 import PoolingParameter
from netcfg.placement import DEVICE, HOST, RECORDED, STOCHASTIC, place_of, reason_of


def test_the_tables_name_layers_and_each_once() -> None:
    assert RECORDED.isdisjoint(DEVICE)
    assert {*RECORDED, *DEVICE} <= set(registry)


def test_what_nobody_names_runs_on_the_cpu() -> None:
    assert place_of(registry["Python"], "Python") == "host"
    assert place_of(registry["ReLU"], "ReLU") == "recorded"
    assert place_of(registry["Data"], "Data") == "device"

    class Own:
        place = "recorded"

    assert place_of(Own, "Swirl") == "recorded"


class Layer:
    def __init__(self, name: str, **more: Any) -> None:
        self.type, self.ntops = name, 1
        vars(self).update(more)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Layer("ReLU"), ""),
        (Layer("Data"), "reads files"),
        (Layer("Python"), HOST),
        (Layer("Pooling", method=PoolingParameter.MAX), ""),
        (Layer("Pooling", method=PoolingParameter.STOCHASTIC, stride=(2, 2)), ""),
        (
            Layer("Pooling", method=PoolingParameter.STOCHASTIC, stride=(1,) * 4),
            "draws its places on the CPU",
        ),
        (Layer("Accuracy", ntops=2), "counts its classes on the CPU"),
    ],
)
def test_reasons(layer: Any, reason: str) -> None:
    assert reason_of(layer) == reason
    assert STOCHASTIC == PoolingParameter.STOCHASTIC


def test_a_layer_of_ones_own_may_run_there_without_being_recorded() -> None:
    class Own(Layer):
        place = "device"

    assert reason_of(Own("Swirl")) == "says that it cannot be recorded"

"""The benchmark of the CPU engine: its rows, and netcfg's side of it."""

from unittest.mock import Mock

import pytest

from benchmarks import cpu
from benchmarks.cpu import Contestant, Work

LENET = Work("LeNet", 2, True, 0.5, 0.75)


def contestant(name: str, *samples: tuple[float, int]) -> Contestant:
    return Contestant(name, Mock(), list(samples))


def test_disturbed_steps_count_only_where_few_are_left() -> None:
    calm = [(float(i), 0) for i in range(1, 6)]
    assert contestant("a", *calm, (100.0, 3)).median == 3
    assert contestant("a", (1.0, 0), (2.0, 1), (9.0, 1)).median == 2


def test_a_row_has_the_best_of_torch() -> None:
    measured = [
        contestant("netcfg", (3.0, 0)),
        contestant("NumPy engine", (12.0, 0)),
        contestant("eager", (6.0, 0)),
        contestant("cl mt", (4.0, 0)),
    ]
    row = cpu.row(LENET, 2, measured)
    assert row == [
        "LeNet train b2",
        "2",
        "3.00",
        "6.00",
        "4.00 (cl mt)",
        "0.75",
        "0.50 / 0.75",
        "0.25",
    ]
    assert cpu.row(LENET, 1, measured[:1])[3:6] == ["-", "-", "-"]


def test_layers_for_the_other_side() -> None:
    layers = cpu.describe(Work("ResNet-18", 1, True, 1, 1))
    kinds = [layer["type"] for layer in layers]
    assert kinds.count("Convolution") == kinds.count("BatchNorm") == 20
    assert kinds.count("Eltwise") == 8
    assert "Scale" not in kinds
    expected = {"in": 3, "out": 64, "kernel": 7, "stride": 2, "pad": 3, "group": 1, "bias": False}
    assert {key: layers[0][key] for key in expected} == expected
    assert layers[-1]["in"] == 512


@pytest.mark.parametrize("work", [LENET, Work("LeNet", 2, False, 1, 1)])
def test_netcfg_takes_turns(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "TURN", 1.0)
    ours, numpy = cpu.measure(work, 1, None, 2)
    assert (ours.name, numpy.name) == ("netcfg", "NumPy engine")
    assert len(ours.samples) >= 2
    assert ours.median > 0
    assert ours.memory > 10_000, "KiB"

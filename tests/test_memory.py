"""Bytes that a net takes on a card."""

from types import SimpleNamespace
from typing import Any

import pytest

from netcfg.engines import Engine
from netcfg.memory import WORKSPACE, Need, is_out_of_memory, memory_of, predict, too_much
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.types import Phase

TEXT = """
name: "two"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 8 dim: 4 } } }
layer { name: "one" type: "InnerProduct" bottom: "data" top: "one"
  inner_product_param { num_output: 16 } }
layer { name: "two" type: "InnerProduct" bottom: "one" top: "two"
  inner_product_param { num_output: 2 } }
"""
WEIGHTS = 4 * (4 * 16 + 16 + 16 * 2 + 2)


def make(phase: Phase) -> Net:
    return Net(parse_net(TEXT).message, phase, engine=Engine())


def test_a_net_at_test_holds_what_is_still_read() -> None:
    need = predict(make(Phase.TEST))
    assert (need.parameters, need.batch) == (WEIGHTS, 8)
    assert need.blobs == 4 * 8 * (4 + 16)
    assert predict(make(Phase.TEST), itemsize=2).blobs == need.blobs // 2
    assert need.total == need.parameters + need.blobs + WORKSPACE


def test_training_keeps_all_outputs_and_the_gradients_of_a_unit() -> None:
    need = predict(make(Phase.TRAIN))
    assert need.parameters == 3 * WEIGHTS
    assert need.blobs == 4 * 8 * (4 + 16 + 2) + 4 * 8 * (4 + 16)


def test_the_batch_that_fits() -> None:
    need = Need(100, 800, 8)
    assert need.fits(WORKSPACE + 100 + 450) == 4
    assert need.fits(10) == 0
    assert Need(100, 0, 0).fits(WORKSPACE) == 0


def test_the_message_names_a_batch() -> None:
    net = make(Phase.TRAIN)
    need = predict(net)
    memory = WORKSPACE + need.parameters + need.blobs // 2
    assert str(too_much(net, memory)).endswith("; a batch of 4 fits")
    assert str(too_much(net, 1000)).startswith("net 'two' does not fit into the GPU's ")
    assert str(too_much(net, 1000)).endswith("no batch of it fits")
    # What fits by the estimate alone did not: less is advised.
    assert str(too_much(net, 1 << 40)).endswith("; a batch of 7 fits")


def test_what_cupy_says() -> None:
    assert is_out_of_memory(type("OutOfMemoryError", (MemoryError,), {})())
    assert not is_out_of_memory(MemoryError())
    engine: Any = SimpleNamespace(device=SimpleNamespace(memory=lambda: (1, 7)))
    assert memory_of(engine) == 7
    assert "about" in str(predict(make(Phase.TEST)))
    with pytest.raises(AttributeError):
        memory_of(Engine())

"""Bytes that a net takes on a card."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine
from netcfg.errors import NetError
from netcfg.memory import (
    WORKSPACE,
    Need,
    explained,
    is_out_of_memory,
    memory_of,
    predict,
    too_much,
)
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


class OutOfMemoryError(MemoryError):
    """What CuPy raises."""


def small(phase: Phase, memory: int) -> tuple[Net, Any]:
    """Return a net on a card of so many bytes, and its last layer, which finds no memory."""
    net = make(phase)
    engine: Any = net.engine
    engine.device = SimpleNamespace(memory=lambda: (0, memory))
    engine.store = np.dtype(np.float32)
    return net, net.layer("two")


def fails(*_: Any, **__: Any) -> None:
    raise OutOfMemoryError("no bytes left")


@pytest.mark.parametrize("phase", Phase)
def test_a_pass_that_does_not_fit_says_which_batch_does(phase: Phase) -> None:
    need = predict(make(phase))
    net, last = small(phase, WORKSPACE + need.parameters + need.blobs // 2)
    last.forward = fails
    with pytest.raises(NetError, match=r"with a batch of 8 it takes about .*; a batch of 4 fits$"):
        net.forward()


def test_what_was_fed_decides_and_not_what_was_declared() -> None:
    need = predict(make(Phase.TEST))
    net, last = small(Phase.TEST, WORKSPACE + need.parameters + need.blobs // 2)
    net.forward()
    last.forward = fails
    with pytest.raises(NetError, match=r"with a batch of 80 it takes .*; a batch of 4 fits$"):
        net.forward({"data": np.zeros((80, 4), np.float32)})
    assert net.top_shapes[-1] == ((80, 2),)
    del last.forward
    assert net.forward({"data": np.zeros((3, 4), np.float32)})["two"].shape == (3, 2)


def test_so_does_a_backward_pass() -> None:
    net: Any = small(Phase.TRAIN, WORKSPACE)[0]
    net.forward()
    net._seed_gradients = fails
    with pytest.raises(NetError, match=r"no batch of it fits$"):
        net.backward({"two": np.ones((8, 2), np.float32)})


def test_memory_of_the_cpu_is_another_matter() -> None:
    net = make(Phase.TEST)
    with pytest.raises(MemoryError, match="of the CPU"), explained(net):
        raise MemoryError("of the CPU")
    with explained(net):
        assert net.forward()["two"].shape == (8, 2)

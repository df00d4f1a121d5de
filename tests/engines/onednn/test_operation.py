"""A primitive bound to shapes."""

import numpy as np
import pytest

from netcfg.engines.onednn import elementwise
from netcfg.engines.onednn.library import Algorithm, Arg, load
from netcfg.engines.onednn.memory import Pool
from netcfg.engines.onednn.operation import Slot


def test_run_reads_inputs_and_writes_outputs() -> None:
    operation = elementwise.forward(load(), np.float32, (2, 3), True, Algorithm.RELU, 0.5, 0.0)
    assert [slot.arg for slot in operation.inputs] == [Arg.SRC]
    y = Pool().empty((2, 3))
    operation.run([np.array([[-2, 0, 1], [3, -4, 5]], np.float32), y], 0)
    assert y.tolist() == [[-1, 0, 1], [3, -2, 5]]


def test_bound_memories_name_every_argument() -> None:
    operation = elementwise.backward(load(), np.float32, (4,), True, Algorithm.RELU, 0.0, 0.0)
    memories, table = operation.bind()
    assert [entry.arg for entry in table][:3] == [Arg.DIFF_DST, Arg.SRC, Arg.DIFF_SRC]
    assert [entry.memory for entry in table] == [memory.value for memory in memories]


@pytest.mark.parametrize("last", [True, False])
def test_descriptor_of_a_slot(last: bool) -> None:
    slot = Slot(Arg.SRC, (2, 3, 4, 5), last)
    strided = Slot(Arg.SRC, (2, 3, 4, 5), strides=(60, 1, 15, 3) if last else (60, 20, 5, 1))
    assert load().equal(slot.desc, strided.desc)

"""What follows in the same pass: a sum and a ReLU."""

import numpy as np

from netcfg.engines import Conv, Window
from netcfg.engines.onednn import conv as convs
from netcfg.engines.onednn.attributes import Attributes
from netcfg.engines.onednn.library import Arg, load
from netcfg.engines.onednn.runner import Runner

POINT = Conv(Window((1, 1), (1, 1), (0, 0), (1, 1)))


def test_nothing_follows_by_default() -> None:
    assert list(Attributes(load()).slots) == []


def test_a_sum_has_a_slot_and_comes_before_the_relu() -> None:
    shape = (1, 2, 1, 3)
    attributes = Attributes(load(), add=shape, relu=0.0)
    assert [slot.arg for slot in attributes.slots] == [Arg.POST_OP]
    operation = convs.forward(load(), np.float32, shape, (2, 2, 1, 1), POINT, False, attributes)
    x = np.arange(6, dtype=np.float32).reshape(shape)
    w = np.eye(2, dtype=np.float32).reshape(2, 2, 1, 1)
    y = Runner().run(operation, x, w, np.full(shape, -2, np.float32))
    assert y.ravel().tolist() == [0, 0, 0, 1, 2, 3]

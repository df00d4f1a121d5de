"""What a primitive does besides: scratch memory of ours, and operations after its own."""

from collections.abc import Sequence
from ctypes import c_float, c_int
from typing import Any

import numpy as np

from netcfg.engines.onednn.library import Algorithm, Arg, Library
from netcfg.engines.onednn.memory import dense
from netcfg.engines.onednn.operation import Slot
from netcfg.types import Shape

_USER = 1
"""Scratch memory comes from the caller."""


class Attributes:
    """Attributes of a primitive.

    Args:
        library: oneDNN.
        dtype: of the second array.
        add: shape of a second array that is added to the result.
        relu: slope below 0 of a ReLU on the result; None for none.

    Attributes:
        handle: as oneDNN takes it.
        slots: arguments beside those of the primitive.
    """

    def __init__(
        self,
        library: Library,
        dtype: Any = np.float32,
        *,
        add: Shape | None = None,
        relu: float | None = None,
    ) -> None:
        self.handle = library.create("primitive_attr")
        library.call("primitive_attr_set_scratchpad_mode", self.handle, c_int(_USER))
        self.slots: Sequence[Slot] = []
        if add is None and relu is None:
            return
        after = library.create("post_ops")
        if add is not None:
            library.call(
                "post_ops_append_binary", after, c_int(Algorithm.ADD), dense(add, dtype=dtype)
            )
            self.slots = [Slot(Arg.POST_OP, add, dtype=dtype)]
        if relu is not None:
            library.call(
                "post_ops_append_eltwise",
                after,
                c_int(Algorithm.RELU),
                c_float(relu),
                c_float(0),
            )
        library.call("primitive_attr_set_post_ops", self.handle, after)
        library.destroy("post_ops", after)

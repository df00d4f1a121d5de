"""Batches on their way to the card while it computes: pinned memory and a stream of their own."""

from typing import Any

import numpy as np

from netcfg.types import Array

BUFFERS = 2
"""How many batches can be on their way."""


class Upload:
    """The way of arrays of one shape into one array on the card.

    The CPU runs ahead of the card: while this copies a batch into pinned memory and onwards, the
    card still computes the step before. Only the copy within the card, into ``target``, waits for
    its turn.

    Args:
        device: its CuPy and its stream.
        target: where the values arrive.
    """

    def __init__(self, device: Any, target: Array) -> None:
        import cupyx

        cuda = device.xp.cuda
        self._device, self._target = device, target
        self._stream = cuda.Stream(non_blocking=True)
        shape, dtype = target.shape, target.dtype
        self._pinned = [cupyx.empty_pinned(shape, dtype) for _ in range(BUFFERS)]
        self._staged = [device.xp.empty(shape, dtype) for _ in range(BUFFERS)]
        self._arrived = [cuda.Event(disable_timing=True) for _ in range(BUFFERS)]
        self._taken = [cuda.Event(disable_timing=True) for _ in range(BUFFERS)]
        for event in self._taken:
            event.record(device.stream)
        self._next = 0

    def send(self, values: Any) -> None:
        """Queue the copy of an array of the CPU."""
        self._device.use()
        i, self._next = self._next, (self._next + 1) % BUFFERS
        self._arrived[i].synchronize()  # pinned memory is still read until then
        np.copyto(self._pinned[i], values, casting="same_kind")
        self._stream.wait_event(self._taken[i])
        staged = self._staged[i]
        staged.set(self._pinned[i], stream=self._stream)
        self._arrived[i].record(self._stream)
        self._device.stream.wait_event(self._arrived[i])
        self._target[...] = staged
        self._taken[i].record(self._device.stream)

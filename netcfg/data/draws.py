"""Random numbers of a data layer, addressed by what they decide instead of drawn in order."""

import threading
import zlib
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.uint64]

# The last word of the counter keeps the streams apart; 0 is the stream of ``Layer.random``.
_RECORDS, _ORDER, _SKIP, _CHANGES = 1, 2, 3, 4
_KEPT_ORDERS = 4


class Draws:
    """Numbers that depend on the seed, the layer's name and what they are for, nothing else."""

    def __init__(self, seed: int, name: str) -> None:
        self._key = [seed, zlib.crc32(name.encode())]
        self._orders: dict[tuple[int, int, int], npt.NDArray[np.intp]] = {}
        self._lock = threading.Lock()

    def numbers(self, first: int, count: int) -> Numbers:
        """Return four 64-bit numbers for each of the records ``first``, ``first + 1``, …."""
        return self._stream(_RECORDS, first).random_raw(4 * count).reshape(count, 4)

    def generator(self, record: int) -> np.random.Generator:
        """Return a generator for a record, where it is not known how many numbers it takes."""
        return np.random.Generator(
            np.random.Philox(key=self._key, counter=[0, record, 0, _CHANGES])
        )

    def choice(self, batch: int, count: int, weights: Sequence[float] = ()) -> int:
        """Return which of ``count`` things a batch takes, as often as their ``weights`` say."""
        if count == 1:
            return 0
        words = np.random.Philox(key=self._key, counter=[0, batch, 1, _CHANGES]).random_raw()
        if len(set(weights)) <= 1:
            return int(words % count)
        below = np.cumsum(weights) / sum(weights)
        return min(int((below <= words / 2**64).sum()), count - 1)

    def order(self, size: int, epoch: int, part: int = 0) -> npt.NDArray[np.intp]:
        """Return the permutation of ``size`` things in an epoch, for each ``part`` another."""
        key = (size, epoch, part)
        with self._lock:
            order = self._orders.get(key)
            if order is None:
                order = np.random.Generator(self._stream(_ORDER, epoch, part)).permutation(size)
                while len(self._orders) >= _KEPT_ORDERS:
                    self._orders.pop(next(iter(self._orders)))
                self._orders[key] = order
        return order

    def skip(self, limit: int) -> int:
        """Return how many records ``rand_skip: limit`` passes over: 0 … limit - 1."""
        return int(self._stream(_SKIP, 0).random_raw() % limit) if limit else 0

    def _stream(self, stream: int, first: int, part: int = 0) -> np.random.Philox:
        return np.random.Philox(key=self._key, counter=[first, 0, part, stream])

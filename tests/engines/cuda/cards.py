"""Primitives on a card, and how near they come to what they should give."""

from typing import Any

import numpy as np


def close(got: Any, wanted: Any, tolerance: float = 1e-5) -> None:
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        size = max(1.0, float(np.abs(b).max()))
        np.testing.assert_allclose(a.astype(np.float64), b, rtol=0, atol=tolerance * size)


class Spy:
    """Notes which operations cuDNN has done."""

    def __init__(self, graphs: Any) -> None:
        self.graphs = graphs
        self.done: list[Any] = []

    def run(self, spec: Any, addresses: Any) -> bool:
        found = bool(self.graphs.run(spec, addresses))
        if found:
            self.done.append(spec)
        return found


def there(e: Any, *arrays: Any) -> list[Any]:
    return [e.xp.asarray(a).astype(e.store) for a in arrays]


def back(e: Any, arrays: Any) -> list[Any]:
    return [e.to_numpy(a) for a in arrays]

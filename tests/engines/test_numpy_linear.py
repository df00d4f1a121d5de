"""Products in parts."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import numpy_linear


@pytest.mark.parametrize("shape", [(1, 7, 300), (300, 7, 1), (40, 5, 33), (33, 5, 40), (64, 0, 64)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_make_the_whole(monkeypatch: Any, shape: tuple[int, int, int], dtype: Any) -> None:
    monkeypatch.setattr(numpy_linear, "WORK", 1)
    M, K, N = shape
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(M, K)).astype(dtype), rng.normal(size=(K, N)).astype(dtype)
    for left, right in ((a, b), (np.asfortranarray(a), np.asfortranarray(b))):
        y = numpy_linear.product(np, left, right)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, a @ b, atol=1e-5)


def test_no_more_parts_than_allowed(monkeypatch: Any) -> None:
    items: list[int] = []
    monkeypatch.setattr(numpy_linear, "WORK", 1)
    monkeypatch.setattr(numpy_linear.threads, "run", lambda xp, work, parts: items.extend(parts))
    numpy_linear.product(np, np.ones((3, 2)), np.ones((2, 1000)))
    assert items == list(range(0, 1000, 64))
    assert len(items) <= numpy_linear.PARTS

"""Views of arrays."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import layout
from netcfg.engines.geometry import Window


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_last_and_first_are_views_and_inverse(shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape)).reshape(shape)
    assert layout.last(x).shape == (shape[0], *shape[2:], shape[1])
    assert np.array_equal(layout.first(layout.last(x)), x)
    assert np.shares_memory(layout.first(layout.last(x)), x)


def test_padded() -> None:
    x = np.ones((1, 2, 1, 3))
    y = layout.padded(np, x, (1, 2))
    assert y.shape == (1, 4, 5, 3)
    assert np.array_equal(y[:, 1:3, 2:3], x)
    assert y.sum() == x.sum()
    assert layout.padded(np, x, (0, 0)) is x


def test_windows() -> None:
    x = np.arange(6.0).reshape(1, 6, 1)
    view = layout.windows(np, x, Window((2,), (1,), (0,), (3,)), (3,))
    assert view[..., 0].tolist() == [[[0, 3], [1, 4], [2, 5]]]


def test_spread_repeats_vectors_for_channels_last_only() -> None:
    x = np.zeros((2, 3, 4, 5))
    last = layout.first(np.zeros((2, 4, 5, 3)))
    (view,), (v,) = layout.spread(np, (last,), (np.arange(3),))
    assert view.shape == (8, 15)
    assert v.tolist() == [0, 1, 2] * 5
    for arrays in ((x,), (x, last)):
        views, (v,) = layout.spread(np, arrays, (np.arange(3),))
        assert all(a is b for a, b in zip(views, arrays, strict=True))
        assert v.shape == (3, 1, 1)


def test_blocks_cover_the_batch(monkeypatch: Any) -> None:
    x = np.zeros((7, 10))
    assert list(layout.blocks(x)) == [slice(0, 7)]
    monkeypatch.setattr(layout, "BLOCK", 3 * 80)
    assert [x[b].shape[0] for b in layout.blocks(x)] == [2, 2, 2, 1]
    monkeypatch.setattr(layout, "BLOCK", 1)
    assert len(list(layout.blocks(x))) == 7
    assert list(layout.blocks(x[:0])) == []


def test_even_blocks_cover_all_and_differ_little(monkeypatch: Any) -> None:
    monkeypatch.setattr(layout, "BLOCK", 100)
    for count in range(30):
        for size in (0, 1, 30, 400, 2000):
            lengths = [b.stop - b.start for b in layout.even(count, size, 1000)]
            assert sum(lengths) == count
            assert all(n == lengths[0] for n in lengths[:-1])
            assert all(n == 1 or n * size <= 1000 for n in lengths)
            assert len(lengths) > 1 or count < 2 or count * size < 200
    assert len(list(layout.even(12, 10, 1000))) == 1
    assert len(list(layout.even(12, 10, 1000, passes=9))) == layout.PARTS


@pytest.mark.parametrize("shape", [(), (0, 3), (1, 5), (7, 5)])
def test_pieces_cover_arrays_of_any_shape(monkeypatch: Any, shape: tuple[int, ...]) -> None:
    for share in (1, 80, 1 << 20):
        monkeypatch.setattr(layout, "SHARE", share)
        x = np.zeros(shape)
        for piece in layout.pieces(x):
            x[piece] += 1
        assert (x == 1).all()

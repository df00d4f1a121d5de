"""Layouts as kernels want them."""

import numpy as np

from netcfg.engines.cuda import arrays

X = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
LAST = np.ascontiguousarray(X.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def test_layouts_are_told_by_strides() -> None:
    assert not arrays.is_last(X)
    assert arrays.is_last(LAST)
    assert not arrays.is_last(X.reshape(6, 20))
    assert arrays.is_last(arrays.empty(np, (2, 3, 4, 5), np.float32, channels_last=True))
    assert arrays.empty(np, (2, 3, 4), np.float32, channels_last=False).flags.c_contiguous


def test_dense_arrays_stay_as_they_are() -> None:
    assert arrays.dense(np, X) is X
    assert arrays.dense(np, LAST) is LAST
    cut = X[:, :, ::2]
    made = arrays.dense(np, cut)
    assert arrays.is_last(made)
    np.testing.assert_array_equal(made, cut)
    assert arrays.to_last(np, X[:, :, 0, 0]).flags.c_contiguous


def test_alike_brings_arrays_into_one_layout() -> None:
    assert arrays.alike(np, X, X)[1] is False
    assert arrays.alike(np, LAST, LAST)[0][0] is LAST
    made, last = arrays.alike(np, X, LAST)
    assert last
    assert all(arrays.is_last(x) for x in made)
    np.testing.assert_array_equal(made[0], X)


def test_pixels_say_where_a_channel_is() -> None:
    for x in (X, LAST):
        rows, channels, inner = arrays.pixels(x)
        assert (rows, channels) == (40, 3)
        memory = x.ravel(order="K")
        index = np.arange(memory.size)
        values = memory[index // inner % channels == 1]
        assert sorted(values) == sorted(x[:, 1].ravel())


def test_what_can_be_counted() -> None:
    assert arrays.countable(X)
    assert not arrays.countable(X, X[:0])
    huge = np.broadcast_to(np.float32(0), (arrays.LARGEST + 1,))
    assert not arrays.countable(huge)

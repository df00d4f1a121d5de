"""Which pooling oneDNN may do, and where maxima are."""

import numpy as np
import pytest

from netcfg.engines import Window
from netcfg.engines.onednn import pool
from netcfg.engines.onednn.library import Algorithm, RefusedError


def window(pad: int = 0) -> Window:
    return Window((3, 3), (2, 2), (pad, pad), (1, 1))


def test_means_divide_by_what_caffe_divides_by() -> None:
    x = (1, 1, 7, 7)
    assert pool._algorithm(x, (1, 1, 3, 3), window(), False) == Algorithm.AVE_POOL
    assert pool._algorithm(x, (1, 1, 4, 4), window(1), False) == Algorithm.AVE_POOL
    x = (1, 1, 6, 6)  # the last window hangs over
    assert pool._algorithm(x, (1, 1, 3, 3), window(), False) == Algorithm.AVE_POOL_INSIDE
    with pytest.raises(RefusedError):
        pool._algorithm(x, (1, 1, 4, 4), window(1), False)
    assert pool._algorithm(x, (1, 1, 4, 4), window(1), True) == Algorithm.MAX_POOL


def test_places_from_indices_within_windows() -> None:
    inner = np.array([[[[4, 0], [8, 1]]]], np.uint8)  # windows begin at -1 and 1
    places = pool.places(inner, (1, 1, 4, 4), window(1))
    # (row, column): (0, 0); (0, 1) clipped from row -1; (3, 1); (1, 2)
    assert places.tolist() == [[[[0, 1], [13, 6]]]]

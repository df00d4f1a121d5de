"""Where the positions of a kernel fall inside an image."""

import numpy as np
import pytest

from netcfg.engines.geometry import Conv, Window, taps
from tests.engines import reference


def test_geometry_is_a_key() -> None:
    one, two = (Conv(Window((3,), (1,), (0,), (1,)), 2) for _ in range(2))
    assert {one: "plan"}[two] == "plan"


@pytest.mark.parametrize(
    ("window", "size", "out"),
    [
        (Window((3, 2), (2, 1), (1, 1), (1, 1)), (5, 4), (3, 5)),
        (Window((3, 2), (1, 3), (2, 0), (2, 1)), (4, 7), (4, 3)),
        (Window((2,), (3,), (0,), (1,)), (5,), (2,)),
        (Window((5,), (1,), (4,), (1,)), (1,), (5,)),
        (Window((), (), (), ()), (), ()),
    ],
)
def test_taps_are_all_reads(window: Window, size: tuple[int, ...], out: tuple[int, ...]) -> None:
    sources = np.arange(np.prod(size, dtype=int)).reshape(1, *size)
    targets = np.arange(np.prod(out, dtype=int)).reshape(1, *out)
    found = [
        (int(t), tap.place, int(s))
        for tap in taps(window, size, out)
        for t, s in zip(
            targets[tap.target].reshape(-1), sources[tap.source].reshape(-1), strict=True
        )
    ]
    expected = [
        (int(targets[(0, *t)]), k, int(sources[(0, *s)]))
        for t, k, s in reference.reads(window, size, out)
    ]
    assert sorted(found) == sorted(expected)
    places = [tap.place for tap in taps(window, size, out)]
    assert places == sorted(places)

"""When depthwise convolution takes over; its values are tested with all others."""

import numpy as np
import pytest

from netcfg.engines import Conv, Engine, Window, numpy_depthwise


def conv(group: int) -> Conv:
    return Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)), group)


@pytest.mark.parametrize(
    ("w", "group", "fits"),
    [
        ((8, 1, 3, 3), 8, True),
        ((16, 1, 3, 3), 8, True),
        ((8, 1, 3, 3), 1, False),
        ((8, 2, 3, 3), 4, False),
        ((40, 1, 3, 3), 2, False),
    ],
)
def test_fits(w: tuple[int, ...], group: int, fits: bool) -> None:
    assert numpy_depthwise.fits(w, conv(group)) == fits


def test_channels_are_independent() -> None:
    engine, rng = Engine(), np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 5, 6)).astype(np.float32)
    w = rng.normal(size=(4, 1, 3, 3)).astype(np.float32)
    y = engine.conv(x, w, None, conv(4))
    for c in range(4):
        alone = engine.conv(x[:, c : c + 1], w[c : c + 1], None, conv(1))
        np.testing.assert_allclose(y[:, c : c + 1], alone, atol=1e-5)

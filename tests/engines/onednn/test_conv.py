"""Random convolutions in every direction and layout, against NumPy's in float64."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine, get_engine
from netcfg.engines.onednn.conv import grouped
from tests.engines.onednn.random_convs import random_conv
from tests.engines.test_base import LAYOUTS

pytest.importorskip("netcfg.engines.onednn.library").load()
DEFINITION = Engine(np.float64)


def close(found: Any, wanted: Any) -> None:
    size = max(1.0, float(np.abs(wanted).max(initial=0)))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5 * size)


@pytest.mark.parametrize("seed", range(200))
def test_random_geometry(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x_shape, w_shape, conv = random_conv(rng)
    layout = LAYOUTS[seed % len(LAYOUTS)]
    x, w, b = (rng.normal(size=shape) for shape in (x_shape, w_shape, w_shape[:1]))
    dy = rng.normal(size=DEFINITION.conv(x, w, None, conv).shape)
    x32, w32, b32, dy32 = (layout(a.astype(np.float32)) for a in (x, w, b, dy))
    engine = get_engine("onednn")
    close(engine.conv(x32, w32, b32, conv), DEFINITION.conv(x, w, b, conv))
    close(engine.conv(x32, engine.freeze(w32), None, conv), DEFINITION.conv(x, w, None, conv))
    close(engine.conv(x32, w32, b32, conv, dy32, 0.1), DEFINITION.conv(x, w, b, conv, dy, 0.1))
    close(
        engine.conv_grad_x(dy32, w32, x_shape, conv), DEFINITION.conv_grad_x(dy, w, x_shape, conv)
    )
    for bias in (False, True):
        found = engine.conv_grad_w(dy32, x32, w_shape, conv, bias)
        wanted = DEFINITION.conv_grad_w(dy, x, w_shape, conv, bias)
        close(found[0], wanted[0])
        assert (found[1] is not None) == bias
        if bias:
            close(found[1], wanted[1])


def test_groups_have_an_axis() -> None:
    assert grouped((8, 3, 5, 5), 1) == (8, 3, 5, 5)
    assert grouped((8, 3, 5, 5), 2) == (2, 4, 3, 5, 5)

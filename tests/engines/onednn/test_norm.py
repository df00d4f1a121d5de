"""Normalization of float32 against NumPy's definition in float64."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine, get_engine

SHAPES = [(2, 3, 5, 7), (4, 16, 6, 6), (8, 33), (3, 17, 9), (2, 20, 2, 3, 4)]
DEFINITION = Engine(np.float64)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_norm_scale_and_its_gradient(shape: tuple[int, ...], relu: bool) -> None:
    rng = np.random.default_rng(0)
    arrays: list[Any] = [
        rng.normal(2, 3, shape),
        rng.normal(size=shape[1]),
        rng.normal(size=shape[1]),
    ]
    dy = rng.normal(size=shape)
    engine = get_engine("onednn")
    x, w, b = (a.astype(np.float32) for a in arrays)
    *found, kept = engine.norm_scale(x, w, b, 1e-3, relu)
    *wanted, kept64 = DEFINITION.norm_scale(*arrays, 1e-3, relu)
    found += engine.norm_scale_grad(dy.astype(np.float32), w, 1e-3, kept)
    wanted += DEFINITION.norm_scale_grad(dy, arrays[1], 1e-3, kept64)
    for y, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(y, expected, atol=3e-5 * max(1, np.abs(expected).max()))


def test_lrn_keeps_what_its_gradient_needs() -> None:
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=(2, 20, 5, 5)), rng.normal(size=(2, 20, 5, 5))
    engine, sizes = get_engine("onednn"), (5, 2.0, 0.75, 1.5)
    y, kept = engine.lrn(x.astype(np.float32), *sizes)
    wanted, scale = DEFINITION.lrn(x, *sizes)
    np.testing.assert_allclose(y, wanted, atol=1e-5)
    dx = engine.lrn_grad(dy.astype(np.float32), x.astype(np.float32), y, kept, *sizes)
    np.testing.assert_allclose(dx, DEFINITION.lrn_grad(dy, x, wanted, scale, *sizes), atol=1e-5)

"""Spatial pyramid pooling against loops over its windows."""

import math

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.testing import make_layer
from tests.layers.cases import Case, check, run

CASES = [
    Case(
        f"{pool} {height}", f'type: "SPP" spp_param {{ pyramid_height: {height} pool: {pool} }}', s
    )
    for pool in ("MAX", "AVE")
    for height, s in ((1, [(2, 3, 5, 4)]), (2, [(2, 2, 6, 5)]), (3, [(1, 2, 9, 13)]))
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_definition(case: Case) -> None:
    (x,) = case.arrays()
    pool, height = case.name.split()
    parts = [level(x, 2**i, pool) for i in range(int(height))]
    want = np.concatenate([y.reshape(len(x), -1) for y in parts], axis=1)
    got = run(case)[0]
    np.testing.assert_allclose(got.reshape(len(x), -1), want)


def level(x: np.ndarray, bins: int, pool: str) -> np.ndarray:
    y = np.empty((*x.shape[:2], bins, bins))
    for at in np.ndindex(bins, bins):
        spans, size = [], 1
        for i, n in zip(at, x.shape[2:], strict=True):
            k = math.ceil(n / bins)
            pad = (k * bins - n + 1) // 2
            start = i * k - pad
            size *= min(start + k, n + pad) - start
            spans.append(slice(max(start, 0), min(start + k, n)))
        window = x[:, :, spans[0], spans[1]].reshape(*x.shape[:2], -1)
        y[:, :, at[0], at[1]] = window.max(-1) if pool == "MAX" else window.sum(-1) / size
    return y


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "pyramid_height must be at least 1; given 0"),
        ("pyramid_height: 1 pool: STOCHASTIC", "pool must be MAX or AVE; given STOCHASTIC"),
    ],
)
def test_fields_that_do_not_fit(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make_layer(f'type: "SPP" spp_param {{ {fields} }}', [(1, 1, 4, 4)])


def test_an_image_too_small_for_the_pyramid() -> None:
    layer = make_layer('type: "SPP" spp_param { pyramid_height: 3 }', [(1, 1, 4, 3)])
    with pytest.raises(ShapeError, match=r"cuts \(4, 3\) \(H, W\) into 4 parts"):
        layer.reshape((1, 1, 4, 3))
    with pytest.raises(ShapeError, match="must have 4 axes"):
        layer.reshape((1, 1, 4))

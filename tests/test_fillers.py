import math

import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.fillers import FILLERS, fill
from netcfg.netcfg_pb2 import FillerParameter

SHAPE = (40, 20, 5, 5)
"""n is 500 by inputs, 1000 by outputs, 750 on average."""


def filled(shape=SHAPE, **fields):
    return fill(FillerParameter(**fields), shape, np.random.default_rng(0))


@pytest.mark.parametrize("kind", list(FILLERS))
def test_every_filler_gives_the_shape_and_repeats_itself(kind):
    shape = (3, 2, 4, 4)
    values = filled(shape, type=kind)
    assert values.shape == shape
    assert values.dtype == np.float64
    assert np.array_equal(values, filled(shape, type=kind))


def test_constant():
    assert not filled().any()
    assert np.all(filled(type="constant", value=-2.5) == -2.5)


def test_uniform():
    values = filled(type="uniform")
    assert values.min() >= 0
    assert values.max() < 1
    values = filled(type="uniform", min=-3, max=5)
    assert values.min() == pytest.approx(-3, abs=0.01)
    assert values.max() == pytest.approx(5, abs=0.01)
    assert values.mean() == pytest.approx(1, abs=0.1)


def test_gaussian():
    values = filled(type="gaussian")
    assert (values.mean(), values.std()) == pytest.approx((0, 1), abs=0.03)
    values = filled(type="gaussian", mean=3, std=0.5)
    assert (values.mean(), values.std()) == pytest.approx((3, 0.5), abs=0.03)


def test_sparse_gaussian_keeps_that_many_of_the_outputs():
    values = filled((50, 400), type="gaussian", mean=1, std=0.1, sparse=5)
    assert np.count_nonzero(values) / values.size == pytest.approx(5 / 50, rel=0.05)
    kept = values[values != 0]
    assert (kept.mean(), kept.std()) == pytest.approx((1, 0.1), rel=0.05)
    assert not filled((50, 4), type="gaussian", sparse=0).any()
    assert filled((50, 4), type="gaussian", sparse=50).all()


def test_gaussian_unitball():
    values = filled(type="gaussian_unitball").reshape(SHAPE[0], -1)
    np.testing.assert_allclose((values**2).sum(axis=1), 1)
    assert values.std() == pytest.approx(500**-0.5, rel=0.05)


def test_positive_unitball():
    values = filled(type="positive_unitball")
    assert values.min() > 0
    assert values.reshape(40, -1).sum(axis=1) == pytest.approx(np.ones(40))


NORMS = [
    (FillerParameter.FAN_IN, 500),
    (FillerParameter.FAN_OUT, 1000),
    (FillerParameter.AVERAGE, 750),
]


@pytest.mark.parametrize(("norm", "n"), NORMS)
def test_xavier_is_uniform_with_variance_1_over_n(norm, n):
    values, bound = filled(type="xavier", variance_norm=norm), math.sqrt(3 / n)
    assert values.min() == pytest.approx(-bound, rel=0.01)
    assert values.max() == pytest.approx(bound, rel=0.01)
    assert values.var() == pytest.approx(1 / n, rel=0.05)


@pytest.mark.parametrize(("norm", "n"), NORMS)
def test_msra_is_normal_with_variance_2_over_n(norm, n):
    values = filled(type="msra", variance_norm=norm)
    assert values.mean() == pytest.approx(0, abs=0.002)
    assert values.var() == pytest.approx(2 / n, rel=0.05)
    assert np.abs(values).max() > 3 * math.sqrt(2 / n)


def test_a_bias_has_as_many_outputs_as_entries():
    for norm, n in ((FillerParameter.FAN_IN, 1), (FillerParameter.FAN_OUT, 4000)):
        values = filled((4000,), type="xavier", variance_norm=norm)
        assert values.var() == pytest.approx(1 / n, rel=0.1)


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (4, [0.25, 0.75, 0.75, 0.25]),
        (3, [0.5, 1, 0.5]),
        (2, [0.5, 0.5]),
        (7, [0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25]),
        (5, [1 / 3, 2 / 3, 1, 2 / 3, 1 / 3]),
    ],
)
def test_bilinear_kernels(width, row):
    values = filled((2, 3, width, width), type="bilinear")
    for plane in values.reshape(6, width, width):
        assert plane == pytest.approx(np.outer(row, row))


@pytest.mark.parametrize(
    ("shape", "fields", "message"),
    [
        ((2, 3), {"type": "xaver"},
         "unknown filler type 'xaver'; did you mean 'xavier'? (known: constant, uniform, gaussian, "
         "positive_unitball, xavier, msra, bilinear, gaussian_unitball)"),
        ((2, 3), {"type": "xavier", "sparse": 3},
         "filler 'xavier': sparse 3 needs type 'gaussian'"),
        ((2, 3), {"type": "gaussian", "sparse": 3},
         "filler 'gaussian': sparse must lie in [0, 2]; given 3"),
        ((2, 3), {"type": "gaussian", "sparse": -2},
         "filler 'gaussian': sparse must lie in [0, 2]; given -2"),
        ((2, 2, 3, 4), {"type": "bilinear"},
         "filler 'bilinear' needs a 4-axis shape with square planes, not (2, 2, 3, 4)"),
        ((2, 4, 4), {"type": "bilinear"},
         "filler 'bilinear' needs a 4-axis shape with square planes, not (2, 4, 4)"),
    ],
)  # fmt: skip
def test_what_cannot_be_filled_is_said(shape, fields, message):
    with pytest.raises(NetError) as error:
        filled(shape, **fields)
    assert str(error.value) == message
    assert isinstance(error.value, ShapeError) == (fields["type"] == "bilinear")

import math

import numpy as np
import pytest

from netcfg.layers.iou import corners, fit


def pairs(count=40):
    rng = np.random.default_rng(0)
    a = np.concatenate([rng.uniform(0, 1, (count, 2)), rng.uniform(0.1, 0.8, (count, 2))], axis=1)
    b = np.concatenate([rng.uniform(0, 1, (count, 2)), rng.uniform(0.1, 0.8, (count, 2))], axis=1)
    return a, b


def naive(a, b, kind, alpha=None):
    sides = [(a[i] - a[i + 2] / 2, a[i] + a[i + 2] / 2) for i in (0, 1)]
    others = [(b[i] - b[i + 2] / 2, b[i] + b[i + 2] / 2) for i in (0, 1)]
    inner = [max(0, min(s[1], o[1]) - max(s[0], o[0])) for s, o in zip(sides, others, strict=True)]
    outer = [max(s[1], o[1]) - min(s[0], o[0]) for s, o in zip(sides, others, strict=True)]
    common = inner[0] * inner[1]
    union = a[2] * a[3] + b[2] * b[3] - common
    share = found = common / union
    if kind == "GIOU":
        around = outer[0] * outer[1]
        found -= (around - union) / around
    if kind in ("DIOU", "CIOU"):
        found -= ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (outer[0] ** 2 + outer[1] ** 2)
    if kind == "CIOU":
        v = 4 / math.pi**2 * (math.atan(b[2] / b[3]) - math.atan(a[2] / a[3])) ** 2
        found -= v * (v / (1 - share + v) if alpha is None else alpha)
    return found


@pytest.mark.parametrize("kind", ["IOU", "GIOU", "DIOU", "CIOU"])
def test_values_and_slopes(kind):
    a, b = pairs()
    values, slopes = fit(a, b, kind)
    np.testing.assert_allclose(values, [naive(x, y, kind) for x, y in zip(a, b, strict=True)])
    assert (fit(a, b)[0] > 0).sum() > 10
    assert (fit(a, b)[0] == 0).sum() > 3
    for x, y, slope in zip(a, b, slopes, strict=True):
        v = 4 / math.pi**2 * (math.atan(y[2] / y[3]) - math.atan(x[2] / x[3])) ** 2
        alpha = v / (1 - naive(x, y, "IOU") + v)
        for i, unit in enumerate(np.eye(4) * 1e-6):
            up, down = (naive(x + s * unit, y, kind, alpha) for s in (1, -1))
            assert slope[i] == pytest.approx((up - down) / 2e-6, abs=1e-6)


def test_the_same_box_fits_best():
    a, _ = pairs(3)
    for kind in ("IOU", "GIOU", "DIOU", "CIOU"):
        np.testing.assert_allclose(fit(a, a, kind)[0], 1)


def test_boxes_without_area():
    none = np.zeros((1, 4))
    for kind in ("IOU", "GIOU", "DIOU", "CIOU"):
        value, slope = fit(none, none, kind)
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()


def test_corners():
    assert corners(np.array([[1.0, 2, 4, 6]])).tolist() == [[-1, -1, 3, 5]]

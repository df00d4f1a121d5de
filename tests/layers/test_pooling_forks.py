"""Pooling as forks have it: padding that does not count, padding of single sides."""

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer, top_shapes
from tests.layers.cases import Case, check, run

X = (2, 3, 6, 5)


def pool(fields, tops=1):
    names = "".join(f" top: 'y{i}'" for i in range(tops))
    return f"type: 'Pooling'{names} pooling_param {{ {fields} }}"


GEOMETRIES = [
    ("kernel_size: 3 stride: 2 pad: 1", (3, 2, (1, 1, 1, 1))),
    ("kernel_size: 3 stride: 2 pad_b: 1 pad_r: 1", (3, 2, (0, 1, 0, 1))),
    ("kernel_size: 3 stride: 2 pad_t: 2 pad_l: 1 pad_r: 2", (3, 2, (2, 0, 1, 2))),
    ("kernel_size: 2 stride: 3 pad_b: 1 ceil_mode: false", (2, 3, (0, 1, 0, 0))),
]
METHODS = {"MAX": "", "AVE": "pool: AVE ", "AVE_EXC_PAD": "pool: AVE_EXC_PAD "}
KINDS = [(m, fields, g) for m in METHODS for fields, g in GEOMETRIES]
CASES = [Case(f"{m} {fields}", pool(METHODS[m] + fields), [X]) for m, fields, _ in KINDS]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def windows(shape, out, kernel, stride, pads):
    """Yield places of the top, the values of each window, and how many places it has."""
    top, bottom, left, right = pads
    for i, j in np.ndindex(out):
        rows = range(i * stride - top, min(i * stride - top + kernel, shape[2] + bottom))
        columns = range(j * stride - left, min(j * stride - left + kernel, shape[3] + right))
        inside = [(h, w) for h in rows for w in columns if 0 <= h < shape[2] and 0 <= w < shape[3]]
        yield (i, j), inside, len(rows) * len(columns)


@pytest.mark.parametrize(("method", "fields", "geometry"), KINDS)
def test_against_the_definition(method, fields, geometry):
    case = Case("", pool(METHODS[method] + fields), [X])
    (x,), (y,) = case.arrays(), run(case)
    for (i, j), inside, count in windows(X, y.shape[2:], *geometry):
        assert inside, "every window touches the image"
        values = np.stack([x[:, :, h, w] for h, w in inside])
        if method == "MAX":
            want = values.max(axis=0)
        else:
            want = values.sum(axis=0) / (count if method == "AVE" else len(inside))
        assert y[:, :, i, j] == pytest.approx(want)


def test_sizes_with_padding_of_sides():
    assert top_shapes(make_layer(pool("kernel_size: 3 stride: 2 pad_b: 1"), [X]), [X])[0] == (
        2,
        3,
        3,  # ⌈(6 + 1 - 3) / 2⌉ + 1
        2,
    )


def test_a_window_of_padding_only_is_dropped():
    # Rounded up there would be a second row, of row 6, the padding, alone.
    layer = make_layer(pool("kernel_size: 2 stride: 6 pad_b: 1"), [X])
    assert layer.reshape(X) == (2, 3, 1, 1)


def test_the_name_of_another_fork():
    fields = "kernel_size: 3 stride: 2 pad: 1 "
    (got,) = run(Case("", pool(fields + "pool: AVE avg_include_pad: false"), [X]))
    (want,) = run(Case("", pool(fields + "pool: AVE_EXC_PAD"), [X]))
    assert np.array_equal(got, want)
    (plain,) = run(Case("", pool(fields + "pool: AVE"), [X]))
    assert got[0, 0, 0, 0] == pytest.approx(plain[0, 0, 0, 0] * 9 / 4)


def test_the_mask_counts_in_the_image_without_padding():
    case = Case("", pool("kernel_size: 3 stride: 2 pad_t: 2 pad_l: 1", 2), [X])
    (x,), (y, mask) = case.arrays(), run(case)
    check(case)
    for n, c, i, j in np.ndindex(y.shape):
        assert x[n, c].reshape(-1)[int(mask[n, c, i, j])] == y[n, c, i, j]


def test_maxima_below_zero_beat_the_padding():
    layer = make_layer(pool("kernel_size: 2 pad_l: 1"), [(1, 1, 2, 2)])
    layer.reshape((1, 1, 2, 2))
    y = layer.forward(np.array([[[[-5.0, -2.0], [-3.0, -4.0]]]]))
    assert y.tolist() == [[[[-3.0, -2.0]]]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("global_pooling: true pad_l: 1", "neither global_pooling nor STOCHASTIC"),
        ("kernel_size: 2 pool: STOCHASTIC pad_l: 1", "neither global_pooling nor STOCHASTIC"),
        ("kernel_size: 2 pad_l: 1 pad: 1", "not both"),
        ("kernel_size: 2 pad_r: 2", "less than the kernel (2, 2); given ((0, 0), (0, 2))"),
    ],
)
def test_errors(fields, message):
    with pytest.raises(NetError) as error:
        make_layer(pool(fields), [X])
    assert message in str(error.value)

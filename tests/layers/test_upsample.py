import numpy as np
import pytest

from netcfg.errors import DataError, NetError, ShapeError
from netcfg.testing import make_layer, top_shapes
from tests.layers.cases import Case, check, run

X = (2, 3, 4, 5)
TWO = "type: 'Upsample' bottom: 'x' bottom: 'mask' "


def places(shape, plane, seed=0):
    """Return distinct indices into a plane for each channel, as a max pooling without overlap."""
    rng = np.random.default_rng(seed)
    N, C, H, W = shape
    return np.stack([rng.permutation(plane)[: H * W] for _ in range(N * C)]).reshape(shape)


CASES = [
    Case("nearest", "type: 'Upsample' upsample_param { scale: 3 }", [X]),
    Case("nearest without scale", "type: 'Upsample'", [X]),
    Case("unpool", TWO, [X, places(X, 80)]),
    Case(
        "unpool, size", TWO + "upsample_param { upsample_h: 7 upsample_w: 9 }", [X, places(X, 63)]
    ),
    Case("unpool, odd", TWO + "upsample_param { pad_out_h: true }", [X, places(X, 70)]),
    Case("unpool, factors", TWO + "upsample_param { scale_h: 1 scale_w: 3 }", [X, places(X, 60)]),
    Case("interp", "type: 'Interp' interp_param { height: 9 width: 3 }", [X]),
    Case("interp zoom", "type: 'Interp' interp_param { zoom_factor: 3 }", [X]),
    Case("interp shrink", "type: 'Interp' interp_param { shrink_factor: 2 }", [(1, 2, 9, 7)]),
    Case(
        "interp both",
        "type: 'Interp' interp_param { shrink_factor: 2 zoom_factor: 3 pad_beg: -1 pad_end: -2 }",
        [(1, 2, 9, 7)],
    ),
    Case("interp like", "type: 'Interp' bottom: 'x' bottom: 's'", [X, (1, 1, 6, 2)]),
    Case("interp to a point", "type: 'Interp' interp_param { height: 1 width: 1 }", [X]),
    Case("interp of a point", "type: 'Interp' interp_param { height: 2 width: 3 }", [(1, 2, 1, 1)]),
]
BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize(("name", "scale"), [("nearest", 3), ("nearest without scale", 1)])
def test_nearest_repeats_each_pixel(name, scale):
    (x,), (y,) = BY_NAME[name].arrays(), run(BY_NAME[name])
    assert y.shape == (2, 3, 4 * scale, 5 * scale)
    for n, c, h, w in np.ndindex(y.shape):
        assert y[n, c, h, w] == x[n, c, h // scale, w // scale]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("unpool", (8, 10)),
        ("unpool, size", (7, 9)),
        ("unpool, odd", (7, 10)),
        ("unpool, factors", (4, 15)),
    ],
)
def test_unpooling_puts_values_back(name, size):
    (x, mask), (y,) = BY_NAME[name].arrays(), run(BY_NAME[name])
    want = np.zeros((2, 3, size[0] * size[1]))
    for at in np.ndindex(x.shape):
        want[at[0], at[1], int(mask[at])] = x[at]
    assert np.array_equal(y, want.reshape(2, 3, *size))


def test_unpooling_undoes_a_pooling():
    x = np.random.default_rng(0).normal(size=(1, 2, 6, 4))
    pool = make_layer(
        "type: 'Pooling' top: 'y' top: 'm' pooling_param { kernel_size: 2 stride: 2 }", [x.shape]
    )
    pool.reshape(x.shape)
    y, mask = pool.forward(x)
    layer = make_layer(TWO, [y.shape, mask.shape])
    layer.reshape(y.shape, mask.shape)
    back = layer.forward(y, mask)
    kept = back != 0
    assert kept.sum() == y.size
    assert np.array_equal(back[kept], x[kept])


def test_the_kind_follows_from_bottoms_and_fields():
    both = make_layer(TWO, [X, X])
    size = make_layer("type: 'Upsample' upsample_param { upsample_h: 2 }", [X, X])
    one = make_layer("type: 'Upsample' bottom: 'x' upsample_param { scale: 2 }", [X])
    assert [layer.dialect.split("'")[0] for layer in (both, size, one)] == [
        "SegNet",
        "SegNet",
        "MobileNet-YOLO",
    ]


def interpolated(x, height, width):
    y = np.empty((*x.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            v = i * (x.shape[2] - 1) / (height - 1) if height > 1 else 0.0
            u = j * (x.shape[3] - 1) / (width - 1) if width > 1 else 0.0
            h, w = int(v), int(u)
            below, right = min(h + 1, x.shape[2] - 1), min(w + 1, x.shape[3] - 1)
            v, u = v - h, u - w
            upper = x[:, :, h, w] * (1 - u) + x[:, :, h, right] * u
            lower = x[:, :, below, w] * (1 - u) + x[:, :, below, right] * u
            y[:, :, i, j] = upper * (1 - v) + lower * v
    return y


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("interp", (9, 3)),
        ("interp zoom", (10, 13)),
        ("interp shrink", (5, 4)),
        ("interp like", (6, 2)),
        ("interp to a point", (1, 1)),
        ("interp of a point", (2, 3)),
    ],
)
def test_interp_against_the_definition(name, size):
    x, (y,) = BY_NAME[name].arrays()[0], run(BY_NAME[name])
    assert y.shape[2:] == size
    assert y == pytest.approx(interpolated(x, *size))


def test_interp_cuts_off_first():
    (x,), (y,) = BY_NAME["interp both"].arrays(), run(BY_NAME["interp both"])
    # 9 - 3 rows, (6 - 1) // 2 + 1 = 3, 3 + 2 · 2 = 7;  7 - 3 columns, 2, 2 + 1 · 2 = 4
    assert y == pytest.approx(interpolated(x[:, :, 1:7, 1:5], 7, 4))


def test_unpooling_refuses_places_outside():
    layer = make_layer(TWO, [(1, 1, 1, 2)] * 2)
    layer.reshape((1, 1, 1, 2), (1, 1, 1, 2))
    with pytest.raises(DataError, match=r"must lie in \[0, 8\), a plane of 2 × 4; given 1 to 8"):
        layer.forward(np.ones((1, 1, 1, 2)), np.array([[[[1.0, 8.0]]]]))


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ("type: 'Upsample'", [(2, 3)], "axes N, C, H and W"),
        (TWO, [X, (2, 3, 4, 4)], "the mask of their pooling"),
        (TWO + "upsample_param { scale_h: 0 }", [X, X], "its axis h comes to 0"),
        ("type: 'Interp'", [(2, 3)], "axes N, C, H and W"),
        ("type: 'Interp' interp_param { pad_end: -5 }", [X], "leave nothing"),
    ],
)
def test_shapes_that_do_not_fit(text, shapes, message):
    layer = make_layer(text, shapes)
    with pytest.raises(ShapeError) as error:
        top_shapes(layer, shapes)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type: 'Upsample' upsample_param { scale: 0 }", "scale must be at least 1"),
        ("type: 'Interp' interp_param { pad_beg: 1 }", "must not be positive; given 1 and 0"),
        ("type: 'Interp' interp_param { zoom_factor: 0 }", "at least 1; given 0 and 1"),
        ("type: 'Interp' interp_param { height: 3 }", "go together; given 3 and 0"),
    ],
)
def test_fields_that_make_no_sense(text, message):
    with pytest.raises(NetError, match=message):
        make_layer(text, [X])

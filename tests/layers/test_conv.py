from itertools import product

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.layer import as_arrays
from netcfg.testing import make_layer
from tests.layers.cases import Case, check


def conv(name, fields, *bottoms, kind="Convolution", tops=1, **extra):
    """Return a case; ``extra`` is the geometry that the naive loops use."""
    text = "".join(f' top: "y{i}"' for i in range(tops))
    text += f" convolution_param {{ weight_filler {{ type: 'gaussian' }} {fields} }}"
    if kind == "Im2col":
        text = f" convolution_param {{ {fields} }}"
    return Case(name, f'type: "{kind}"{text}', bottoms, extra=extra)


def geometry(stride=1, pad=0, dilation=1, group=1, axes=2):
    return {
        "stride": np.broadcast_to(stride, axes),
        "pad": np.broadcast_to(pad, axes),
        "dilation": np.broadcast_to(dilation, axes),
        "group": group,
    }


BIAS = "bias_filler { type: 'uniform' min: 1 max: 2 }"
CONVOLUTION = [
    conv("plain", f"num_output: 4 kernel_size: 3 {BIAS}", (2, 3, 5, 6), **geometry()),
    conv("no bias", "num_output: 2 kernel_size: 2 bias_term: false", (1, 2, 4, 3), **geometry()),
    conv("stride", "num_output: 2 kernel_size: 3 stride: 2", (1, 2, 7, 6), **geometry(2)),
    conv("pad", "num_output: 2 kernel_size: 3 pad: 2", (1, 2, 4, 3), **geometry(1, 2)),
    conv(
        "dilation",
        "num_output: 2 kernel_size: 3 dilation: 2 pad: 1",
        (1, 2, 7, 8),
        **geometry(1, 1, 2),
    ),
    conv("group", "num_output: 6 kernel_size: 2 group: 2", (2, 4, 4, 3), **geometry(group=2)),
    conv("depthwise", "num_output: 3 kernel_size: 2 group: 3", (2, 3, 4, 3), **geometry(group=3)),
    conv(
        "sides",
        "num_output: 2 kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 1",
        (1, 2, 5, 6),
        **geometry((1, 2), (0, 1)),
    ),
    conv(
        "each axis",
        "num_output: 2 kernel_size: 2 kernel_size: 1 stride: 2 stride: 3 pad: 1 pad: 0 "
        "dilation: 2 dilation: 1",
        (1, 2, 6, 7),
        **geometry((2, 3), (1, 0), (2, 1)),
    ),
    conv("1-d", "num_output: 2 kernel_size: 3 pad: 1", (2, 2, 5), **geometry(1, 1, axes=1)),
    conv(
        "3-d",
        "num_output: 2 kernel_size: 2 stride: 1 stride: 2 stride: 1 pad: 0 pad: 0 pad: 1",
        (1, 2, 3, 4, 2),
        **geometry((1, 2, 1), (0, 0, 1), axes=3),
    ),
    conv("0-d", "num_output: 4", (3, 5), **geometry(axes=0)),
    conv("axis", "num_output: 2 kernel_size: 2 axis: -3", (2, 3, 2, 3, 4), **geometry()),
    conv("all axes batch", "num_output: 2 axis: 2", (2, 3, 2), **geometry(axes=0)),
    conv("no batch axis", "num_output: 2 kernel_size: 2 axis: 0", (2, 3, 4), **geometry()),
    conv(
        "several bottoms",
        f"num_output: 2 kernel_size: 2 {BIAS}",
        (2, 2, 3, 3),
        (2, 2, 3, 3),
        tops=2,
        **geometry(),
    ),
    conv(
        "bottoms of two sizes",
        f"num_output: 2 kernel_size: 2 {BIAS}",
        (2, 2, 3, 3),
        (1, 2, 4, 5),
        tops=2,
        **geometry(),
    ),
    conv(
        "ignored fields",
        "num_output: 2 kernel_size: 2 engine: CUDNN force_nd_im2col: true",
        (1, 2, 3, 3),
        **geometry(),
    ),
]
DECONVOLUTION = [
    conv("up plain", f"num_output: 4 kernel_size: 3 {BIAS}", (2, 3, 2, 3), **geometry()),
    conv("up stride", "num_output: 2 kernel_size: 3 stride: 2", (1, 2, 3, 2), **geometry(2)),
    conv(
        "up pad",
        "num_output: 2 kernel_size: 4 stride: 2 pad: 1 bias_term: false",
        (1, 2, 3, 2),
        **geometry(2, 1),
    ),
    conv(
        "up dilation",
        "num_output: 2 kernel_size: 2 dilation: 3 dilation: 1",
        (1, 2, 3, 2),
        **geometry(1, 0, (3, 1)),
    ),
    conv(
        "up group",
        f"num_output: 6 kernel_size: 2 group: 2 stride: 3 {BIAS}",
        (2, 4, 2, 3),
        **geometry(3, group=2),
    ),
    conv("up 1-d", "num_output: 2 kernel_size: 3 stride: 2", (1, 2, 3), **geometry(2, axes=1)),
    conv(
        "up axis", f"num_output: 3 kernel_size: 2 axis: 2 {BIAS}", (2, 2, 2, 3), **geometry(axes=1)
    ),
    conv(
        "up several bottoms",
        f"num_output: 2 kernel_size: 2 {BIAS}",
        (2, 2, 3, 3),
        (2, 2, 3, 3),
        tops=2,
        **geometry(),
    ),
]
DECONVOLUTION = [
    Case(c.name, c.text.replace("Convolution", "Deconvolution"), c.bottoms, extra=c.extra)
    for c in DECONVOLUTION
]
IM2COL = [
    conv("columns", "kernel_size: 2", (2, 3, 4, 3), kind="Im2col", **geometry()),
    conv(
        "columns of each axis",
        "kernel_h: 2 kernel_w: 3 stride: 2 stride: 1 pad: 1 dilation: 1 dilation: 2",
        (2, 2, 4, 5),
        kind="Im2col",
        kernel=(2, 3),
        **geometry((2, 1), 1, (1, 2)),
    ),
    conv("columns axis", "kernel_size: 2 axis: 2", (2, 3, 2, 4), kind="Im2col", **geometry(axes=1)),
]
CASES = [*CONVOLUTION, *DECONVOLUTION, *IM2COL]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def forward(case):
    xs = case.arrays()
    layer = make_layer(case.text, [x.shape for x in xs])
    layer.reshape(*[x.shape for x in xs])
    return layer, xs, as_arrays(layer.forward(*xs))


def taps(place, kernel, geometry):
    """Yield each kernel position and where it lies for an output at ``place``."""
    for k in product(*map(range, kernel)):
        yield (
            k,
            tuple(
                int(s * t + d * j - p)
                for s, t, d, j, p in zip(
                    geometry["stride"], place, geometry["dilation"], k, geometry["pad"], strict=True
                )
            ),
        )


def inside(place, size):
    return all(0 <= i < n for i, n in zip(place, size, strict=True))


def correlate(x, w, b, y_size, geometry):
    """Compute a convolution of (N, C, *S) entry by entry."""
    outputs, per_group, *kernel = w.shape
    y = np.zeros((len(x), outputs, *y_size))
    for n, o, *t in np.ndindex(y.shape):
        first = o // (outputs // geometry["group"]) * per_group
        for k, place in taps(t, kernel, geometry):
            if inside(place, x.shape[2:]):
                for c in range(per_group):
                    y[n, o, *t] += w[o, c, *k] * x[n, first + c, *place]
        y[n, o, *t] += b[o]
    return y


def stamp(x, w, b, y_size, geometry):
    """Compute a deconvolution of (N, C, *S) entry by entry."""
    C, per_group, *kernel = w.shape
    y = np.zeros((len(x), per_group * geometry["group"], *y_size)) + b.reshape(
        -1, *[1] * len(y_size)
    )
    for n, c, *i in np.ndindex(x.shape):
        first = c // (C // geometry["group"]) * per_group
        for k, place in taps(i, kernel, geometry):
            if inside(place, y_size):
                for o in range(per_group):
                    y[n, first + o, *place] += w[c, o, *k] * x[n, c, *i]
    return y


@pytest.mark.parametrize("case", [*CONVOLUTION, *DECONVOLUTION], ids=lambda c: c.name)
def test_forward_against_the_definition(case):
    layer, xs, ys = forward(case)
    naive = correlate if layer.type == "Convolution" else stamp
    w = layer.params[0].data
    spatial = w.ndim - 2
    for x, y in zip(xs, ys, strict=True):
        b = layer.params[1].data if len(layer.params) > 1 else np.zeros(y.shape[-spatial - 1])
        flat = x.reshape(-1, *x.shape[x.ndim - spatial - 1 :])
        want = naive(flat, w, b, y.shape[y.ndim - spatial :], case.extra)
        assert y.shape[: y.ndim - spatial - 1] == x.shape[: x.ndim - spatial - 1]
        np.testing.assert_allclose(y.reshape(want.shape), want, atol=1e-12)


@pytest.mark.parametrize("case", IM2COL, ids=lambda c: c.name)
def test_columns_against_the_definition(case):
    _, (x,), (y,) = forward(case)
    kernel = case.extra.get("kernel", (2,) * len(case.extra["pad"]))
    spatial = len(kernel)
    x = x.reshape(-1, *x.shape[x.ndim - spatial - 1 :])
    y = y.reshape(len(x), *y.shape[y.ndim - spatial - 1 :])
    for n, *t in np.ndindex(len(x), *y.shape[2:]):
        want = [
            x[n, c, *place] if inside(place, x.shape[2:]) else 0
            for c in range(x.shape[1])
            for _, place in taps(t, kernel, case.extra)
        ]
        assert y[n, :, *t].tolist() == want


def sizes(text, *bottoms):
    return make_layer(text, bottoms).reshape(*bottoms)


@pytest.mark.parametrize(
    ("fields", "size", "want"),
    [
        ("kernel_size: 3 stride: 2", (8, 7), (3, 3)),
        ("kernel_size: 3 stride: 2 pad: 1", (8, 7), (4, 4)),
        ("kernel_size: 3 dilation: 3", (8, 7), (2, 1)),
        ("kernel_size: 11 stride: 4", (227, 224), (55, 54)),
    ],
)
def test_sizes_round_down(fields, size, want):
    text = f'type: "Convolution" convolution_param {{ num_output: 5 {fields} }}'
    assert sizes(text, (2, 3, *size)) == (2, 5, *want)


def test_deconvolution_is_the_transpose():
    """⟨conv x, y⟩ = ⟨x, deconv y⟩ with the same weights."""
    fields = "kernel_size: 3 stride: 2 pad: 1 group: 2 bias_term: false"
    fields += " weight_filler { type: 'gaussian' }"
    down = make_layer(
        f'type: "Convolution" convolution_param {{ num_output: 6 {fields} }}', [(1, 4, 7, 5)]
    )
    up = make_layer(
        f'type: "Deconvolution" convolution_param {{ num_output: 4 {fields} }}', [(1, 6, 4, 3)]
    )
    assert down.reshape((1, 4, 7, 5)) == (1, 6, 4, 3)
    assert up.reshape((1, 6, 4, 3)) == (1, 4, 7, 5)
    assert down.params[0].shape == up.params[0].shape == (6, 2, 3, 3)
    up.params[0].data[...] = down.params[0].data
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1, 4, 7, 5)), rng.normal(size=(1, 6, 4, 3))
    assert np.sum(down.forward(x) * y) == pytest.approx(np.sum(x * up.forward(y)))


def test_shapes_of_the_parameters():
    fields = "num_output: 6 kernel_h: 2 kernel_w: 3 group: 2"
    for kind, weights in (("Convolution", (6, 2, 2, 3)), ("Deconvolution", (4, 3, 2, 3))):
        text = f'type: "{kind}" convolution_param {{ {fields} }}'
        layer = make_layer(text, [(1, 4, 5, 5)])
        assert [p.shape for p in layer.params] == [weights, (6,)]
        layer = make_layer(text.replace("group", "bias_term: false group"), [(1, 4, 5, 5)])
        assert [p.shape for p in layer.params] == [weights]


def test_frozen_parameters_keep_nothing():
    text = 'param { lr_mult: 0 } param { lr_mult: 0 } type: "Convolution" '
    layer = make_layer(
        f"{text} convolution_param {{ num_output: 2 kernel_size: 1 }}", [(1, 2, 2, 2)]
    )
    x = np.ones((1, 2, 2, 2))
    layer.reshape(x.shape)
    y = layer.forward(x)
    assert layer.saved is None
    assert layer.backward(y).shape == x.shape
    assert not any(p.diff.any() for p in layer.params)


def test_bottoms_without_need_or_gradient():
    case = next(c for c in CASES if c.name == "several bottoms")
    layer, xs, ys = forward(case)
    layer.need = [False, True]
    dxs = layer.backward(*[np.ones_like(y) for y in ys])
    assert dxs[0] is None
    assert dxs[1].shape == xs[1].shape
    both = layer.params[0].diff.copy()
    layer.params[0].clear_grad()
    assert layer.backward(None, np.ones_like(ys[1]))[0] is None
    one = layer.params[0].diff.copy()
    layer.params[0].clear_grad()
    assert layer.backward(np.ones_like(ys[0]), None)[1] is None
    np.testing.assert_allclose(one + layer.params[0].diff, both)


def test_reshape_to_another_size():
    case = next(c for c in CASES if c.name == "plain")
    layer, _, _ = forward(case)
    assert layer.reshape((1, 3, 3, 3)) == (1, 4, 1, 1)
    y = layer.forward(np.ones((1, 3, 3, 3)))
    want = layer.params[0].data.sum(axis=(1, 2, 3)) + layer.params[1].data
    np.testing.assert_allclose(y[0, :, 0, 0], want)


@pytest.mark.parametrize(
    ("fields", "bottom", "message"),
    [
        ("kernel_size: 3", (1, 3, 5, 5), "num_output must be at least 1; given 0"),
        ("num_output: 0 kernel_size: 3", (1, 3, 5, 5), "num_output must be at least 1; given 0"),
        (
            "num_output: 4 kernel_size: 3 group: 2",
            (1, 3, 5, 5),
            "group 2 must divide 3 input and 4 output channels",
        ),
        (
            "num_output: 3 kernel_size: 3 group: 2",
            (1, 4, 5, 5),
            "group 2 must divide 4 input and 3 output channels",
        ),
        ("num_output: 4 kernel_size: 3 group: 0", (1, 4, 5, 5), "group 0 must divide 4 input"),
        (
            "num_output: 4",
            (1, 3, 5, 5),
            "kernel_size must be given once or once for each of 2 spatial axes; given 0 times",
        ),
        (
            "num_output: 4 kernel_size: 3 pad: 1 pad: 1 pad: 1",
            (1, 3, 5, 5),
            "pad must be given once or once for each of 2 spatial axes; given 3 times",
        ),
        (
            "num_output: 4 kernel_size: 3 kernel_h: 3 kernel_w: 3",
            (1, 3, 5, 5),
            "kernel_size or kernel_h and kernel_w may be given, not both",
        ),
        (
            "num_output: 4 kernel_h: 3 kernel_w: 3",
            (1, 3, 5),
            "kernel_h and kernel_w need 2 spatial axes; given 1",
        ),
        ("num_output: 4 kernel_h: 3", (1, 3, 5, 5), "kernel_size must be at least 1; given (3, 0)"),
        ("num_output: 4 kernel_size: 3 stride: 0", (1, 3, 5, 5), "stride must be at least 1"),
        ("num_output: 4 kernel_size: 3 dilation: 0", (1, 3, 5, 5), "dilation must be at least 1"),
        (
            "num_output: 4 kernel_size: 6",
            (1, 3, 5, 9),
            "kernel 6 spans 6, more than the input of 5 padded to 5",
        ),
        (
            "num_output: 4 kernel_size: 3 dilation: 4 pad: 1",
            (1, 3, 9, 6),
            "kernel 3 with dilation 4 spans 9, more than the input of 6 padded to 8",
        ),
        ("num_output: 4 axis: 4", (1, 3, 5, 5), "axis 4 must lie in [-4, 4) for 4 axes"),
    ],
)
def test_errors(fields, bottom, message):
    with pytest.raises(NetError) as error:
        sizes(f'type: "Convolution" convolution_param {{ {fields} }}', bottom)
    assert message in str(error.value)


def test_errors_of_shapes_that_change():
    layer = make_layer(
        'type: "Convolution" convolution_param { num_output: 2 kernel_size: 1 }', [(1, 3, 4, 4)]
    )
    for shape in ((1, 4, 4, 4), (1, 3, 4)):
        with pytest.raises(NetError, match="must have 4 axes with 3 channels on axis 1; given"):
            layer.reshape(shape)
    layer = make_layer('type: "Im2col" convolution_param { kernel_size: 1 }', [(1, 3, 4, 4)])
    with pytest.raises(NetError, match="must have 4 axes as before"):
        layer.reshape((1, 3, 4))


def test_each_bottom_needs_its_top():
    text = 'type: "Convolution" convolution_param { num_output: 2 kernel_size: 1 }'
    with pytest.raises(NetError, match="each of 2 bottoms needs its top; given 1 tops"):
        make_layer(text, [(1, 2, 3, 3)] * 2)


def test_padding_may_not_eat_all_of_a_deconvolution():
    text = 'type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 2 pad: 1 }'
    assert sizes(text, (1, 1, 2, 3)) == (1, 1, 1, 2)
    with pytest.raises(NetError, match=r"pad \(1, 1\) must leave something"):
        sizes(text, (1, 1, 1, 3))

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.layer import as_arrays
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check, run


def pool(name, fields, bottom, tops=1, phase=Phase.TRAIN, **extra):
    text = "".join(f' top: "y{i}"' for i in range(tops))
    text = f'type: "Pooling"{text} pooling_param {{ {fields} }}'
    return Case(name, text, (bottom,), phase, extra=extra)


def geometry(kernel, stride=1, pad=0, axes=2, up=True):
    kernel, stride, pad = (np.broadcast_to(v, axes).tolist() for v in (kernel, stride, pad))
    return {"kernel": kernel, "stride": stride, "pad": pad, "up": up}


GEOMETRIES = [
    ("plain", "kernel_size: 2 stride: 2", (2, 3, 4, 6), geometry(2, 2)),
    ("rounded up", "kernel_size: 3 stride: 2", (1, 2, 6, 8), geometry(3, 2)),
    (
        "rounded down",
        "kernel_size: 3 stride: 2 round_mode: FLOOR",
        (1, 2, 6, 8),
        geometry(3, 2, up=False),
    ),
    (
        "rounded down as forks say it",
        "kernel_size: 3 stride: 2 ceil_mode: false",
        (1, 2, 6, 8),
        geometry(3, 2, up=False),
    ),
    ("pad", "kernel_size: 3 stride: 2 pad: 1", (1, 2, 6, 7), geometry(3, 2, 1)),
    ("last window dropped", "kernel_size: 2 stride: 2 pad: 1", (1, 2, 3, 5), geometry(2, 2, 1)),
    ("gaps", "kernel_size: 1 stride: 2", (1, 2, 4, 5), geometry(1, 2)),
    (
        "sides",
        "kernel_h: 2 kernel_w: 3 stride_h: 3 stride_w: 1 pad_h: 0 pad_w: 2",
        (1, 2, 7, 4),
        geometry((2, 3), (3, 1), (0, 2)),
    ),
    ("kernel past the end", "kernel_size: 5 stride: 4", (1, 1, 4, 3), geometry(5, 4)),
    ("global", "global_pooling: true", (2, 3, 4, 5), geometry((4, 5))),
    ("1-d", "kernel_size: 3 stride: 2 pad: 1", (2, 2, 6), geometry(3, 2, 1, axes=1)),
    ("3-d", "kernel_size: 2 stride: 2", (1, 2, 3, 4, 2), geometry(2, 2, axes=3)),
]
MAX = [pool(f"max {n}", f, b, **g) for n, f, b, g in GEOMETRIES]
AVE = [pool(f"ave {n}", f"pool: AVE {f}", b, **g) for n, f, b, g in GEOMETRIES]
MASK = [
    pool("mask", "kernel_size: 3 stride: 2 pad: 1", (2, 2, 5, 4), 2, **geometry(3, 2, 1)),
    pool("mask 1-d", "kernel_size: 2", (2, 2, 5), 2, **geometry(2, axes=1)),
]


def stochastic(name, fields, bottom, phase):
    values = np.random.default_rng(1).uniform(0.1, 1, bottom)
    text = f'type: "Pooling" pooling_param {{ pool: STOCHASTIC {fields} }}'
    return Case(name, text, (values,), phase)


STOCHASTIC = [
    stochastic("drawn", "kernel_size: 2 stride: 2", (2, 3, 4, 5), Phase.TRAIN),
    stochastic("drawn 3-d", "kernel_size: 2 stride: 1", (1, 2, 3, 2, 3), Phase.TRAIN),
    stochastic("expected", "kernel_size: 3 stride: 2", (2, 3, 4, 6), Phase.TEST),
    stochastic("drawn from all", "global_pooling: true", (2, 3, 4, 3), Phase.TRAIN),
]
CASES = [*MAX, *AVE, *MASK, *STOCHASTIC]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def windows(size, kernel, stride, pad, up):
    """Return for each output place the first and last place of its window, Caffe's way."""
    room = size + 2 * pad - kernel
    count = int((np.ceil if up else np.floor)(room / stride)) + 1
    starts = [t * stride - pad for t in range(count)]
    return [(s, s + kernel) for s in starts if s < size]


def naive(x, geometry, value):
    """Apply ``value`` (flat indices, values, divisor) to each window of each plane."""
    size = x.shape[2:]
    axes = [
        windows(*a, geometry["up"])
        for a in zip(size, geometry["kernel"], geometry["stride"], geometry["pad"], strict=True)
    ]
    y = np.empty((*x.shape[:2], *(len(a) for a in axes)))
    for n, c, *t in np.ndindex(y.shape):
        spans = [a[i] for a, i in zip(axes, t, strict=True)]
        area = np.prod(
            [min(e, n + p) - b for (b, e), n, p in zip(spans, size, geometry["pad"], strict=True)]
        )
        box = tuple(slice(max(b, 0), e) for b, e in spans)
        index = np.arange(np.prod(size)).reshape(size)[box].ravel()
        y[n, c, *t] = value(index, x[n, c][box].ravel(), area)
    return y


@pytest.mark.parametrize("case", [*MAX, *AVE, *MASK], ids=lambda c: c.name)
def test_forward_against_the_definition(case):
    (x,), ys = case.arrays(), run(case)

    def mean(index, values, area):
        return values.sum() / area

    wants = [naive(x, case.extra, mean if "AVE" in case.text else lambda i, v, a: v.max())]
    if len(ys) > 1:
        wants.append(naive(x, case.extra, lambda i, v, a: i[v.argmax()]))
    for y, want in zip(ys, wants, strict=True):
        np.testing.assert_allclose(y, want, atol=1e-12)


def build(text, x, phase=Phase.TRAIN):
    layer = make_layer(text, [x.shape], phase=phase)
    layer.reshape(x.shape)
    return layer


def test_mask_names_the_first_of_equal_values():
    x = np.array([[[[1.0, 2, 2], [2, 0, 2]]]])
    text = 'type: "Pooling" top: "y" top: "mask" pooling_param { kernel_size: 2 }'
    layer = build(text, x)
    y, mask = layer.forward(x)
    assert y.tolist() == [[[[2, 2]]]]
    assert mask.tolist() == [[[[1, 1]]]]
    assert layer.backward(np.array([[[[3.0, 4]]]]), None).tolist() == [[[[0, 7, 0], [0, 0, 0]]]]


def test_maximum_of_negative_values_ignores_the_padding():
    x = np.full((1, 1, 2, 2), -3.0)
    layer = build('type: "Pooling" pooling_param { kernel_size: 2 stride: 2 pad: 1 }', x)
    assert layer.forward(x).tolist() == [[[[-3, -3], [-3, -3]]]]


def test_mean_counts_padding_up_to_its_end():
    x = np.ones((1, 1, 4, 1))
    text = """type: "Pooling" pooling_param {
        pool: AVE kernel_h: 3 kernel_w: 1 stride_h: 3 stride_w: 1 pad_h: 1 pad_w: 0 }"""
    y = build(text, x).forward(x)
    # windows of rows -1..1, 2..4
    np.testing.assert_allclose(y.ravel(), [2 / 3, 2 / 3])
    x = np.ones((1, 1, 4, 1))
    y = build(text.replace("stride_h: 3", "stride_h: 4"), x).forward(x)
    # windows of rows -1..1, 3..5, of which 5 lies past the padding
    np.testing.assert_allclose(y.ravel(), [2 / 3, 1 / 2])


@pytest.mark.parametrize(
    ("fields", "size", "want"),
    [
        ("kernel_size: 3 stride: 2", 55, 27),
        ("kernel_size: 3 stride: 2", 112, 56),
        ("kernel_size: 3 stride: 2 round_mode: FLOOR", 112, 55),
        ("kernel_size: 3 stride: 2 ceil_mode: false", 112, 55),
        ("kernel_size: 3 stride: 2 ceil_mode: true", 112, 56),
        ("kernel_size: 3 stride: 2 ceil_mode: true round_mode: CEIL", 112, 56),
        ("kernel_size: 3 stride: 2 ceil_mode: false round_mode: FLOOR", 112, 55),
        ("kernel_size: 2 stride: 2 pad: 1", 3, 2),
        ("kernel_size: 2 stride: 2 pad: 1", 4, 3),
        ("kernel_size: 1 stride: 2", 4, 2),
        ("global_pooling: true", 7, 1),
    ],
)
def test_sizes(fields, size, want):
    shape = (2, 3, size, size)
    layer = make_layer(f'type: "Pooling" pooling_param {{ {fields} }}', [shape])
    assert layer.reshape(shape) == (2, 3, want, want)


def test_global_pooling_follows_the_bottom():
    layer = make_layer('type: "Pooling" pooling_param { global_pooling: true }', [(1, 2, 3, 3)])
    for shape in ((1, 2, 3, 3), (2, 2, 5, 4)):
        assert layer.reshape(shape) == (*shape[:2], 1, 1)
        x = np.random.default_rng(0).normal(size=shape)
        np.testing.assert_array_equal(layer.forward(x)[..., 0, 0], x.max(axis=(2, 3)))


def test_stochastic_draws_in_proportion():
    """Each value is drawn as often as its share of the window's sum says."""
    plane = np.array([[1.0, 2, 0, 5], [3, 4, 0, 0]])
    x = np.broadcast_to(plane, (200, 20, 2, 4)).copy()
    text = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }'
    layer = build(text, x)
    y = layer.forward(x)
    assert y.shape == (200, 20, 1, 2)
    shares = [np.mean(y[..., 0, 0] == v) for v in (1, 2, 3, 4)]
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.3, 0.4], atol=0.03)
    assert (y[..., 0, 1] == 5).all()
    dx = layer.backward(np.ones_like(y))
    np.testing.assert_array_equal(dx[..., :2].sum(axis=(2, 3)), 1)
    np.testing.assert_array_equal(dx[..., :2].reshape(200, 20, 4) @ [1, 2, 3, 4], y[..., 0, 0])
    again = layer.forward(x)
    np.testing.assert_array_equal(again, y)
    layer.step = 1
    assert (layer.forward(x) != y).any()


def test_stochastic_counts_nothing_past_the_end():
    x = np.broadcast_to([2.0, 0, 1, 3], (100, 40, 4)).copy()
    text = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }'
    y = build(text, x).forward(x)
    assert np.mean(y[..., 0] == 2) == pytest.approx(2 / 3, abs=0.03)
    assert np.mean(y[..., 1] == 3) == pytest.approx(3 / 4, abs=0.03)


def test_stochastic_windows_end_with_the_input():
    x = np.random.default_rng(0).uniform(0.1, 1, (3, 2, 5, 4))
    text = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 3 }'
    y = build(text, x).forward(x)
    assert y.shape == (3, 2, 2, 2)
    for n, c in np.ndindex(3, 2):
        for i, rows in enumerate((slice(0, 3), slice(3, 5))):
            for j, cols in enumerate((slice(0, 3), slice(3, 4))):
                assert y[n, c, i, j] in x[n, c, rows, cols]


def test_stochastic_in_test_is_the_expected_value():
    x = np.array([[[[1.0, 3, 0], [0, 2, 0]]]])
    text = 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }'
    y = build(text, x, Phase.TEST).forward(x)
    np.testing.assert_allclose(y, [[[[14 / 6, 0]]]])
    x = np.random.default_rng(0).uniform(0, 3, (2, 3, 4, 5))
    y = build(text, x, Phase.TEST).forward(x)
    want = naive(x, geometry(2, 2), lambda i, v, a: np.sum(v * v) / np.sum(v))
    np.testing.assert_allclose(y, want)


def test_nothing_is_kept_or_computed_without_need():
    for method in ("MAX", "AVE", "STOCHASTIC"):
        for phase in Phase:
            x = np.ones((1, 1, 2, 2))
            text = f'type: "Pooling" pooling_param {{ pool: {method} kernel_size: 2 }}'
            layer = build(text, x, phase)
            layer.need = [False]
            y = layer.forward(x)
            assert layer.saved is None
            assert as_arrays(layer.backward(y)) == (None,)


def test_the_mask_is_there_without_need():
    case = MASK[0]
    (x,) = case.arrays()
    layer = build(case.text, x, Phase.TEST)
    want = layer.forward(x)[1]
    layer.need = [False]
    layer.saved = None
    np.testing.assert_array_equal(layer.forward(x)[1], want)
    assert layer.saved is None


def test_a_mask_alone_gives_no_gradient():
    case = MASK[0]
    (x,) = case.arrays()
    layer = build(case.text, x)
    _, mask = layer.forward(x)
    assert layer.backward(None, mask) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "kernel_size, or kernel_h and kernel_w, or global_pooling must be given"),
        ("kernel_size: 0", "kernel_size must be at least 1; given (0, 0)"),
        ("kernel_size: 2 kernel_h: 2 kernel_w: 2", "may be given, not both"),
        ("kernel_h: 2", "kernel_h and kernel_w go together; given kernel_h only"),
        ("kernel_size: 2 stride_w: 2", "stride_h and stride_w go together; given stride_w only"),
        ("kernel_size: 2 stride: 0", "stride must be at least 1; given (0, 0)"),
        (
            "kernel_size: 2 pad: 1 pad_h: 1 pad_w: 1",
            "pad or pad_h and pad_w may be given, not both",
        ),
        ("kernel_size: 2 pad: 2", "pad must be less than the kernel (2, 2); given (2, 2)"),
        ("kernel_h: 3 kernel_w: 1 pad: 1", "pad must be less than the kernel (3, 1)"),
        ("pool: STOCHASTIC kernel_size: 2 pad: 1", "STOCHASTIC needs pad 0; given (1, 1)"),
        (
            "global_pooling: true kernel_size: 5",
            "global_pooling takes the whole input; kernel_size must not be given",
        ),
        (
            "kernel_size: 2 ceil_mode: false round_mode: CEIL",
            "ceil_mode must not contradict round_mode: CEIL; leave out one of them",
        ),
        (
            "kernel_size: 2 ceil_mode: true round_mode: FLOOR",
            "ceil_mode must not contradict round_mode: FLOOR; leave out one of them",
        ),
        ("global_pooling: true stride: 2", "global_pooling needs pad 0 and stride 1; given pad"),
        ("global_pooling: true pad: 1", "global_pooling needs pad 0 and stride 1; given pad"),
        ("kernel_size: 9", "kernel 9 is larger than the input of 4 padded to 4"),
        ("kernel_size: 9 pad: 2", "kernel 9 is larger than the input of 4 padded to 8"),
        (
            "kernel_size: 6 round_mode: FLOOR stride: 2 pad: 0",
            "kernel 6 is larger than the input of 4 padded to 4",
        ),
    ],
)
def test_errors(fields, message):
    with pytest.raises(NetError) as error:
        make_layer(f'type: "Pooling" pooling_param {{ {fields} }}', [(1, 2, 4, 4)]).reshape(
            (1, 2, 4, 4)
        )
    assert message in str(error.value)


def test_errors_of_shapes():
    text = 'type: "Pooling" pooling_param { kernel_size: 2 }'
    with pytest.raises(NetError, match=r"must have axes N, C and spatial ones; given \(3, 4\)"):
        make_layer(text, [(3, 4)])
    with pytest.raises(NetError, match="must have 4 axes as before"):
        make_layer(text, [(1, 1, 3, 4)]).reshape((1, 1, 3))
    sides = 'type: "Pooling" pooling_param { kernel_h: 2 kernel_w: 2 }'
    with pytest.raises(NetError, match="need 2 spatial axes; given 1"):
        make_layer(sides, [(1, 1, 3)])


def test_only_the_maximum_has_a_place():
    text = 'type: "Pooling" top: "y" top: "mask" pooling_param { pool: AVE kernel_size: 2 }'
    with pytest.raises(NetError, match="only pool: MAX has a second top"):
        make_layer(text, [(1, 1, 3, 3)])

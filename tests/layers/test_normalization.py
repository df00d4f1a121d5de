import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import check_gradient, make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check, run


def case(name, kind, fields, bottom, param=None, **options):
    extra = options.pop("extra", {})
    param = param or f"{kind.lower()}_param"
    return Case(name, f'type: "{kind}" {param} {{ {fields} }}', (bottom,), extra=extra, **options)


WITHIN = "norm_region: WITHIN_CHANNEL"
LRN = [
    case("across", "LRN", "", (2, 7, 2, 3), extra={"alpha": 1}),
    case(
        "across, all fields",
        "LRN",
        "local_size: 3 alpha: 0.5 beta: 1.5 k: 2",
        (2, 5, 2, 3),
        extra={"size": 3, "alpha": 0.5, "beta": 1.5, "k": 2},
    ),
    case(
        "across few channels",
        "LRN",
        "local_size: 7 alpha: 2",
        (2, 2, 3),
        extra={"size": 7, "alpha": 2},
    ),
    case("size 1", "LRN", "local_size: 1 alpha: 3", (2, 3), extra={"size": 1, "alpha": 3}),
    case(
        "within",
        "LRN",
        f"{WITHIN} local_size: 3 alpha: 2 beta: 1.5",
        (2, 2, 4, 5),
        extra={"size": 3, "alpha": 2, "beta": 1.5},
    ),
    case(
        "within ignores k",
        "LRN",
        f"{WITHIN} local_size: 3 k: 5",
        (1, 2, 3, 4),
        extra={"size": 3},
    ),
    case(
        "within one spatial axis",
        "LRN",
        f"{WITHIN} local_size: 3 alpha: 2",
        (2, 2, 5),
        extra={"size": 3, "alpha": 2},
    ),
    case("within a small plane", "LRN", f"{WITHIN} local_size: 5", (1, 2, 2, 3), extra={"size": 5}),
]
BATCH_NORM = [
    case("batch", "BatchNorm", "eps: 0.1", (4, 3, 2, 2), "batch_norm_param"),
    case("batch of vectors", "BatchNorm", "", (6, 3), "batch_norm_param"),
    case("one channel", "BatchNorm", "eps: 0.1", (6,), "batch_norm_param"),
    case("3 axes", "BatchNorm", "eps: 0.1", (4, 3, 2), "batch_norm_param"),
    case(
        "batch in test",
        "BatchNorm",
        "use_global_stats: false eps: 0.1",
        (4, 3, 2, 2),
        "batch_norm_param",
        phase=Phase.TEST,
    ),
]
RUNNING = [
    case("running", "BatchNorm", "eps: 0.5", (4, 3, 2, 2), "batch_norm_param", phase=Phase.TEST),
    case(
        "running in train",
        "BatchNorm",
        "use_global_stats: true eps: 0.5",
        (4, 3, 2),
        "batch_norm_param",
    ),
    case("running, one channel", "BatchNorm", "", (5,), "batch_norm_param", phase=Phase.TEST),
]
MVN = [
    case("channels", "MVN", "", (2, 3, 4, 5)),
    case("across channels", "MVN", "across_channels: true", (2, 3, 2, 2), extra={"first": 1}),
    case(
        "mean only",
        "MVN",
        "normalize_variance: false",
        (2, 3, 2, 2),
        extra={"divide": False},
    ),
    case(
        "mean only, across",
        "MVN",
        "normalize_variance: false across_channels: true",
        (2, 3, 2),
        extra={"divide": False, "first": 1},
    ),
    case("eps", "MVN", "eps: 0.25", (2, 3, 2, 2), extra={"eps": 0.25}),
    case("vectors", "MVN", "across_channels: true", (3, 4), extra={"first": 1}),
]
# check_gradient moves the sums of running statistics below 0: their gradients have a test below.
CASES = [*LRN, *BATCH_NORM, *MVN]
CASES += [Case(c.name, c.text, c.bottoms, c.phase, gradient=False) for c in RUNNING]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


@pytest.mark.parametrize("case", LRN, ids=lambda c: c.name)
def test_lrn_against_the_definition(case):
    (x,), (y,) = case.arrays(), run(case)
    size, beta = case.extra.get("size", 5), case.extra.get("beta", 0.75)
    alpha, k, half = case.extra.get("alpha", 1), case.extra.get("k", 1), size // 2
    within = WITHIN in case.text
    for n, c, *at in np.ndindex(x.shape):
        if within:
            box = tuple(slice(max(i - half, 0), i + half + 1) for i in at)
            near, count = x[n, c][box], size ** len(at)
        else:
            near, count = x[n, max(c - half, 0) : c + half + 1, *at], size
        want = x[n, c, *at] * (k + alpha / count * np.sum(near**2)) ** -beta
        assert y[n, c, *at] == pytest.approx(want)


def test_lrn_errors():
    for size in (0, 4):
        with pytest.raises(NetError, match=f"local_size must be odd; given {size}"):
            make_layer(f'type: "LRN" lrn_param {{ local_size: {size} }}', [(1, 2, 3, 3)])
    with pytest.raises(NetError, match=r"must have axes N, C, H and W; given \(3,\)"):
        make_layer('type: "LRN"', [(3,)]).reshape((3,))
    with pytest.raises(NetError, match=r"must have axes N, C, H and W; given \(3, 4\)"):
        make_layer(f'type: "LRN" lrn_param {{ {WITHIN} }}', [(3, 4)]).reshape((3, 4))


def channel(x, c):
    return x[:, c] if x.ndim > 1 else x


@pytest.mark.parametrize("case", BATCH_NORM, ids=lambda c: c.name)
def test_batch_norm_against_the_definition(case):
    (x,), (y,) = case.arrays(), run(case)
    eps = 0.1 if "0.1" in case.text else 1e-5
    for c in range(x.shape[1] if x.ndim > 1 else 1):
        values = channel(x, c)
        want = (values - np.mean(values)) / np.sqrt(np.var(values) + eps)
        np.testing.assert_allclose(channel(y, c), want, rtol=1e-6)


def with_statistics(case, mean, var, factor):
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape], phase=case.phase)
    layer.reshape(x.shape)
    for param, value in zip(layer.params, (mean, var, factor), strict=True):
        param.data[...] = value
    return layer, x


@pytest.mark.parametrize("case", RUNNING, ids=lambda c: c.name)
def test_running_statistics_are_the_sums_over_the_factor(case):
    count = case.bottoms[0][1] if len(case.bottoms[0]) > 1 else 1
    mean, var = np.arange(1.0, count + 1), np.arange(2.0, count + 2)
    layer, x = with_statistics(case, mean, var, 4)
    eps = 0.5 if "0.5" in case.text else f32(1e-5)
    y = layer.forward(x)
    dy = np.random.default_rng(0).normal(size=x.shape)
    dx = layer.backward(dy)
    for c in range(count):
        sigma = np.sqrt(var[c] / 4 + eps)
        np.testing.assert_allclose(channel(y, c), (channel(x, c) - mean[c] / 4) / sigma)
        np.testing.assert_allclose(channel(dx, c), channel(dy, c) / sigma)
    assert layer.params[0].data.tolist() == mean.tolist()
    assert layer.params[1].data.tolist() == var.tolist()
    assert layer.params[2].data.tolist() == [4]


def f32(value):
    """Return the value that a float field of a prototxt holds."""
    return float(np.float32(value))


def test_running_statistics_before_the_first_pass_are_0():
    layer, x = with_statistics(RUNNING[0], 3, 5, 0)
    np.testing.assert_allclose(layer.forward(x), x / np.sqrt(0.5))


@pytest.mark.parametrize(
    ("shape", "fields", "fraction"),
    [
        ((4, 3, 2, 2), "", 0.999),
        ((4, 3), "moving_average_fraction: 0.5", 0.5),
        ((1, 3), "moving_average_fraction: 0.75", 0.75),
        ((5,), "moving_average_fraction: 0.5", 0.5),
    ],
)
def test_every_pass_by_the_batch_adds_to_the_sums(shape, fields, fraction):
    layer = make_layer(f'type: "BatchNorm" batch_norm_param {{ {fields} }}', [shape])
    layer.reshape(shape)
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=shape) for _ in range(3)]
    for x in batches:
        layer.forward(x)
    f = f32(fraction)
    axes = tuple(i for i in range(len(shape)) if i != 1)
    m = batches[0].size // (shape[1] if len(shape) > 1 else 1)
    mean = sum(f**age * np.mean(x, axes) for age, x in enumerate(reversed(batches)))
    ddof = 1 if m > 1 else 0
    var = sum(f**age * np.var(x, axes, ddof=ddof) for age, x in enumerate(reversed(batches)))
    np.testing.assert_allclose(layer.params[0].data, np.atleast_1d(mean))
    np.testing.assert_allclose(layer.params[1].data, np.atleast_1d(var), atol=1e-12)
    np.testing.assert_allclose(layer.params[2].data, [f * f + f + 1])


def test_statistics_are_no_parameters_of_the_solver():
    text = 'type: "BatchNorm" param { lr_mult: 0 } param { decay_mult: 0 }'
    layer = make_layer(text, [(2, 3, 4, 4)])
    assert [p.shape for p in layer.params] == [(3,), (3,), (1,)]
    assert all(p.lr_mult == 0 == p.decay_mult and not p.data.any() for p in layer.params)
    with pytest.raises(NetError, match=r"lr_mult of param 1 must be 0: no gradient .*; given 2"):
        make_layer('type: "BatchNorm" param { lr_mult: 0 } param { lr_mult: 2 }', [(2, 3, 4, 4)])


def test_batch_norm_keeps_its_channels():
    layer = make_layer('type: "BatchNorm"', [(2, 3, 4, 4)])
    assert layer.reshape((5, 3)) == (5, 3)
    with pytest.raises(NetError, match=r"the statistics are of 3 channels; given \(2, 4\)"):
        layer.reshape((2, 4))


@pytest.mark.parametrize("case", MVN, ids=lambda c: c.name)
def test_mvn_against_the_definition(case):
    (x,), (y,) = case.arrays(), run(case)
    first = case.extra.get("first", 2)
    for at in np.ndindex(x.shape[:first]):
        want = x[at] - np.mean(x[at])
        if case.extra.get("divide", True):
            want /= np.std(x[at]) + case.extra.get("eps", 1e-9)
        np.testing.assert_allclose(y[at], want, atol=1e-12)


def test_mvn_of_a_constant_is_0():
    x = np.full((1, 2, 3), 4.0)
    layer = make_layer('type: "MVN"', [x.shape])
    layer.reshape(x.shape)
    assert not layer.forward(x).any()
    dx = layer.backward(np.ones_like(x))
    assert not dx.any()


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_nothing_is_kept_or_computed_without_need(case):
    (x,) = case.arrays()
    layer = make_layer(case.text, [x.shape], phase=case.phase)
    layer.need = [False]
    layer.reshape(x.shape)
    y = layer.forward(x)
    assert layer.saved is None
    assert layer.backward(y) is None


def test_gradient_where_the_batch_is_far_from_0():
    x = np.random.default_rng(0).normal(50, 0.5, (6, 2, 3))
    check_gradient('type: "BatchNorm"', x, rtol=1e-5)

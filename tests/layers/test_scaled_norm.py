import numpy as np
import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.layers.scaled_norm import BN, ScaledBatchNorm, SegNetBN, channels
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check

X = (4, 3, 2, 2)
FILLER = "{ type: 'uniform' min: 1 max: 2 }"
NVCAFFE = f"type: 'BatchNorm' batch_norm_param {{ scale_filler {FILLER} bias_filler {FILLER} }}"
PSPNET = f"type: 'BN' bn_param {{ slope_filler {FILLER} bias_filler {FILLER} momentum: 0.75 }}"
SEGNET = f"type: 'BN' bn_param {{ scale_filler {FILLER} shift_filler {FILLER} }}"
CASES = [
    Case("nvcaffe", NVCAFFE, [X], rtol=1e-5),
    Case("nvcaffe test", NVCAFFE[:-1] + "eps: 10 }", [X], Phase.TEST),
    Case("nvcaffe global", NVCAFFE[:-1] + "eps: 10 use_global_stats: true }", [X]),
    Case("nvcaffe vector", NVCAFFE, [(5,)], rtol=1e-5),
    Case("nvcaffe rows", NVCAFFE, [(5, 3)], rtol=1e-5),
    Case("pspnet", PSPNET, [X], rtol=1e-5),
    Case("pspnet test", PSPNET, [X], Phase.TEST),
    Case("pspnet frozen", PSPNET[:-1] + "frozen: true }", [X]),
    Case("segnet", SEGNET, [X], rtol=1e-5),
    Case("segnet inference", SEGNET[:-1] + "bn_mode: INFERENCE }", [X]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def built(text, phase=Phase.TRAIN, shape=X):
    layer = make_layer(text, [shape], phase=phase)
    layer.reshape(shape)
    return layer


def normalized(x, eps):
    """Return x by its own statistics, channel by channel, with mean and biased variance."""
    mean = np.array([x[:, c].mean() for c in range(x.shape[1])])
    var = np.array([((x[:, c] - mean[c]) ** 2).mean() for c in range(x.shape[1])])
    z = np.stack([(x[:, c] - mean[c]) / np.sqrt(var[c] + eps) for c in range(x.shape[1])], axis=1)
    return z, mean, var


def affine(x, w, b):
    w, b = w.reshape(-1), b.reshape(-1)
    return np.stack([x[:, c] * w[c] + b[c] for c in range(x.shape[1])], axis=1)


@pytest.mark.parametrize(
    ("text", "eps"), [(NVCAFFE, 1e-5), (PSPNET[:-1] + "eps: 0.5 }", 0.5), (SEGNET, 1e-9)]
)
def test_training_normalizes_by_the_batch(text, eps):
    x = Case("", "", [X]).arrays()[0]
    layer = built(text)
    z, _, _ = normalized(x, eps)
    want = affine(z, layer.scale.value, layer.shift.value)
    np.testing.assert_allclose(layer.forward(x), want, rtol=1e-6)


def test_nvcaffe_keeps_sums_as_batch_norm_does():
    x = Case("", "", [X]).arrays()[0]
    layer = built(NVCAFFE)
    plain = built("type: 'BatchNorm'")
    for i in range(3):
        layer.forward(x + i)
        plain.forward(x + i)
    for ours, theirs in zip(layer.params[:3], plain.params, strict=True):
        np.testing.assert_allclose(ours.value, theirs.value)
    layer.fixed = plain.fixed = True
    want = affine(plain.forward(x), layer.scale.value, layer.shift.value)
    np.testing.assert_allclose(layer.forward(x), want)


def test_a_stored_factor_of_zero_counts_as_one():
    layer = built(NVCAFFE, Phase.TEST)
    for param, value in zip(layer.params, (2.0, 4.0, 0.0, 3.0, 1.0), strict=True):
        param.assign(value)
    y = layer.forward(np.full(X, 6.0))
    assert y == pytest.approx(np.full(X, 3 * (6 - 2) / np.sqrt(4 + 1e-5) + 1))


def test_training_goes_on_from_a_factor_of_zero():
    layer = built(NVCAFFE)
    for param, value in zip(layer.params, (2.0, 4.0, 0.0, 3.0, 1.0), strict=True):
        param.assign(value)
    x = Case("", "", [X]).arrays()[0]
    layer.forward(x)
    mean, _ = layer.running()
    batch = normalized(x, 0)[1]
    np.testing.assert_allclose(mean, (0.999 * 2 + batch) / 1.999)


def test_blobs_of_version_0_15_are_put_in_order():
    layer = built(NVCAFFE)
    scale, bias, mean, var = (np.full(3, float(i)) for i in range(4))
    got = layer.adapt([scale, bias, mean, var])
    assert [float(b[0]) for b in got] == [2.0, 3.0, 1.0, 0.0, 1.0]
    assert got[2].shape == (1,)
    five = [mean, var, np.ones(1), scale, bias]
    assert layer.adapt(five) is five


def test_pspnet_keeps_moving_averages():
    x = Case("", "", [X]).arrays()[0]
    layer = built(PSPNET)
    _, mean, var = normalized(x, 0)
    layer.forward(x)
    layer.forward(x)
    kept = 1 - 0.75**2
    np.testing.assert_allclose(layer.mean.value.reshape(-1), kept * mean)
    np.testing.assert_allclose(layer.var.value.reshape(-1), kept * var + 0.75**2)
    assert [p.lr_mult for p in layer.params] == [1, 1, 0, 0]
    assert layer.params[3].shape == (1, 3, 1, 1)


@pytest.mark.parametrize(
    ("text", "phase"), [(PSPNET, Phase.TEST), (PSPNET[:-1] + "frozen: true }", Phase.TRAIN)]
)
def test_pspnet_with_stored_statistics(text, phase):
    x = Case("", "", [X]).arrays()[0]
    layer = built(text, phase)
    layer.mean.assign(0.5)
    layer.var.assign(4.0)
    want = affine((x - 0.5) / np.sqrt(4 + 1e-5), layer.scale.value, layer.shift.value)
    np.testing.assert_allclose(layer.forward(x), want)
    assert layer.scale.lr_mult == (phase == Phase.TEST)


def test_segnet_in_inference_only_scales():
    x = Case("", "", [X]).arrays()[0]
    layer = built(SEGNET[:-1] + "bn_mode: INFERENCE }", Phase.TEST)
    want = affine(x, layer.scale.value, layer.shift.value)
    np.testing.assert_allclose(layer.forward(x), want)
    learning = built(SEGNET, Phase.TEST)
    assert learning.forward(x).mean() != pytest.approx(want.mean())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("type: 'BN' bn_param { bn_mode: INFERENCE }", SegNetBN),
        ("type: 'BN' bn_param { frozen: true }", BN),
        ("type: 'BN'", BN),
        ("type: 'BN' param { } param { }", SegNetBN),
        ("type: 'BN' param { } param { } bn_param { momentum: 0.5 }", BN),
        ("type: 'BN' param { } param { } param { } param { }", BN),
        ("type: 'BatchNorm' batch_norm_param { scale_bias: true }", ScaledBatchNorm),
        ("type: 'BatchNorm' batch_norm_param { use_weight_bias: true }", ScaledBatchNorm),
        ("type: 'BatchNorm' batch_norm_param { filler { value: 1 } }", ScaledBatchNorm),
        ("type: 'BatchNorm' batch_norm_param { bias_filler { value: 1 } }", ScaledBatchNorm),
    ],
)
def test_the_kind_follows_from_fields_and_parameters(text, kind):
    layer = make_layer(text, [X])
    assert type(layer) is kind
    assert layer.dialect


def test_the_kind_follows_from_the_blobs_in_the_file():
    blob = "blobs { shape { dim: 3 } data: [1, 2, 3] }"
    assert type(make_layer(f"type: 'BN' {blob * 2}", [X])) is SegNetBN
    assert type(make_layer(f"type: 'BN' {blob * 4}", [X])) is BN
    assert type(make_layer(f"type: 'BatchNorm' {blob * 5}", [X])) is ScaledBatchNorm
    assert type(make_layer(f"type: 'BatchNorm' {blob * 4}", [X])) is ScaledBatchNorm
    assert make_layer(f"type: 'BatchNorm' {blob * 3}", [X]).dialect == ""


def test_without_weight_and_bias_it_is_caffes():
    layer = make_layer("type: 'BatchNorm' batch_norm_param { use_weight_bias: false }", [X])
    assert len(layer.params) == 3


def test_fields_of_two_kinds_are_refused():
    with pytest.raises(NetError, match="bn_mode is of SegNet's BN, momentum of PSPNet's"):
        make_layer("type: 'BN' bn_param { bn_mode: LEARN momentum: 0.5 }", [X])


def test_channels_may_not_change():
    with pytest.raises(ShapeError, match="statistics are of 3 channels"):
        make_layer(PSPNET, [X]).reshape((4, 2, 2, 2))
    assert (channels((2, 5)), channels((7,))) == (5, 1)

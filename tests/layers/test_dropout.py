import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.testing import make_layer
from netcfg.types import Phase
from tests.layers.cases import Case, check

X = (5, 3)
CASES = [
    Case("half", 'type: "Dropout"', ((4, 5),)),
    Case("ratio", 'type: "Dropout" dropout_param { dropout_ratio: 0.3 }', ((2, 3, 4, 2),)),
    Case("none", 'type: "Dropout" dropout_param { dropout_ratio: 0 }', ((4, 5),)),
    Case("test", 'type: "Dropout"', ((4, 5),), Phase.TEST),
    Case("unscaled", 'type: "Dropout" dropout_param { scale_train: false }', ((4, 5),)),
    Case("scaled", 'type: "Dropout" dropout_param { scale_train: false }', ((4, 5),), Phase.TEST),
    Case(
        "sampled", 'type: "Dropout" dropout_param { sample_weights_test: true }', (X,), Phase.TEST
    ),
    Case("channels", 'type: "SpatialDropout"', ((3, 4, 2, 3),)),
    Case("channels, test", 'type: "SpatialDropout"', ((3, 4, 2),), Phase.TEST),
    Case("items", 'type: "DropPath" drop_path_param { drop_ratio: 0.5 }', ((5, 3),)),
    Case("no items", 'type: "DropPath"', ((5, 3),)),
    Case(
        "items, test", 'type: "DropPath" drop_path_param { drop_ratio: 0.5 }', ((5,),), Phase.TEST
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_contract(case):
    check(case)


def build(ratio, shape, phase=Phase.TRAIN, seed=0):
    text = f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} }}'
    return make_layer(text, [shape], phase=phase, seed=seed)


def test_values_are_dropped_or_scaled_up():
    x = np.full((100, 200), 3.0)
    layer = build(0.25, x.shape)
    y = layer.forward(x)
    assert set(np.unique(y)) == {0, 4}
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.01)
    dx = layer.backward(np.full_like(x, 6))
    np.testing.assert_array_equal(dx, y * 2)


def test_without_scale_train_the_scaling_is_left_to_test():
    x = np.full((30, 40), 3.0)
    layer = build("0.25 scale_train: false", x.shape)
    y = layer.forward(x)
    np.testing.assert_array_equal(y == 0, build(0.25, x.shape).forward(x) == 0)
    assert set(np.unique(y)) == {0, 3}
    np.testing.assert_array_equal(layer.backward(np.full_like(x, 6)), y * 2)
    layer = build("0.25 scale_train: false", x.shape, Phase.TEST)
    assert (layer.forward(x) == 2.25).all()
    assert (layer.backward(np.full_like(x, 6)) == 4.5).all()


def test_the_mask_depends_on_seed_and_step_only():
    x = np.ones((10, 20))
    first = build(0.5, x.shape).forward(x)
    layer = build(0.5, x.shape)
    np.testing.assert_array_equal(layer.forward(x), first)
    np.testing.assert_array_equal(layer.forward(x), first)
    layer.step = 1
    assert (layer.forward(x) != first).any()
    assert (build(0.5, x.shape, seed=1).forward(x) != first).any()


def test_identity_in_test_and_for_ratio_0():
    x = np.random.default_rng(0).normal(size=(3, 4))
    for layer in (build(0.5, x.shape, Phase.TEST), build(0, x.shape)):
        np.testing.assert_array_equal(layer.forward(x), x)
        np.testing.assert_array_equal(layer.backward(x), x)


def test_nothing_is_kept_or_computed_without_need():
    x = np.ones((3, 4))
    for phase in Phase:
        layer = build(0.5, x.shape, phase)
        layer.need = [False]
        y = layer.forward(x)
        assert layer.saved is None
        assert layer.backward(y) is None
    assert (build(0.5, x.shape).forward(x) == 0).any()


@pytest.mark.parametrize("ratio", [-0.5, 1, 2])
def test_errors(ratio):
    with pytest.raises(NetError, match=rf"dropout_ratio must lie in \[0, 1\); given {ratio}"):
        build(ratio, (2, 3))


def test_the_mask_lies_in_memory_as_x_does_and_is_the_same():
    x = np.ones((2, 3, 4, 5))
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    layer = build(0.5, x.shape)
    y = layer.forward(last)
    assert y.strides == last.strides
    assert layer.saved.strides == tuple(s // x.itemsize for s in last.strides)
    np.testing.assert_array_equal(y, build(0.5, x.shape).forward(x))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('type: "SpatialDropout" dropout_param { dropout_ratio: 0.25 }', (40, 50, 1, 1)),
        ('type: "DropPath" drop_path_param { drop_ratio: 0.25 }', (40, 1, 1, 1)),
    ],
)
def test_channels_and_items_are_dropped_whole(text, kept):
    x = np.full((40, 50, 3, 2), 3.0)
    layer = make_layer(text, [x.shape])
    y = layer.forward(x)
    corner = tuple(slice(0, n) for n in kept)
    np.testing.assert_array_equal(y, np.broadcast_to(y[corner], x.shape))
    assert set(np.unique(y)) == {0, 4}
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.15)
    np.testing.assert_array_equal(layer.backward(np.full_like(x, 6)), y * 2)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ('type: "DropPath" drop_path_param { drop_ratio: 1 }', (2,), "must lie in [0, 1); given 1"),
        ('type: "DropPath"', (), "an axis of items"),
        ('type: "SpatialDropout"', (3,), "axes N and C"),
    ],
)
def test_what_cannot_be_dropped(text, shape, message):
    with pytest.raises(NetError) as error:
        make_layer(text, [shape]).reshape(shape)
    assert message in str(error.value)


def test_sampling_drops_in_test_as_in_training():
    x = np.ones((20, 30))
    sampled = build("0.25 sample_weights_test: true", x.shape, Phase.TEST)
    np.testing.assert_array_equal(sampled.forward(x), build(0.25, x.shape).forward(x))

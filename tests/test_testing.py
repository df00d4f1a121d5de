import re

import numpy as np
import pytest

from netcfg.layer import Layer, registry
from netcfg.netcfg_pb2 import FillerParameter
from netcfg.testing import (
    as_arrays,
    as_shapes,
    check_gradient,
    make_layer,
    spaced,
    top_shapes,
)
from netcfg.types import Phase


class Weighted(Layer):
    """y = (w x)² + c, with faults that tests switch on."""

    bottoms = (2, 2)
    constant_bottoms = (1,)
    fault = ""

    def setup(self, x, c):
        self.param(x, FillerParameter(type="uniform", min=1, max=2))

    def reshape(self, x, c):
        return x

    def forward(self, x, c):
        (w,) = self.params
        self.saved = x
        return (w.data * x) ** 2 + c

    def backward(self, dy):
        (w,), x = self.params, self.saved
        dx, dw = 2 * w.data**2 * x * dy, 2 * w.data * x**2 * dy
        if self.fault == "one entry":
            dx[1, 2] *= 1.001
        if self.fault == "param":
            dw[0, 1] = 0
        if self.fault == "nan":
            dx[0, 0] = np.nan
        w.add_grad(dw)
        if self.fault == "shape":
            dx = dx.ravel()
        return (None if self.fault == "none" else dx), None


@pytest.fixture
def weighted(monkeypatch):
    monkeypatch.setitem(registry, "Weighted", Weighted)

    def set_fault(fault):
        monkeypatch.setattr(Weighted, "fault", fault)

    return set_fault


TEXT = 'type: "Weighted" name: "a"'


def test_a_right_gradient_passes(weighted):
    check_gradient(TEXT, (2, 3), (2, 3))
    check_gradient(TEXT, np.arange(6.0).reshape(2, 3), (2, 3), seed=4, phase=Phase.TEST)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("one entry", r"gradient of bottom 0 is wrong, most at \(1, 2\): backward says "),
        ("param", r"gradient of param 0 is wrong, most at \(0, 1\): backward says 0, differences"),
        ("nan", r"gradient of bottom 0 is wrong, most at \(0, 0\): backward says nan, differences"),
        ("shape", r"gradient of bottom 0 has shape \(6,\), the array \(2, 3\)"),
        ("none", "backward returned None for bottom 0"),
    ],
)
def test_a_wrong_gradient_is_found_and_placed(weighted, fault, message):
    weighted(fault)
    with pytest.raises(AssertionError, match=rf"layer 'a' \(Weighted\): {message}"):
        check_gradient(TEXT, (2, 3), (2, 3))


def test_the_message_gives_both_values(weighted):
    weighted("one entry")
    with pytest.raises(AssertionError) as error:
        check_gradient(TEXT, (2, 3), (2, 3))
    said = re.search(r"backward says (\S+), differences say (\S+)$", str(error.value))
    assert float(said[1]) == pytest.approx(1.001 * float(said[2]), rel=1e-4)


def test_what_does_not_learn_is_not_compared(weighted):
    weighted("param")
    check_gradient(TEXT + " param { lr_mult: 0 }", (2, 3), (2, 3))


def test_given_values_stay_as_they_are(weighted):
    x = np.arange(6.0).reshape(2, 3)
    check_gradient(TEXT, x, (2, 3))
    assert x.ravel().tolist() == [0, 1, 2, 3, 4, 5]


def test_bottoms_that_need_gradients(weighted, monkeypatch):
    assert make_layer(TEXT, [(2,), (2,)]).need == [True, False]
    monkeypatch.setattr(Weighted, "constant_bottoms", (-2,))
    assert make_layer(TEXT, [(2,), (2,)]).need == [False, True]
    monkeypatch.setattr(Weighted, "constant_bottoms", (1, 2))
    assert make_layer(TEXT, [(2,), (2,)]).need == [True, False]


def test_make_layer_counts_tops_and_names():
    layer = make_layer('type: "Split" top: "a" top: "b"', [(2,)], phase=Phase.TEST, seed=3)
    assert (layer.name, layer.ntops, layer.phase, layer.context.seed) == ("layer", 2, Phase.TEST, 3)
    assert layer.engine.dtype == np.float64
    assert top_shapes(layer, [(2,)]) == ((2,), (2,))
    assert top_shapes(make_layer('type: "Silence"', [(2,)]), [(2,)]) == ()


def test_results_are_tuples_however_many():
    assert as_shapes((), 1) == ((),)
    assert as_shapes(((),), 1) == ((),)
    assert as_shapes((), 0) == ()
    one = np.ones(2)
    assert as_arrays(one) == (one,)
    assert as_arrays(()) == ()


@pytest.mark.parametrize("shape", [(), (1,), (7,), (4, 6)])
def test_spaced_values_stay_clear_of_each_other_and_of_0(shape):
    rng = np.random.default_rng(0)
    first, second = spaced(shape, rng), spaced(shape, rng)
    assert first.shape == shape
    values = np.sort(np.concatenate([first.ravel(), second.ravel()]))
    count = values.size // 2
    assert values[0] >= -1
    assert values[-1] <= 1
    assert np.min(np.abs(values)) > 0.1 / count
    assert np.min(np.diff(values)) > 0.01 / count
    low = spaced((5,), rng, low=2, high=3)
    assert np.all((low > 2) & (low < 3))

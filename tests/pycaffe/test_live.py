from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine
from netcfg.errors import NetError
from netcfg.pycaffe.live import LiveNet
from netcfg.schema import parse_net
from netcfg.types import Phase
from tests.pycaffe.nets import CHAIN, CONV

X = np.array([[-1, 2, 3], [4, -5, 6]], np.float32)


class Elsewhere(Engine):
    """An engine whose arrays are never the program's own, as on a device."""

    name = "elsewhere"
    xp = SimpleNamespace(**vars(np))

    def asarray(self, array: Any) -> Any:
        return np.array(array, self.dtype)

    def to_numpy(self, array: Any) -> np.ndarray:
        return np.array(array)


ENGINES = {"here": Engine, "elsewhere": Elsewhere}


@pytest.fixture(params=ENGINES)
def engine(request):
    return ENGINES[request.param]()


def live(text: str = CHAIN, engine: Engine | None = None) -> LiveNet:
    return LiveNet(parse_net(text).message, Phase.TRAIN, engine=engine)


def test_arrays_taken_before_a_pass_show_its_results(engine):
    net = live(engine=engine)
    data, x, z = (net.data(name) for name in ("data", "x", "z"))
    data[...] = X
    net.forward()
    np.testing.assert_array_equal(x, np.maximum(2 * X, 0))
    np.testing.assert_array_equal(z, 6 * np.maximum(X, 0) + 1)
    assert net.data("z") is z


def test_names_that_are_never_asked_for_have_no_memory():
    net = live()
    net.forward()
    assert net._memory == {}
    assert net.shape("y") == (2, 3)


def test_a_pass_may_begin_at_what_the_program_wrote(engine):
    net = live(engine=engine)
    net.data("y")[...] = 5
    net.forward(start="one")
    np.testing.assert_array_equal(net.data("z"), np.full((2, 3), 6))


def test_an_in_place_layer_begins_at_what_stands_under_its_name(engine):
    net = live(engine=engine)
    net.data("data")[...] = X
    net.forward(end="two")
    np.testing.assert_array_equal(net.data("x"), 2 * X)
    net.data("x")[...] = -X
    net.forward(start="relu", end="relu")
    np.testing.assert_array_equal(net.data("x"), np.maximum(-X, 0))


def test_beginning_in_the_middle_without_memory_reads_what_was_computed_last():
    net = live()
    net.forward({"data": X})
    net.forward(start="relu")
    np.testing.assert_array_equal(net.data("z"), 6 * np.maximum(X, 0) + 1)


def test_a_hook_between_two_layers_may_write(engine):
    net = live(engine=engine)

    def double(i: int) -> None:
        if net.layers[i].name == "two":
            net.data("x")[...] *= 10

    net.after_forward.append(double)
    net.forward({"data": X})
    net.forward({"data": X})
    np.testing.assert_array_equal(net.data("z"), 60 * np.maximum(X, 0) + 1)


def test_gradients_begin_at_what_the_program_wrote(engine):
    net = live(engine=engine)
    net.data("data")[...] = X
    net.forward()
    net.diff("z")[...] = X
    dx, dy = net.diff("x"), net.diff("y")
    net.backward()
    np.testing.assert_array_equal(dy, X)
    np.testing.assert_array_equal(dx, 3 * X * (X > 0))  # of the name's first version, as in Caffe
    np.testing.assert_array_equal(net.diff("data"), 6 * X * (X > 0))


def test_gradients_may_begin_at_an_inner_blob():
    net = live()
    net.data("data")[...] = X
    net.forward(end="three")
    net.diff("y")[...] = 1
    net.backward(start="three")
    np.testing.assert_array_equal(net.diff("data"), 6 * (X > 0))


def test_a_layer_that_never_ran_has_gradients_too():
    net = live(CONV)
    net.data("conv")[...] = 2
    net.diff("ip_blob")[...] = 1
    net.backward(start="ip", end="ip")
    w = net.layer("ip").params[0].data
    np.testing.assert_allclose(net.diff("conv")[0].ravel(), w.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(net.layer("ip").params[0].diff, np.full(w.shape, 10))
    assert net.layer("ip").step == 0
    assert not net.data("ip_blob").any()


def test_loss_weights_stand_in_the_gradient_of_a_loss():
    net = live(CONV)
    assert net.diff("loss") == 1
    net.forward()
    net.backward()
    whole = net.diff("ip_blob").copy()
    net.diff("loss")[...] = 0.5
    net.backward()
    np.testing.assert_allclose(net.diff("ip_blob"), whole / 2, rtol=1e-6)


def test_a_blob_that_several_layers_read_gets_the_sum():
    text = CHAIN + (
        "layer { name: 'sum' type: 'Eltwise' bottom: 'z' bottom: 'y' bottom: 'data' top: 's' }"
    )
    net = live(text)
    net.data("data")[...] = X
    for _ in range(2):
        net.forward()
        net.backward({"s": np.ones((2, 3), np.float32)})
        np.testing.assert_array_equal(net.diff("y"), np.full((2, 3), 2))
        np.testing.assert_array_equal(net.diff("data"), 1 + 12 * (X > 0))


def test_another_shape_reaches_all_blobs():
    net = live(CONV)
    data, conv = net.data("data"), net.data("conv")
    data[...] = np.arange(data.size).reshape(data.shape)
    net.resize("data", (2, 2, 3, 4))
    net.resize("label", (2, 1, 1, 1))
    net.propagate()
    assert net.data("data") is not data
    np.testing.assert_array_equal(net.data("data").ravel(), np.arange(48))
    assert net.shape("conv") == net.data("conv").shape == (2, *conv.shape[1:])
    assert net.shape("ip_blob") == (2, 7)
    net.forward()
    assert net.data("conv").any()


def test_views_of_memory_are_not_handed_on():
    text = CHAIN + "layer { name: 'flat' type: 'Flatten' bottom: 'data' top: 'flat' }"
    net = live(text)
    data = net.data("data")
    data[...] = X
    net.forward()
    data[...] = 0
    np.testing.assert_array_equal(net.data("flat"), X)
    net.diff("flat")[...] = X
    net.backward()
    net.diff("flat")[...] = 0
    np.testing.assert_array_equal(net.diff("data"), X)


def test_what_is_fed_shows_in_memory():
    net = live()
    data = net.data("data")
    net.forward({"data": X})
    np.testing.assert_array_equal(data, X)
    net.forward({"data": X[:1]})
    np.testing.assert_array_equal(net.data("z"), 6 * np.maximum(X[:1], 0) + 1)
    with pytest.raises(NetError, match="has no input 'dta'"):
        net.forward({"dta": X})


def test_constants_of_dummy_data_may_be_overwritten():
    net = live(
        "layer { name: 'd' type: 'DummyData' top: 'a' top: 'b' dummy_data_param { shape { dim: 2 } "
        "data_filler { value: 3 } data_filler { type: 'uniform' } } }"
    )
    net.forward()
    np.testing.assert_array_equal(net.data("a"), [3, 3])
    net.data("a")[...] = 4
    net.data("b")[...] = 4
    net.forward()
    np.testing.assert_array_equal(net.data("a"), [4, 4])
    assert (net.data("b") < 1).all()


def test_parameters_elsewhere_are_mirrored(engine):
    net = live(CONV, engine)
    bias = net.params[1]
    array = net.param_data(bias)
    assert (array == 2).all()
    array[...] = 1
    net.forward()
    np.testing.assert_array_equal(net.engine.to_numpy(bias.data), np.ones(11))
    bias.data[...] = 7
    net.download()
    assert (net.param_data(bias) == 7).all()
    assert net.param_data(bias) is array


def test_another_net_goes_on_with_the_same_arrays():
    old, new = live(), live()
    calls: list[int] = []
    old.before_forward.append(calls.append)
    z = old.data("z")
    new.take_memory(old)
    new.forward({"data": X})
    np.testing.assert_array_equal(z, 6 * np.maximum(X, 0) + 1)
    assert calls == [0, 1, 2, 3, 4]

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netcfg.pycaffe as caffe
from netcfg.errors import NetError
from tests.pycaffe.nets import make


class Nothing(caffe.Layer):
    pass


def test_the_base_class_does_nothing():
    for layer in (Nothing(), Nothing("message")):
        assert (layer.param_str, layer.phase, list(layer.blobs)) == ("", caffe.TEST, [])
        layer.setup([], [])
        layer.reshape([], [])
        assert not hasattr(layer, "backward")
        with pytest.raises(NotImplementedError, match="Nothing has no forward"):
            layer.forward([], [])


def test_layer_types():
    types = caffe.layer_type_list()
    assert {"Convolution", "InnerProduct", "Python", "ReLU"} <= set(types)
    assert types == sorted(types)


# Layers in nets --------------------------------------------------------------------------------


class TenTimes(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = 10 * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 10 * top[0].diff


class Learns(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(1)
        self.blobs[0].data[0] = 4
        self.word = self.param_str

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        top[0].data[0] = self.blobs[0].data[0]

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[0] = 1


class Leaves(caffe.Layer):
    """Leaves its top as the program wrote it."""

    def setup(self, bottom, top):
        top[0].reshape(2)

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        pass


class EndOfData(Exception):  # noqa: N818 - as users name them
    pass


class Ends(Leaves):
    def forward(self, bottom, top):
        raise EndOfData


def layer(name: str, rest: str, word: str = "") -> str:
    return (
        f"layer {{ type: 'Python' name: '{name.lower()}' {rest} "
        f"python_param {{ module: '{__name__}' layer: '{name}' param_str: '{word}' }} }}"
    )


CHAIN = """force_backward: true input: 'data' input_shape { dim: 5 dim: 4 }
layer { type: 'Python' name: 'one' bottom: 'data' top: 'one' python_param { %s } }
layer { type: 'Python' name: 'two' bottom: 'one' top: 'two' python_param { %s } }
""" % ((f"module: '{__name__}' layer: 'TenTimes'",) * 2)


@pytest.fixture
def chain(tmp_path: Path) -> Any:
    return make(tmp_path, CHAIN)


def test_values_and_gradients_reach_the_arrays_that_a_program_holds(chain):
    data, top = chain.blobs["data"], chain.blobs["two"]
    data.data[...] = 8
    held, gradient = top.data, data.diff
    chain.forward()
    assert set(held.flat) == {800}
    top.diff[...] = 7
    chain.backward()
    assert set(gradient.flat) == {700}
    data.data[...] = 1
    chain.forward()
    assert set(held.flat) == {100}


def test_a_new_shape(chain):
    chain.blobs["data"].reshape(3, 3, 3)
    chain.forward()
    assert {blob.data.shape for blob in chain.blobs.values()} == {(3, 3, 3)}
    chain.blobs["data"].reshape(2)
    chain.reshape()
    assert {blob.data.shape for blob in chain.blobs.values()} == {(2,)}


def test_parameters_and_attributes(tmp_path):
    text = "force_backward: true\n" + layer("Learns", "top: 'top'", "so")
    net, other = make(tmp_path, text), make(tmp_path, text)
    net.forward()
    net.backward()
    blob = net.layers[0].blobs[0]
    assert (net.layers[0].word, blob.data[0], blob.diff[0]) == ("so", 4, 1)
    blob.data[0] += blob.diff[0]
    net.forward()
    assert net.blobs["top"].data[0] == 5
    net.save(tmp_path / "p.caffemodel")
    other.copy_from(tmp_path / "p.caffemodel")
    assert other.forward()["top"] == 5
    third = make(tmp_path, text)
    third.share_with(net)
    blob.data[0] = 9
    assert third.forward()["top"] == 9


def test_a_top_that_the_class_leaves_is_as_the_program_wrote_it(tmp_path):
    net = make(tmp_path, layer("Leaves", "top: 'x'"))
    net.blobs["x"].data[...] = [1, 2]
    assert net.forward()["x"].tolist() == [1, 2]
    net.blobs["x"].reshape(3)
    net.blobs["x"].data[...] = [3, 4, 5]
    assert net.forward()["x"].tolist() == [3, 4, 5]


def test_errors_are_of_the_type_that_was_raised(tmp_path):
    net = make(tmp_path, layer("Ends", "top: 'x'"))
    with pytest.raises(
        EndOfData, match=r"layer 'ends' \(Python\): .*Ends.forward raised EndOf"
    ) as e:
        net.forward()
    assert isinstance(e.value, NetError)


def test_the_phase_is_a_number_of_caffe(tmp_path):
    for phase in (caffe.TRAIN, caffe.TEST):
        net = make(tmp_path, layer("Leaves", "top: 'x'"), phase)
        assert net.layers[0].phase == phase


def test_solvers_train_parameters(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        "force_backward: true\n" + layer("Learns", "top: 'top' loss_weight: 1")
    )
    solver = tmp_path / "solver.prototxt"
    solver.write_text(f"net: '{tmp_path}/net.prototxt' base_lr: 0.5 lr_policy: 'fixed' max_iter: 3")
    made = caffe.SGDSolver(str(solver))
    made.step(3)
    np.testing.assert_allclose(made.net.layers[0].blobs[0].data, 4 - 3 * 0.5)

import numpy as np
import pytest

import netcfg.pycaffe as caffe
from netcfg.errors import NetError, ShapeError, WeightsError
from netcfg.io.caffemodel import read_weights
from tests.pycaffe.nets import CHAIN, CONV, make, write

VARIANTS = """
layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: 1 dim: 2 } } }
layer { name: 'always' type: 'ReLU' bottom: 'data' top: 'a' }
layer { name: 'high' type: 'ReLU' bottom: 'a' top: 'b' include { min_level: 1 } }
layer { name: 'staged' type: 'ReLU' bottom: 'a' top: 'c' include { stage: 'A' } }
layer { name: 'both' type: 'ReLU' bottom: 'a' top: 'd'
  include { phase: TEST stage: 'B' not_stage: 'A' } }
"""


def test_what_a_net_consists_of(tmp_path):
    net = make(tmp_path)
    assert list(net.blobs) == ["data", "label", "conv", "ip_blob", "loss"]
    assert list(net.params) == ["conv", "ip"]
    assert [len(blobs) for blobs in net.params.values()] == [2, 2]
    assert [layer.type for layer in net.layers] == [
        "Input",
        "Convolution",
        "InnerProduct",
        "SoftmaxWithLoss",
    ]
    assert net.layer_dict["ip"].blobs[0].shape == net.params["ip"][0].shape
    assert net.inputs == ["data", "label"]
    assert net.outputs == ["loss"]
    assert net.top_names["data"] == ["data", "label"]
    assert net.bottom_names["loss"] == ["ip_blob", "label"]
    assert net.blob_loss_weights["loss"] == 1
    assert net.blob_loss_weights["conv"] == 0
    assert net._layer_names == ["data", "conv", "ip", "loss"]
    assert (net._inputs, net._outputs) == ([0, 1], [4])
    assert (net._top_ids(1), net._bottom_ids(3)) == ([2], [3, 1])
    assert [net._blob_names[i] for i in net._outputs] == net.outputs
    assert net._blobs[2].shape == net.blobs["conv"].shape


def test_memory_outlives_the_net(tmp_path):
    net = make(tmp_path)
    arrays = [blob.data for blobs in net.params.values() for blob in blobs]
    arrays += [blob.data for blob in net.blobs.values()]
    net.forward()
    del net
    assert all(np.isfinite(array).all() for array in arrays)


def test_forward_and_backward_with_everything(tmp_path):
    net = make(tmp_path)
    rng = np.random.default_rng(0)
    net.blobs["label"].data[...] = rng.integers(7, size=net.blobs["label"].data.shape)
    net.blobs["data"].data[...] = rng.normal(size=net.blobs["data"].shape)
    out = net.forward()
    assert out["loss"].shape == ()
    assert out["loss"] > 0
    assert net.backward()["data"].any()
    diff = net.params["conv"][1].diff
    before = diff.copy()
    assert before.any()
    net.backward()
    np.testing.assert_allclose(net.params["conv"][1].diff, 2 * before, rtol=1e-4)
    net.clear_param_diffs()
    assert not diff.any()


def test_parts_of_a_net_may_run(tmp_path):
    net = make(tmp_path, CHAIN)
    x = np.array([[1, -2, 3]] * 2, np.float32)
    assert list(net.forward(data=x, end="relu")) == ["x"]
    np.testing.assert_array_equal(net.blobs["x"].data, np.maximum(2 * x, 0))
    out = net.forward(start="three", blobs=["y"])
    assert list(out) == ["z", "y"]
    np.testing.assert_array_equal(out["z"], 6 * np.maximum(x, 0) + 1)
    grads = net.backward(diffs=["y"], end="three", z=np.ones((2, 3)))
    assert list(grads) == ["x", "y"]
    np.testing.assert_array_equal(grads["x"], np.full((2, 3), 3))
    net.blobs["x"].diff[...] = 1
    np.testing.assert_array_equal(net.backward(start="relu")["data"], 2.0 * (x > 0))


def test_layers_by_index(tmp_path):
    net = make(tmp_path, CHAIN)
    net.blobs["data"].data[...] = 1
    assert net._forward(0, 1) == 0
    np.testing.assert_array_equal(net.blobs["x"].data, np.full((2, 3), 2))
    net._forward(2, 4)
    net.blobs["z"].diff[...] = 1
    net._backward(4, 3)
    np.testing.assert_array_equal(net.blobs["x"].diff, np.full((2, 3), 3))


def test_arrays_must_be_given_for_all_inputs_and_outputs(tmp_path):
    net = make(tmp_path)
    with pytest.raises(NetError, match="each input of the net, data, label; given data"):
        net.forward(data=np.zeros((5, 2, 3, 4)))
    with pytest.raises(ShapeError, match="input 'data' has a batch of"):
        net.forward(data=np.zeros((4, 2, 3, 4)), label=np.zeros((5, 1, 1, 1)))
    with pytest.raises(NetError, match="each output of the net, loss; given ip_blob"):
        net.backward(ip_blob=np.zeros((5, 7)))
    with pytest.raises(NetError, match="no blob 'con'; did you mean 'conv'"):
        net.forward(blobs=["con"])
    with pytest.raises(NetError, match="no layer 'cnv'"):
        net.forward(end="cnv")


def test_any_number_of_rows(tmp_path):
    net = make(tmp_path, CHAIN)
    x = np.arange(15, dtype=np.float32).reshape(5, 3)
    out = net.forward_all(blobs=["y"], data=x)
    np.testing.assert_array_equal(out["z"], 6 * x + 1)
    np.testing.assert_array_equal(out["y"], 6 * x)
    values, grads = net.forward_backward_all(diffs=["y"], data=x, z=x)
    np.testing.assert_array_equal(values["z"], 6 * x + 1)
    np.testing.assert_array_equal(grads["y"], x)
    np.testing.assert_array_equal(grads["data"], 6 * x * (x > 0))
    net.blobs["z"].diff[...] = 1
    values, grads = net.forward_backward_all(data=x[:4])
    np.testing.assert_array_equal(grads["data"], 6.0 * (x[:4] > 0))


def test_reshape(tmp_path):
    net = make(tmp_path, CHAIN)
    net.blobs["data"].reshape(4, 5)
    net.reshape()
    assert {blob.shape for blob in net.blobs.values()} == {(4, 5)}
    net.blobs["data"].data[...] = 1
    assert net.forward()["z"].shape == (4, 5)


def test_hooks_are_told_the_index_of_the_layer(tmp_path):
    net = make(tmp_path, CHAIN)
    calls: list[tuple[str, int]] = []
    net.before_forward(lambda i: calls.append(("before", i)))
    net.after_forward(lambda i: calls.append(("after", i)))
    net.before_backward(lambda i: calls.append(("back", i)))
    net.after_backward(lambda i: calls.append(("done", i)))
    net.forward(end="two")
    net.blobs["x"].diff[...] = 1
    net.backward(start="two")
    forward = [("before", 0), ("after", 0), ("before", 1), ("after", 1)]
    assert calls == [*forward, ("back", 1), ("done", 1)]


def test_phase_level_and_stages(tmp_path):
    file = write(tmp_path, VARIANTS)
    assert list(caffe.Net(file, caffe.TEST).layer_dict) == ["data", "always"]
    assert "high" in caffe.Net(file, caffe.TEST, level=1).layer_dict
    assert "high" in caffe.Net(file, caffe.TEST, 1).layer_dict
    assert "staged" in caffe.Net(file, phase=caffe.TRAIN, stages=["A"]).layer_dict
    assert "both" in caffe.Net(network_file=file, phase=caffe.TEST, stages=["B"]).layer_dict
    assert "both" not in caffe.Net(file, caffe.TEST, 0, ["A", "B"]).layer_dict
    assert "both" not in caffe.Net(file, caffe.TRAIN, stages=["B"]).layer_dict
    with pytest.raises(TypeError, match="phase"):
        caffe.Net(file)


def test_the_seed_decides_the_weights(tmp_path):
    def weights(seed: int) -> list[np.ndarray]:
        caffe.set_random_seed(seed)
        return [make(tmp_path).params["ip"][0].data for _ in range(2)]

    first, second = weights(5)
    assert (first != second).any()
    np.testing.assert_array_equal(weights(5), [first, second])


def test_weights_go_through_files(tmp_path):
    net, file = make(tmp_path), str(tmp_path / "w.caffemodel")
    net.save(file)
    stored = read_weights(file)
    assert (stored.name, stored.types["conv"]) == ("small", "Convolution")
    for other in (
        caffe.Net(write(tmp_path, CONV), file, caffe.TEST),
        caffe.Net(write(tmp_path, CONV), caffe.TEST, weights=file),
    ):
        for name, blobs in net.params.items():
            for ours, theirs in zip(blobs, other.params[name], strict=True):
                np.testing.assert_array_equal(ours.data, theirs.data)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    file = str(tmp_path / "w.caffemodel")
    make(tmp_path).save(file)
    other = make(tmp_path, CONV.replace("num_output: 7", "num_output: 8"))
    with pytest.raises(WeightsError, match="'ip'"):
        other.copy_from(file)
    other.copy_from(file, ignore_mismatch=["ip"])
    with pytest.raises(NetError, match="missing"):
        other.copy_from(str(tmp_path / "missing.caffemodel"))


def test_nets_may_share_parameters(tmp_path):
    one, two = make(tmp_path), make(tmp_path)
    two.share_with(one)
    one.params["conv"][0].data[...] = 3
    assert (two.params["conv"][0].data == 3).all()


def test_arrays_for_a_memory_data_layer(tmp_path):
    net = make(
        tmp_path,
        "layer { name: 'd' type: 'MemoryData' top: 'x' top: 'y' "
        "memory_data_param { batch_size: 2 channels: 1 height: 1 width: 3 } }",
    )
    data = np.arange(12, dtype=np.float32).reshape(4, 1, 1, 3)
    net.set_input_arrays(data, np.arange(4, dtype=np.float32))
    net.forward()
    np.testing.assert_array_equal(net.forward()["x"], data[2:])
    with pytest.raises(NetError, match="needs a MemoryData layer"):
        make(tmp_path).set_input_arrays(data, data)


def test_layers_have_no_other_attributes(tmp_path):
    with pytest.raises(AttributeError, match="layer of type 'Input' has no attribute 'blob'"):
        make(tmp_path).layers[0].blob  # noqa: B018


def test_debug_info(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("GLOG_minloglevel", raising=False)
    net = make(tmp_path, "debug_info: true " + CHAIN)
    net.blobs["data"].data[...] = -2
    net.forward()
    assert [line.split("] ", 1)[1] for line in capsys.readouterr().err.splitlines()] == [
        f"    [Forward] Layer {layer}, top blob {top} data: {mean}"
        for layer, top, mean in [
            ("data", "data", 2),
            ("two", "x", 4),
            ("relu", "x", 0),
            ("three", "y", 0),
            ("one", "z", 1),
        ]
    ]


@pytest.mark.parametrize("name", ["w.caffemodel", "w.caffemodel.h5"])
def test_shared_parameters_there_and_back(tmp_path, name):
    """HDF5 files leave out the weight of the second layer, as Caffe's do."""
    layers = "layer { name: 'data' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 } } }"
    for layer, bottom, top in (("a", "x", "y"), ("b", "y", "z")):
        layers += (
            f"layer {{ name: '{layer}' type: 'InnerProduct' bottom: '{bottom}' top: '{top}' "
            "param { name: 'w' } inner_product_param { num_output: 3 "
            "weight_filler { type: 'xavier' } bias_filler { type: 'uniform' } } }"
        )
    one, two = make(tmp_path, layers), make(tmp_path, layers)
    (one.save_hdf5 if name.endswith("h5") else one.save)(str(tmp_path / name))
    stored = read_weights(tmp_path / name)["b"]
    assert (stored[0] is None) == name.endswith("h5")
    two.copy_from(str(tmp_path / name))
    for layer, blobs in one.params.items():
        for mine, theirs in zip(blobs, two.params[layer], strict=True):
            np.testing.assert_array_equal(mine.data, theirs.data)

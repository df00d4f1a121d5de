import numpy as np
import pytest

import netcfg.pycaffe as caffe
from netcfg.errors import NetError
from netcfg.pycaffe import layers as L  # noqa: N812 - as programs name them
from netcfg.pycaffe import params as P  # noqa: N812 - as programs name them
from netcfg.schema import parse_net
from tests.pycaffe.nets import write


def lenet() -> caffe.NetSpec:
    n = caffe.NetSpec()
    n.data, n.label = L.DummyData(
        shape=[dict(dim=[4, 1, 28, 28]), dict(dim=[4])], transform_param=dict(scale=1 / 255), ntop=2
    )
    filler = dict(type="xavier")
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=filler)
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.ip1 = L.InnerProduct(n.pool1, num_output=10, weight_filler=filler)
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.loss = L.SoftmaxWithLoss(n.relu1, n.label)
    return n


def test_a_net_is_what_its_text_says():
    want = parse_net(
        """
        layer { name: 'data' type: 'DummyData' top: 'data' top: 'label'
          dummy_data_param { shape { dim: [4, 1, 28, 28] } shape { dim: 4 } }
          transform_param { scale: 0.00392156862745098 } }
        layer { name: 'conv1' type: 'Convolution' bottom: 'data' top: 'conv1'
          convolution_param { kernel_size: 5 num_output: 20 weight_filler { type: 'xavier' } } }
        layer { name: 'pool1' type: 'Pooling' bottom: 'conv1' top: 'pool1'
          pooling_param { kernel_size: 2 stride: 2 pool: MAX } }
        layer { name: 'ip1' type: 'InnerProduct' bottom: 'pool1' top: 'ip1'
          inner_product_param { num_output: 10 weight_filler { type: 'xavier' } } }
        layer { name: 'relu1' type: 'ReLU' bottom: 'ip1' top: 'ip1' }
        layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip1' bottom: 'label' top: 'loss' }
        """
    ).message
    want.ClearField("source")
    for layer in want.layer:
        layer.ClearField("source")
    assert lenet().to_proto() == want


def test_its_text_builds(tmp_path):
    net = caffe.Net(write(tmp_path, str(lenet().to_proto())), caffe.TRAIN)
    assert net.blobs["ip1"].shape == (4, 10)
    assert net.forward()["loss"] > 0


def test_names_are_made_up_without_a_spec():
    data = L.DummyData(shape=dict(dim=[1]))
    first, second = L.Slice(data, ntop=2)
    joined = L.Concat(first, L.ReLU(second), L.ReLU(second))
    net = caffe.to_proto(joined, L.Silence(first, ntop=0))
    assert [layer.name for layer in net.layer] == [
        "DummyData1",
        "Slice1",
        "ReLU1",
        "ReLU2",
        "Concat1",
        "Silence1",
    ]
    assert list(net.layer[1].top) == ["Slice1", "Slice2"]
    assert list(net.layer[4].bottom) == ["Slice1", "ReLU1", "ReLU2"]
    assert list(net.layer[5].top) == []
    assert joined.to_proto() == caffe.to_proto(joined)


def test_layers_without_tops_may_have_a_name():
    n = caffe.NetSpec()
    n.data = L.DummyData(shape=dict(dim=[1]))
    n.quiet = L.Silence(n.data, ntop=0)
    assert [layer.name for layer in n.to_proto().layer] == ["data", "quiet"]


def test_tops_are_attributes_and_items():
    n = caffe.NetSpec()
    n["data"] = L.Input(shape=dict(dim=[1]))
    n.x = L.ReLU(n["data"], name="special", loss_weight=2)
    assert n.data is n["data"]
    (_, layer) = n.to_proto().layer
    assert (layer.name, list(layer.top), list(layer.loss_weight)) == ("special", ["x"], [2])
    del n.x
    del n["data"]
    assert list(n.tops) == []
    with pytest.raises(AttributeError, match="no top 'x'"):
        n.x  # noqa: B018


def test_inputs_must_be_tops():
    with pytest.raises(TypeError, match=r"ReLU input 0 is not a Top \(type is <class 'str'>\)"):
        L.ReLU("data")
    pair = L.Slice(L.Input(), ntop=2)
    with pytest.raises(TypeError, match="tuple"):
        L.ReLU(pair)


def test_values_of_many_kinds():
    data = L.Input(shape=dict(dim=np.array([1, 2])))
    pool = L.Pooling(data, kernel_size=np.int64(3), pool="AVE")
    conv = L.Convolution(
        pool,
        convolution_param=dict(num_output=2, kernel_size=[3, 1], weight_filler=dict(std=0.5)),
        param=[dict(lr_mult=1), dict(lr_mult=np.float32(2))],
        include=dict(phase=caffe.TRAIN),
    )
    relu = L.ReLU(conv, relu_param=dict())
    top = L.Deconvolution(relu, convolution_param=conv.to_proto().layer[2].convolution_param)
    shape, pool, conv, relu, deconv = caffe.to_proto(top).layer
    assert list(shape.input_param.shape[0].dim) == [1, 2]
    assert (pool.pooling_param.pool, pool.pooling_param.kernel_size) == (P.Pooling.AVE, 3)
    assert list(conv.convolution_param.kernel_size) == [3, 1]
    assert [spec.lr_mult for spec in conv.param] == [1, 2]
    assert conv.include[0].phase == caffe.TRAIN
    assert relu.HasField("relu_param")
    assert deconv.convolution_param == conv.convolution_param


def test_fields_must_exist():
    with pytest.raises(NetError, match="LayerParameter has no field 'kernel'"):
        L.Pooling(L.Input(), kernel=3).to_proto()


def test_enums():
    assert (P.Pooling.MAX, P.Pooling.AVE, P.Eltwise.SUM, P.Data.LMDB) == (0, 1, 1, 1)
    with pytest.raises(AttributeError, match="NothingParameter"):
        P.Nothing  # noqa: B018
    with pytest.raises(AttributeError):
        P.Pooling.MEAN  # noqa: B018
    with pytest.raises(AttributeError):
        L.__wrapped__  # noqa: B018

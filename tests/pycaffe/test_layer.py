import pytest

import netcfg.pycaffe as caffe


class Nothing(caffe.Layer):
    pass


def test_the_base_class_does_nothing():
    layer = Nothing()
    assert (layer.param_str, layer.phase, list(layer.blobs)) == ("", caffe.TEST, [])
    layer.setup([], [])
    layer.reshape([], [])
    layer.backward([], [], [])
    with pytest.raises(NotImplementedError, match="Nothing has no forward"):
        layer.forward([], [])


def test_layer_types():
    types = caffe.layer_type_list()
    assert {"Convolution", "InnerProduct", "ReLU"} <= set(types)
    assert types == sorted(types)

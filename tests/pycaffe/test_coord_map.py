import numpy as np
import pytest

import netcfg.pycaffe as caffe
from netcfg.pycaffe import layers as L  # noqa: N812 - as programs name them
from netcfg.pycaffe.coord_map import (
    AxisMismatchException,
    UndefinedMapException,
    compose,
    conv_params,
    coord_map,
    coord_map_from_to,
    crop,
    inverse,
)


def data() -> caffe.net_spec.Top:
    return L.Input(shape=dict(dim=[2, 1, 100, 100]))


def fully_convolutional() -> caffe.NetSpec:
    n = caffe.NetSpec()
    n.data = data()
    n.conv = L.Convolution(n.data, num_output=10, kernel_size=3, stride=1, pad=0)
    n.pool = L.Pooling(n.conv, kernel_size=2, stride=2, pad=0)
    n.relu = L.ReLU(n.pool)
    n.deconv = L.Deconvolution(
        n.relu, convolution_param=dict(num_output=10, kernel_size=4, stride=2, pad=0)
    )
    return n


def test_maps_go_both_ways():
    n = fully_convolutional()
    axis, a, b = coord_map_from_to(n.deconv, n.data)
    assert (axis, *a, *b) == (1, 1, 0)
    axis, a, b = coord_map_from_to(n.pool, n.data)
    assert (axis, *a, *b) == (1, 2, 1.5)
    axis, a, b = coord_map_from_to(n.data, n.pool)
    assert (axis, *a, *b) == (1, 0.5, -0.75)
    assert coord_map_from_to(n.data, n.data) == (None, 1, 0)


def test_activations_pass_pixels_on():
    x = data()
    y = L.Dropout(L.BatchNorm(L.ReLU(x)))
    assert coord_map_from_to(y, x) == (None, 1, 0)


def test_dilated_windows_are_larger():
    x = data()
    y = L.Convolution(x, kernel_size=3, dilation=4, pad=2)
    _, a, b = coord_map_from_to(x, y)
    assert (*a, *b) == (1, -2)


def test_one_size_for_each_axis():
    x = data()
    y = L.Convolution(x, kernel_size=[3, 4], stride=[2, 1], pad=[1, 2])
    axis, a, b = coord_map_from_to(y, x)
    assert axis == 1
    np.testing.assert_array_equal(a, [2, 1])
    np.testing.assert_array_equal(b, [0, -0.5])


def test_sizes_by_side_are_refused():
    with pytest.raises(UndefinedMapException, match="use kernel_size"):
        conv_params(L.Pooling(data(), kernel_h=3, kernel_w=2).fn)


def test_padding_is_undone():
    x = data()
    padded = L.Convolution(x, kernel_size=3, pad=100)
    assert padded.fn.params["pad"] == 100
    top = crop(padded, x)
    assert top.fn.params["crop_param"] == {"axis": 2, "offset": [99]}
    assert top.fn.inputs == (padded, x)


def test_crops_move_pixels():
    n = fully_convolutional()
    cut = L.Crop(n.data, n.conv, crop_param=dict(axis=2, offset=3))
    again = L.Crop(cut, n.conv, axis=2, offset=[4])
    axis, a, b = coord_map_from_to(again, n.data)
    assert (axis, a, *b) == (1, 1, 7)
    assert crop(n.data, again).fn.params["crop_param"]["offset"] == [7]


def test_a_crop_of_one_size_per_axis():
    x = data()
    y = L.Convolution(x, kernel_size=[3, 5])
    assert crop(x, y).fn.params["crop_param"]["offset"] == [1, 2]


def test_what_cannot_be_cropped():
    n = fully_convolutional()
    with pytest.raises(AssertionError, match="scale mismatch"):
        crop(n.data, n.pool)
    with pytest.raises(AssertionError, match="negative offset"):
        crop(n.conv, n.data)
    even = L.Convolution(n.data, kernel_size=2)
    with pytest.raises(AssertionError, match="noninteger"):
        crop(n.data, even)


def test_tops_without_a_way_between_them():
    with pytest.raises(RuntimeError, match="no layers with a map"):
        coord_map_from_to(data(), data())
    x = data()
    with pytest.raises(RuntimeError, match="no layers with a map"):
        coord_map_from_to(L.InnerProduct(x, num_output=2), x)
    with pytest.raises(UndefinedMapException, match="InnerProduct"):
        coord_map(L.InnerProduct(x, num_output=2).fn)


def test_several_ways_have_one_map():
    x = data()
    y = L.Convolution(x, kernel_size=3, pad=1)
    total = L.Eltwise(y, L.ReLU(y))
    _, a, b = coord_map_from_to(total, x)
    assert (*a, *b) == (1, 0)


def test_maps_of_other_axes_do_not_fit():
    x = data()
    y = L.Convolution(x, kernel_size=3)
    z = L.Convolution(y, kernel_size=3, axis=2)
    with pytest.raises(AxisMismatchException, match="axes 2 and 1"):
        coord_map_from_to(z, x)


def test_arithmetic():
    assert compose((1, 2, 3), (None, 5, 7)) == (1, 10, 17)
    assert inverse((1, 2, 3)) == (1, 0.5, -1.5)

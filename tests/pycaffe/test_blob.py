import pytest

from netcfg.blob import Blob
from netcfg.errors import NetError, ShapeError
from tests.pycaffe.nets import make


def test_sizes(tmp_path):
    net = make(tmp_path)
    blob = net.blobs["data"]
    assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (5, 2, 3, 4, 120)
    assert repr(blob) == "<Blob 5 x 2 x 3 x 4>"
    bias = net.params["conv"][1]
    assert (bias.num, bias.channels, bias.width, bias.count) == (11, 1, 1, 11)
    assert net.blobs["loss"].count == 1


def test_more_than_four_axes_have_no_old_names(tmp_path):
    blob = make(tmp_path).blobs["data"]
    blob.reshape(1, 2, 3, 4, 5)
    assert blob.shape == blob.data.shape == blob.diff.shape == (1, 2, 3, 4, 5)
    with pytest.raises(ShapeError, match="at most 4 axes"):
        blob.num  # noqa: B018


def test_a_blob_may_change_its_shape_but_not_a_parameter(tmp_path):
    weight = make(tmp_path).params["ip"][0]
    weight.reshape(*weight.shape)
    with pytest.raises(NetError, match=r"parameter 0 has shape .* given \(3,\)"):
        weight.reshape(3)


def test_blobs_cannot_be_replaced(tmp_path):
    blob = make(tmp_path).blobs["data"]
    with pytest.raises(AttributeError):
        blob.data = 3


def test_the_base_holds_nothing():
    for name in ("data", "diff"):
        with pytest.raises(NotImplementedError):
            getattr(Blob(), name)
    with pytest.raises(NotImplementedError):
        Blob().reshape(1)

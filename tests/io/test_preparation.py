"""How images were prepared, in both formats of weights."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.errors import WeightsError
from netcfg.io.caffemodel import StoredLayer, decode_weights, read_weights, write_weights
from netcfg.io.hdf5 import write_weights_hdf5
from netcfg.io.preparation import MEAN, Preparation
from netcfg.io.wire import bytes_field
from netcfg.netcfg_pb2 import NetParameter, TransformationParameter

LAYERS = [StoredLayer("a", "InnerProduct", blobs=[np.ones((2, 3), np.float32)])]
TRANSFORM = TransformationParameter(scale=0.5, mean_file="mean.binaryproto", crop_size=4)
IMAGE = np.arange(48, dtype=np.float32).reshape(3, 4, 4)


@pytest.mark.parametrize("write", [write_weights, write_weights_hdf5])
@pytest.mark.parametrize("mean", [None, IMAGE])
def test_round_trip(tmp_path: Path, write, mean) -> None:
    write(tmp_path / "w", "net", LAYERS, Preparation(TRANSFORM, mean, "BGR"))
    weights = read_weights(tmp_path / "w")
    assert list(weights) == ["a"]
    found = weights.preparation
    assert found is not None
    assert (found.transform, found.channels) == (TRANSFORM, "BGR")
    if mean is None:
        assert found.mean is None
    else:
        np.testing.assert_array_equal(found.mean, IMAGE)
    write(tmp_path / "w", "net", LAYERS)
    assert read_weights(tmp_path / "w").preparation is None


def test_caffe_passes_both_fields_over(tmp_path: Path) -> None:
    write_weights(tmp_path / "w", "net", LAYERS, Preparation(TRANSFORM, IMAGE))
    net = NetParameter.FromString((tmp_path / "w").read_bytes())
    assert [layer.name for layer in net.layer] == ["a"]


def test_a_mean_that_is_no_image(tmp_path: Path) -> None:
    write_weights(tmp_path / "w", "net", LAYERS, Preparation(TRANSFORM))
    data = (tmp_path / "w").read_bytes()
    with pytest.raises(WeightsError, match=r"^w: byte \d+: the mean image has shape \(0,\), not"):
        decode_weights(data + bytes_field(MEAN, b""), "w")
    flat = Preparation(TRANSFORM, IMAGE[0])
    write_weights_hdf5(tmp_path / "w.h5", "net", LAYERS, flat)
    with pytest.raises(WeightsError, match=r"w\.h5': the mean image has shape \(4, 4\), not"):
        read_weights(tmp_path / "w.h5")


def test_damaged_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write_weights_hdf5(path, "net", LAYERS, Preparation(TRANSFORM))
    for value, words in (
        (np.frombuffer(b"\xff\xff", np.uint8), "the transformation of images is damaged"),
        (np.ones(2), "'/preparation/transform' must be a dataset of bytes"),
    ):
        with h5py.File(path, "r+") as file:
            del file["preparation/transform"]
            file["preparation/transform"] = value
        with pytest.raises(WeightsError, match=words):
            read_weights(path)

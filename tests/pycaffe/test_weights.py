import numpy as np
import pytest

from netcfg.errors import WeightsError
from netcfg.io.caffemodel import read_weights
from netcfg.net import Net
from netcfg.pycaffe.weights import load_file, save_file
from netcfg.schema import parse_net
from tests.pycaffe.nets import CONV


@pytest.mark.parametrize("hdf5", [False, True])
def test_there_and_back(tmp_path, hdf5):
    one, two = (Net(parse_net(CONV).message, seed=seed) for seed in (1, 2))
    save_file(one, str(tmp_path / "w.caffemodel"), hdf5=hdf5)
    load_file(two, str(tmp_path / "w.caffemodel"))
    for mine, theirs in zip(one.params, two.params, strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)


def test_layers_without_parameters_are_written_too(tmp_path):
    save_file(Net(parse_net(CONV).message), str(tmp_path / "w.caffemodel"))
    types = read_weights(tmp_path / "w.caffemodel").types
    assert list(types) == ["data", "conv", "ip", "loss"]


def test_other_files_are_refused(tmp_path):
    (tmp_path / "w").write_bytes(b"no weights")
    with pytest.raises(WeightsError):
        load_file(Net(parse_net(CONV).message), str(tmp_path / "w"))


def test_files_say_how_images_are_prepared(tmp_path):
    for fields, scale in (("transform_param { scale: 0.5 mirror: true }", 0.5), ("", None)):
        text = "layer { name: 'd' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 2 } } "
        save_file(Net(parse_net(text + fields + "}").message), str(tmp_path / "w.caffemodel"))
        found = read_weights(tmp_path / "w.caffemodel").preparation
        assert (None if found is None else found.transform.scale) == scale
        assert found is None or not found.transform.HasField("mirror")

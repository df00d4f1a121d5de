import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import netcfg.pycaffe as caffe
from netcfg.errors import NetError
from tests.pycaffe.nets import make, write

NET = """
layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: [2, 3, 8, 8] } } }
layer { name: 'bias' type: 'Bias' bottom: 'data' top: 'bias' }
layer { name: 'mean' type: 'Pooling' bottom: 'bias' top: 'mean'
  pooling_param { pool: AVE global_pooling: true } }
"""


@pytest.fixture
def files(tmp_path):
    make(tmp_path, NET, caffe.TEST).save(tmp_path / "w.caffemodel")
    return write(tmp_path, NET), str(tmp_path / "w.caffemodel")


@pytest.fixture
def picture(tmp_path):
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[5:10, 10:20] = [51, 102, 255]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return str(tmp_path / "a.png")


def test_windows_are_classified(files, picture):
    net = caffe.Detector(*files, raw_scale=10)
    windows = [(5, 10, 10, 20), (0, 0, 5, 5), np.array([5, 10, 10, 20])]
    found = net.detect_windows([(picture, windows), (picture, windows[:1])])
    assert [entry["filename"] for entry in found] == [picture] * 4
    assert found[1]["window"] == (0, 0, 5, 5)
    for entry, want in zip(found, (1, 0, 1, 1), strict=True):
        np.testing.assert_allclose(entry["prediction"], want * np.array([2, 4, 10]), atol=1e-5)
    assert net.detect_windows([]) == []


def test_context_surrounds_a_window(files):
    net = caffe.Detector(*files, context_pad=2)
    image = np.random.default_rng(0).random((40, 40, 3), np.float32)
    crop = net.crop(image, (16, 16, 19, 19))
    assert crop.shape == (8, 8, 3)
    # a window of 4 pixels grows to twice its size
    np.testing.assert_allclose(crop, caffe.io.resize_image(image[14:22, 14:22], (8, 8)))


def test_outside_of_an_image_lies_the_mean(files):
    net = caffe.Detector(
        *files, mean=np.array([10.0, 20, 30]), raw_scale=100, channel_swap=(2, 1, 0), context_pad=2
    )
    crop = net.crop(np.ones((40, 40, 3), np.float32), (0, 0, 7, 7))
    np.testing.assert_allclose(crop[0, 0], [0.3, 0.2, 0.1], rtol=1e-5)
    np.testing.assert_array_equal(crop[4, 4], [1, 1, 1])
    prepared = net.transformer.preprocess("data", net.crop_mean)
    np.testing.assert_allclose(prepared, np.zeros((3, 8, 8)), atol=1e-4)


def test_selective_search_needs_its_package(files, picture, monkeypatch):
    net = caffe.Detector(*files)
    name = "selective_search_ijcv_with_python"
    with pytest.raises(NetError, match=name):
        net.detect_selective_search([picture])
    windows = SimpleNamespace(get_windows=lambda names, cmd: [[(0, 0, 5, 5)] for _ in names])
    monkeypatch.setitem(sys.modules, name, windows)
    assert len(net.detect_selective_search([picture, picture])) == 2

import numpy as np
import pytest

import netcfg.pycaffe as caffe
from tests.pycaffe.nets import make, write

MEANS = """
layer { name: 'data' type: 'Input' top: 'data' input_param { shape { dim: [4, 3, 4, 6] } } }
layer { name: 'scale' type: 'Scale' bottom: 'data' top: 'scale' }
layer { name: 'mean' type: 'Pooling' bottom: 'scale' top: 'mean'
  pooling_param { pool: AVE global_pooling: true } }
"""


@pytest.fixture
def files(tmp_path):
    net = make(tmp_path, MEANS, caffe.TEST)
    net.params["scale"][0].data[...] = [1, 2, 3]
    net.save(tmp_path / "w.caffemodel")
    return write(tmp_path, MEANS), str(tmp_path / "w.caffemodel")


def test_the_center_of_images(files):
    net = caffe.Classifier(
        *files, image_dims=(6, 8), mean=np.array([1.0, 1, 1]), raw_scale=10, channel_swap=(2, 1, 0)
    )
    image = np.zeros((6, 8, 3), np.float32)
    image[1:-1, 1:-1] = [0.1, 0.2, 0.3]
    out = net.predict([image] * 5, oversample=False)
    assert out.shape == (5, 3, 1, 1)
    np.testing.assert_allclose(out[4].ravel(), [2, 2, 0], atol=1e-5)


def test_the_mean_of_ten_crops(files):
    net = caffe.Classifier(*files, image_dims=[6, 8], input_scale=2)
    images = [np.random.default_rng(i).random((12, 16, 3), np.float32) for i in range(2)]
    out = net.predict(images)
    small = [caffe.io.resize_image(image, (6, 8)) for image in images]
    crops = caffe.io.oversample(small, (4, 6)).reshape(2, 10, -1, 3)
    np.testing.assert_allclose(out, 2 * crops.mean(axis=(1, 2)) * [1, 2, 3], rtol=1e-5)


def test_images_have_the_size_of_the_input_by_default(files):
    net = caffe.Classifier(*files)
    assert list(net.image_dims) == list(net.crop_dims) == [4, 6]
    out = net.predict([np.ones((9, 9, 3))])
    np.testing.assert_allclose(out, [[1, 2, 3]], rtol=1e-5)

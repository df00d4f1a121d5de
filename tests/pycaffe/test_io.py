import numpy as np
import pytest
from PIL import Image

import netcfg.pycaffe as caffe
from netcfg.errors import DataError, ShapeError
from netcfg.pycaffe.proto import caffe_pb2

RNG = np.random.default_rng(0)


def test_blobs_there_and_back():
    data, diff = RNG.normal(size=(2, 2, 3, 4, 5)).astype(np.float32)
    blob = caffe.io.array_to_blobproto(data, diff)
    assert list(blob.shape.dim) == [2, 3, 4, 5]
    again = caffe_pb2.BlobProto.FromString(blob.SerializeToString())
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(again), data)
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(again, return_diff=True), diff)


def test_old_blobs_have_four_axes():
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=3, width=4, data=range(24))
    array = caffe.io.blobproto_to_array(blob)
    np.testing.assert_array_equal(array, np.arange(24).reshape(1, 2, 3, 4))


def test_blobs_of_doubles_and_of_one_value():
    blob = caffe_pb2.BlobProto(double_data=[0.1, 0.2])
    blob.shape.dim.append(2)
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob), [0.1, 0.2])
    assert caffe.io.blobproto_to_array(caffe.io.array_to_blobproto(3.0)).shape == ()


def test_several_blobs():
    arrays = [np.ones((2, 3), np.float32), np.zeros(4, np.float32)]
    data = caffe.io.arraylist_to_blobprotovector_str(arrays)
    for one, other in zip(caffe.io.blobprotovector_str_to_arraylist(data), arrays, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_records_there_and_back(dtype):
    array = RNG.integers(256, size=(3, 4, 5)).astype(dtype)
    datum = caffe.io.array_to_datum(array, 7)
    assert (datum.channels, datum.height, datum.width, datum.label) == (3, 4, 5, 7)
    assert bool(datum.data) == (dtype == np.uint8)
    np.testing.assert_array_equal(caffe.io.datum_to_array(datum), array)


def test_records_have_three_axes():
    assert not caffe.io.array_to_datum(np.zeros((1, 1, 1))).HasField("label")
    with pytest.raises(ShapeError, match=r"given \(2, 2\)"):
        caffe.io.array_to_datum(np.zeros((2, 2)))


def test_encoded_records(tmp_path):
    Image.new("RGB", (4, 2), (1, 2, 3)).save(tmp_path / "a.png")
    datum = caffe_pb2.Datum(data=(tmp_path / "a.png").read_bytes(), encoded=True)
    np.testing.assert_array_equal(caffe.io.datum_to_array(datum)[:, 0, 0], [3, 2, 1])


def test_images_are_red_first_from_0_to_1(tmp_path):
    Image.new("RGBA", (4, 2), (255, 51, 0, 9)).save(tmp_path / "a.png")
    image = caffe.io.load_image(tmp_path / "a.png")
    assert (image.shape, image.dtype) == ((2, 4, 3), np.float32)
    np.testing.assert_allclose(image[1, 2], [1, 0.2, 0])
    gray = caffe.io.load_image(str(tmp_path / "a.png"), color=False)
    assert gray.shape == (2, 4, 1)
    np.testing.assert_allclose(gray, 0.2125 + 0.2 * 0.7154, rtol=1e-6)


def test_gray_images(tmp_path):
    Image.new("L", (4, 2), 51).save(tmp_path / "a.png")
    Image.fromarray(np.full((2, 4), 13107, np.uint16)).save(tmp_path / "b.png")
    Image.fromarray(np.full((2, 4), 0.2, np.float32)).save(tmp_path / "c.tif")
    for name in ("a.png", "b.png", "c.tif"):
        np.testing.assert_allclose(caffe.io.load_image(tmp_path / name), np.full((2, 4, 3), 0.2))
        assert caffe.io.load_image(tmp_path / name, False).shape == (2, 4, 1)


def test_files_that_are_no_images(tmp_path):
    (tmp_path / "a.png").write_text("no image")
    for name in ("a.png", "missing.png"):
        with pytest.raises(DataError, match=f"cannot read image '.*{name}'"):
            caffe.io.load_image(tmp_path / name)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_resizing_keeps_a_ramp(order, channels):
    ramp = np.tile(np.arange(16, dtype=np.float32)[:, None, None], (1, 8, channels))
    small = caffe.io.resize_image(ramp, (8, 4), order)
    assert (small.shape, small.dtype) == ((8, 4, channels), np.float32)
    want = 2 * np.arange(8) + (1.0 if order == 0 else 0.5)
    np.testing.assert_allclose(small[2:-2, 1, -1], want[2:-2], atol=1e-4)


def test_ten_crops():
    images = [RNG.normal(size=(7, 9, 3)).astype(np.float32) for _ in range(2)]
    crops = caffe.io.oversample(images, np.array([4, 6]))
    assert crops.shape == (20, 4, 6, 3)
    image = images[1]
    np.testing.assert_array_equal(crops[10], image[:4, :6])
    np.testing.assert_array_equal(crops[11], image[:4, 3:])
    np.testing.assert_array_equal(crops[12], image[3:, :6])
    np.testing.assert_array_equal(crops[13], image[3:, 3:])
    np.testing.assert_array_equal(crops[14], image[1:5, 1:7])
    np.testing.assert_array_equal(crops[15:], crops[10:15, :, ::-1])

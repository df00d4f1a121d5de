import numpy as np
import pytest

from netcfg.data.datum import decode_datum, encode_datum, is_encoded
from netcfg.errors import DataError
from netcfg.netcfg_pb2 import Datum
from tests.data.databases import encoded_datum, images


def test_bytes() -> None:
    image = images(1)[0]
    got, label = decode_datum(encode_datum(image, 7))
    assert got.dtype == np.uint8
    assert np.array_equal(got, image)
    assert label == 7


def test_floats() -> None:
    image = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4)
    got, label = decode_datum(encode_datum(image))
    assert got.dtype == np.float32
    assert np.array_equal(got, image)
    assert label == 0


def test_encoded_images() -> None:
    image = images(1)[0]
    data = encoded_datum(image, 3)
    got, label = decode_datum(data)
    assert np.array_equal(got, image)
    assert label == 3
    assert decode_datum(data, False)[0].shape == (1, 6, 5)
    assert is_encoded(data)


def test_color_leaves_raw_images_alone() -> None:
    assert decode_datum(encode_datum(images(1)[0]), False)[0].shape == (3, 6, 5)


def test_negative_labels() -> None:
    assert decode_datum(encode_datum(images(1)[0], -1))[1] == -1


def test_too_few_bytes() -> None:
    data = Datum(channels=3, height=6, width=5, data=b"x" * 89).SerializeToString()
    with pytest.raises(DataError, match="width is 3 x 6 x 5, but the record holds 89 values"):
        decode_datum(data)


def test_no_sizes_and_negative_ones() -> None:
    with pytest.raises(DataError, match="0 x 0 x 0, but the record holds 0 values"):
        decode_datum(b"")
    data = Datum(channels=-1, height=-2, width=2, data=b"x" * 4).SerializeToString()
    with pytest.raises(DataError, match="-1 x -2 x 2"):
        decode_datum(data)


def test_a_huge_declared_size_allocates_nothing() -> None:
    data = Datum(channels=2**30, height=2**30, width=2**30, data=b"x").SerializeToString()
    with pytest.raises(DataError, match="holds 1 values"):
        decode_datum(data)


def test_what_is_no_datum() -> None:
    with pytest.raises(DataError, match="the record is no Datum"):
        decode_datum(b"\xff\xff\xff")
    assert not is_encoded(b"\xff\xff\xff")


def test_damaged_encoded_image() -> None:
    data = Datum(data=b"not an image", encoded=True).SerializeToString()
    with pytest.raises(DataError, match="no image of a known format"):
        decode_datum(data)

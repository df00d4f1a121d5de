import numpy as np
import pytest

from netcfg.data.datum import SMALL, decode_alike, decode_datum, encode_datum, is_encoded
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


def test_raw_images_look_at_the_record() -> None:
    data = encode_datum(images(1)[0], 7)
    view, label = decode_datum(memoryview(data))
    assert np.shares_memory(view, np.frombuffer(data, np.uint8))
    assert np.array_equal(view, images(1)[0])
    assert label == 7


def varint(number: int) -> bytes:
    parts = []
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


PIXELS = b"\x22\x06abcdef"
UNUSUAL = {
    "another order": b"\x28\x05" + PIXELS + b"\x18\x03\x10\x02\x08\x01",
    "the last of two counts": b"\x08\x09\x08\x01\x10\x02\x18\x03" + PIXELS + b"\x28\x05",
    "long varints": b"\x08\x81\x00\x10\x82\x80\x00\x18\x03" + PIXELS + b"\x28\x85\x80\x00",
    "33 bits": b"\x08\x01\x10\x02\x18\x03" + PIXELS + b"\x28" + varint(2**32 + 5),
    "an unknown field": b"\x08\x01\x10\x02\x18\x03" + PIXELS + b"\x28\x05\x7a\x01x",
    "encoded: false": b"\x08\x01\x10\x02\x18\x03" + PIXELS + b"\x28\x05\x38\x00",
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_what_protobuf_reads_is_read(data: bytes) -> None:
    datum = Datum.FromString(data)
    assert (datum.channels, datum.height, datum.width, datum.label) == (1, 2, 3, 5)
    for value in (data, memoryview(data)):
        image, label = decode_datum(value)
        assert (image.shape, image.tobytes(), label) == ((1, 2, 3), b"abcdef", 5)


@pytest.mark.parametrize("cut", range(1, len(encode_datum(images(1)[0], 300))))
def test_records_cut_short_are_refused(cut: int) -> None:
    data = encode_datum(images(1)[0], 300)[:-cut]
    if cut == 3:  # all but the label
        assert decode_datum(data)[1] == 0
        return
    with pytest.raises(DataError):
        decode_datum(data)


@pytest.mark.parametrize(
    "labels",
    [[0, 5, 127], [128, 300, 16383], [-1, -2, -(2**31)], [70000], [300, 5, -7, 6, 128, 127, 0]],
)
def test_records_that_are_alike(labels: list[int]) -> None:
    x = images(len(labels))
    values = [encode_datum(*pair) for pair in zip(x, labels, strict=True)]
    decoded = decode_alike([memoryview(value) for value in values])
    assert decoded is not None
    assert np.array_equal(decoded[0], x)
    assert decoded[1].tolist() == labels
    assert [decode_datum(value)[1] for value in values] == labels


def test_records_without_labels_are_alike() -> None:
    decoded = decode_alike([encode_datum(image) for image in images(3)])
    assert decoded is not None
    assert decoded[1].tolist() == [0, 0, 0]


RAW = encode_datum(images(1)[0], 1)
OTHERS = {
    "another shape": encode_datum(images(1, (3, 5, 6))[0], 1),
    "another size": encode_datum(images(1, (3, 7, 6))[0], 1),
    "floats": encode_datum(images(1)[0].astype(np.float32), 1),
    "an image file": encoded_datum(images(1)[0], 1),
    "damage": b"\xff" + RAW[1:],
    "another end of the label": RAW[:-1] + b"\x81",
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_records_that_are_not_alike(other: bytes) -> None:
    assert decode_alike([RAW, RAW]) is not None
    assert decode_alike([RAW, other]) is None
    if other not in (OTHERS["another shape"], OTHERS["another size"]):
        assert decode_alike([other, other]) is None


def test_large_records_are_not_copied_together() -> None:
    value = encode_datum(np.zeros((1, 1, SMALL), np.uint8), 1)
    assert decode_alike([value, value]) is None


def test_alike_but_wrong() -> None:
    for sizes in ({"channels": 3, "height": 2, "width": 2}, {"channels": -1, "height": -4}):
        data = Datum(**{"width": 1, **sizes}, data=b"xxxx").SerializeToString()
        assert decode_alike([data, data]) is None

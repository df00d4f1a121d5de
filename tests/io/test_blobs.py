import numpy as np
import pytest

from netcfg.errors import WeightsError
from netcfg.io.blobs import blob_size, read_blob, write_blob
from netcfg.io.wire import Reader, bytes_field, varint
from netcfg.netcfg_pb2 import BlobProto, BlobShape


def read(message: bytes) -> np.ndarray:
    source = Reader(bytes_field(7, message), "f.bin")
    (field,) = source.fields()
    return read_blob(source, field, "blob")


def write(array: np.ndarray) -> bytes:
    return b"".join(bytes(piece) for piece in write_blob(array, 7))


ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.float32(4.5).reshape(()),
    np.zeros((0, 3), np.float32),
    np.linspace(0, 1, 300).reshape(1, 300),
    np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.shape}{a.dtype}")
def test_written_blobs_come_back_here_and_in_protobuf(array: np.ndarray) -> None:
    data = write(array)
    assert len(data) == blob_size(array, 7)
    source = Reader(data, "f.bin")
    (field,) = source.fields()
    got = read_blob(source, field, "blob")
    assert got.dtype == (np.float32 if not array.size else array.dtype)
    assert np.array_equal(got, array)
    assert got.shape == array.shape
    proto = BlobProto.FromString(data[field.start :])
    assert tuple(proto.shape.dim) == array.shape
    stored = proto.double_data if array.dtype == np.float64 else proto.data
    assert list(stored) == array.ravel().tolist()


def test_half_precision_is_stored_as_float32() -> None:
    data = write(np.array([1.5], np.float16))
    assert read(data[2:]).dtype == np.float32


def test_old_shapes_have_four_axes() -> None:
    proto = BlobProto(num=1, channels=1, height=2, width=3, data=range(6))
    assert read(proto.SerializeToString()).shape == (1, 1, 2, 3)


def test_shape_overrules_the_old_fields() -> None:
    proto = BlobProto(num=9, channels=9, shape=BlobShape(dim=[2, 3]), data=range(6))
    assert read(proto.SerializeToString()).shape == (2, 3)


def test_without_a_shape() -> None:
    assert read(BlobProto(data=[7]).SerializeToString()).shape == ()
    assert read(BlobProto(data=[7, 8]).SerializeToString()).shape == (2,)


def test_gradients_are_passed_over() -> None:
    proto = BlobProto(shape=BlobShape(dim=[2]), data=[1, 2], diff=[3, 4])
    assert read(proto.SerializeToString()).tolist() == [1, 2]


@pytest.mark.parametrize(("kind", "dtype"), [(0, "<f8"), (1, "<f4"), (2, "<f2")])
def test_raw_data_of_a_fork(kind: int, dtype: str) -> None:
    shape = bytes_field(7, bytes_field(1, varint(2)))
    raw = b"\x50" + varint(kind) + bytes_field(12, np.array([1.5, -2], dtype).tobytes())
    got = read(shape + raw)
    assert got.dtype == dtype
    assert got.tolist() == [1.5, -2]


def test_values_in_several_pieces() -> None:
    pieces = [bytes_field(5, np.array(v, "<f4").tobytes()) for v in ([1, 2], [3])]
    assert read(b"".join(pieces)).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (
            BlobProto(shape=BlobShape(dim=[2, 2]), data=[1]),
            r"shape \(2, 2\) = 4 values, but holds 1",
        ),
        (BlobProto(shape=BlobShape(dim=[-1, -1]), data=[1]), r"shape \(-1, -1\)"),
        (BlobProto(shape=BlobShape(dim=[1 << 40, 1 << 40])), "but holds 0"),
        (BlobProto(num=0, channels=3, height=1, width=1, data=[1, 2, 3]), "but holds 3"),
    ],
)
def test_shape_and_values_must_agree(proto: BlobProto, message: str) -> None:
    with pytest.raises(WeightsError, match=f"byte 0: blob has {message}|{message}"):
        read(proto.SerializeToString())


def test_unknown_raw_type() -> None:
    with pytest.raises(WeightsError, match="unknown type 3"):
        read(b"\x50\x03" + bytes_field(12, b"1234"))


def test_arrays_of_c3d_have_five_axes() -> None:
    values = np.arange(48, dtype=np.float32)
    lengths = b"".join(varint(i << 3) + varint(n) for i, n in enumerate((2, 3, 1, 2, 4), 1))
    got = read(lengths + bytes_field(6, values.tobytes()) + bytes_field(7, values.tobytes()))
    np.testing.assert_array_equal(got, values.reshape(2, 3, 1, 2, 4))
    with pytest.raises(WeightsError, match=r"blob has shape \(2, 3, 1, 2, 4\) = 48 values, but"):
        read(lengths + bytes_field(6, values[1:].tobytes()))

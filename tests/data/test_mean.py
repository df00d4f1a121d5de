from pathlib import Path

import numpy as np
import pytest

from netcfg.data.mean import read_mean, read_volume_mean, write_mean
from netcfg.errors import DataError
from netcfg.netcfg_pb2 import BlobProto, BlobShape


def test_round_trip(tmp_path: Path) -> None:
    mean = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    write_mean(tmp_path / "mean.binaryproto", mean)
    got = read_mean(tmp_path / "mean.binaryproto")
    assert got.dtype == np.float32
    assert np.array_equal(got, mean)


@pytest.mark.parametrize("dim", [(2, 3, 4), (1, 2, 3, 4), (1, 1, 2, 3, 4)])
def test_newer_shapes_and_doubles(tmp_path: Path, dim: tuple[int, ...]) -> None:
    blob = BlobProto(shape=BlobShape(dim=dim), double_data=range(24))
    (tmp_path / "mean").write_bytes(blob.SerializeToString())
    assert read_mean(tmp_path / "mean").shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (BlobProto(num=1, channels=3, height=4, width=5, data=[1, 2]), "holds 2 values"),
        (BlobProto(num=2, channels=1, height=1, width=1, data=[1, 2]), r"\(2, 1, 1, 1\)"),
        (BlobProto(), r"shape \(0, 0, 0, 0\)"),
        (BlobProto(num=1, channels=1 << 30, height=1 << 30, width=1, data=[1]), "holds 1 values"),
    ],
)
def test_what_is_no_image(tmp_path: Path, blob: BlobProto, message: str) -> None:
    (tmp_path / "mean").write_bytes(blob.SerializeToString())
    with pytest.raises(DataError, match=message):
        read_mean(tmp_path / "mean")


def test_what_is_no_blob(tmp_path: Path) -> None:
    (tmp_path / "mean").write_bytes(b"\xff\xff")
    with pytest.raises(DataError, match="is no BlobProto, or a damaged one"):
        read_mean(tmp_path / "mean")


def test_the_mean_of_clips(tmp_path: Path) -> None:
    values = np.arange(120, dtype=np.float32)
    moved = BlobProto(num=1, channels=3, height=2, width=4, diff=values)
    (tmp_path / "mean").write_bytes(moved.SerializeToString())
    got = read_volume_mean(tmp_path / "mean")
    np.testing.assert_array_equal(got, values.reshape(3, 2, 4, 5))
    for wrong in (
        BlobProto(num=1, channels=3, height=2, width=4, data=values),
        BlobProto(num=1, channels=3, height=2, width=7, diff=values),
        BlobProto(num=2, channels=3, height=2, width=4, diff=values),
    ):
        (tmp_path / "mean").write_bytes(wrong.SerializeToString())
        with pytest.raises(DataError, match=r"must hold \(1, C, L, H, W\) values as C3D writes"):
            read_volume_mean(tmp_path / "mean")
    (tmp_path / "mean").write_bytes(b"\x0a\xff")
    with pytest.raises(DataError, match="is no BlobProto, or a damaged one"):
        read_volume_mean(tmp_path / "mean")
    with pytest.raises(DataError, match=r"cannot read mean of clips '.*none': No such file"):
        read_volume_mean(tmp_path / "none")

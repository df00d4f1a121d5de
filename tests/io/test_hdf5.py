"""Weights in HDF5: Caffe's own file, round trips, and files that hold more than numbers."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.errors import WeightsError
from netcfg.io.caffemodel import StoredLayer, read_weights
from netcfg.io.hdf5 import read_weights_hdf5, write_weights_hdf5
from tests.shared import shared

BLOBS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.float32)]


def test_caffes_file_holds_what_its_other_file_holds() -> None:
    folder = shared("golden/snapshots")
    ours = read_weights_hdf5(folder / "current.caffemodel.h5")
    other = read_weights(folder / "current.caffemodel")
    assert {k for k, v in ours.items() if v} == {k for k, v in other.items() if v}
    for name, blobs in other.items():
        for got, want in zip(ours[name], blobs, strict=True):
            np.testing.assert_array_equal(got, want)


def test_round_trip_by_content(tmp_path: Path) -> None:
    path = tmp_path / "w.caffemodel.h5"
    layers = [StoredLayer("a", "T", blobs=BLOBS[:1]), StoredLayer("a/b", "T", blobs=BLOBS)]
    write_weights_hdf5(path, "net", layers)
    path.rename(tmp_path / "w")
    weights = read_weights(tmp_path / "w")
    for layer in layers:
        for got, want in zip(weights[layer.name], layer.blobs, strict=True):
            np.testing.assert_array_equal(got, want)


def test_layers_without_blobs_are_kept_empty(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write_weights_hdf5(path, "net", [StoredLayer("r", "ReLU"), StoredLayer("c", "T", blobs=BLOBS)])
    weights = read_weights(path)
    assert weights["r"] == []
    np.testing.assert_array_equal(weights["c"][0], BLOBS[0])
    assert weights["c"][1].dtype == np.float32
    assert not weights["c"][0].flags.writeable


def soft(file: h5py.File) -> None:
    file["x"] = BLOBS[0]
    file["data/a/0"] = h5py.SoftLink("/x")


def external(file: h5py.File) -> None:
    file["data/a/0"] = h5py.ExternalLink("other.h5", "/x")


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (2,))
    file.create_group("data/a").create_virtual_dataset("0", layout)


def bomb(file: h5py.File) -> None:
    file.create_group("data/a").create_dataset("0", (1 << 40,), "f4", chunks=(1 << 20,))


def gap(file: h5py.File) -> None:
    file["data/a/1"] = BLOBS[0]


def text(file: h5py.File) -> None:
    file["data/a/0"] = "words"


def no_group(file: h5py.File) -> None:
    file["data/a"] = BLOBS[0]


def nothing(file: h5py.File) -> None:
    file["other"] = BLOBS[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (soft, "'/data/a/0' links to somewhere else"),
        (external, "'/data/a/0' links to somewhere else"),
        (virtual, "'/data/a/0' takes its values from another file"),
        (bomb, "'/data/a/0' declares 4398046511104 bytes; 0 can be there"),
        (gap, "blobs of a layer must be numbered from 0; '/data/a' holds 1"),
        (text, "'/data/a/0' must be a dataset of floats"),
        (no_group, "blobs of a layer must be numbered from 0; '/data' holds a"),
        (nothing, "holds no weights: it has no group '/data'"),
    ],
)
def test_refused(make: Callable[[h5py.File], None], message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(WeightsError) as error:
        read_weights_hdf5(path)
    assert message in str(error.value)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write_weights_hdf5(path, "net", [StoredLayer("c", "T", blobs=BLOBS)])
    whole = path.read_bytes()
    for size in range(8, len(whole), 64):
        path.write_bytes(whole[:size])
        with pytest.raises(WeightsError, match="damaged"):
            read_weights(path)

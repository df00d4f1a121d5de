"""Weights in HDF5: Caffe's own file, round trips, and files that hold more than numbers."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.errors import NetError, WeightsError
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


def test_shared_blobs_are_left_out_and_gradients_are_not(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    diffs = [blob + 1 for blob in BLOBS]
    layers = [
        StoredLayer("a", "T", blobs=BLOBS, diffs=diffs),
        StoredLayer("b/c", "T", blobs=BLOBS, diffs=diffs, shared={0}),
        StoredLayer("d", "T", blobs=BLOBS[:1], diffs=diffs[:1], shared={0}),
    ]
    digest = write_weights_hdf5(path, "net", layers)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    weights = read_weights(path)
    assert weights.nbytes == 4 * (8 + 2)
    first, second = weights["b/c"]
    assert first is None
    np.testing.assert_array_equal(second, BLOBS[1])
    assert weights["d"] == []
    with h5py.File(path) as file:
        for name in ("a", "b/c"):
            for i, diff in enumerate(diffs):
                np.testing.assert_array_equal(file[f"diff/{name}/{i}"], diff)
        np.testing.assert_array_equal(file["diff/d/0"], diffs[0])


def test_names_that_hdf5_has_no_place_for(tmp_path: Path) -> None:
    layers = [StoredLayer(name, "T", blobs=BLOBS) for name in ("a", "a/0")]
    with pytest.raises(NetError, match=r"cannot write '.*w\.h5': layer 'a/0': "):
        write_weights_hdf5(tmp_path / "w.h5", "net", layers)
    assert list(tmp_path.iterdir()) == []


def test_caffe_leaves_out_shared_blobs_too() -> None:
    folder = shared("golden/snapshots")
    weights = read_weights(folder / "sgd_hdf5/s_iter_10.caffemodel.h5")
    whole = read_weights(folder / "sgd_binaryproto/s_iter_10.caffemodel")
    first, second = weights["aux"]
    assert first is None
    np.testing.assert_array_equal(second, whole["aux"][1])


def test_a_solver_state_is_named_as_such() -> None:
    path = shared("golden/snapshots/sgd_hdf5/s_iter_10.solverstate.h5")
    with pytest.raises(WeightsError, match="holds a solver state, no weights"):
        read_weights(path)


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


def number(file: h5py.File) -> None:
    file["data/a/01"] = BLOBS[0]


def many(file: h5py.File) -> None:
    file["data/a/1000"] = BLOBS[0]


def cycle(file: h5py.File) -> None:
    group = file.create_group("data/a")
    group["b"] = file["data"]


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
        (number, "blobs of a layer must be numbered from 0; '/data/a' holds 01"),
        (many, "blobs of a layer must be numbered from 0; '/data/a' holds 1000"),
        (cycle, "is no HDF5 file, or a damaged one"),
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

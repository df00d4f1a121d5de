from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from netcfg.data import hdf5
from netcfg.data.draws import Draws
from netcfg.data.hdf5 import Hdf5Rows
from netcfg.errors import DataError, NetError

COUNTS = (5, 3, 4)
TOTAL = sum(COUNTS)


def make(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    first = 0
    for i, count in enumerate(COUNTS):
        rows = np.arange(first, first + count)
        data = rows[:, None, None] + np.zeros((1, 2, 3))
        make(tmp_path / f"{i}.h5", data=data.astype(np.float64), label=rows)
        first += count
    (tmp_path / "list.txt").write_text("".join(f"{i}.h5\n" for i in range(len(COUNTS))))
    return tmp_path / "list.txt"


def rows(source: Hdf5Rows, batches: int) -> list[int]:
    """Return the labels of batches, after a check that the data belong to them."""
    got = []
    for k in range(batches):
        data, label = source(k).arrays
        assert data.dtype == label.dtype == np.float32
        assert np.array_equal(data, label[:, None, None] + np.zeros((1, 2, 3)))
        got += label.astype(int).tolist()
    return got


@pytest.mark.parametrize("size", [1, 4, 12, 31])
def test_rows_follow_each_other_through_all_files(listed: Path, size: int) -> None:
    source = Hdf5Rows(listed, ["data", "label"], size)
    assert source.shapes() == ((size, 2, 3), (size,))
    assert rows(source, 5) == [i % TOTAL for i in range(5 * size)]
    source.close()


def test_any_batch_can_be_the_first(listed: Path) -> None:
    want = Hdf5Rows(listed, ["label"], 5)
    for k in (7, 0, 100, 3):
        got = Hdf5Rows(listed, ["label"], 5)(k).arrays[0]
        assert np.array_equal(got, want(k).arrays[0])


def test_shuffle_mixes_files_and_rows_within_them(listed: Path) -> None:
    source = Hdf5Rows(listed, ["data", "label"], TOTAL, Draws(1, "data"))
    read = rows(source, 20)
    epochs = [read[i : i + TOTAL] for i in range(0, len(read), TOTAL)]
    assert all(sorted(epoch) == list(range(TOTAL)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 20
    starts = np.cumsum((0, *COUNTS))
    files = [np.searchsorted(starts, epoch, "right") - 1 for epoch in epochs]
    assert all((np.diff(f) != 0).sum() == len(COUNTS) - 1 for f in files)
    assert len({tuple(f) for f in files}) > 3


def test_large_files_are_read_by_rows(listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = rows(Hdf5Rows(listed, ["data", "label"], 7), 6)
    mixed = rows(Hdf5Rows(listed, ["data", "label"], 7, Draws(1, "x")), 6)
    monkeypatch.setattr(hdf5, "IN_MEMORY", 0)
    source = Hdf5Rows(listed, ["data", "label"], 7)
    assert rows(source, 6) == plain
    assert not source._kept
    assert rows(Hdf5Rows(listed, ["data", "label"], 7, Draws(1, "x")), 6) == mixed


def test_few_files_stay_in_memory(listed: Path) -> None:
    source = Hdf5Rows(listed, ["label"], 30)
    source(0)
    assert len(source._kept) == hdf5.FILES_KEPT


def test_datasets_in_groups_and_of_integers(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("g")["x"] = np.arange(6, dtype=np.uint8).reshape(3, 2)
    (tmp_path / "list").write_text(str(tmp_path / "a.h5"))
    source = Hdf5Rows(tmp_path / "list", ["g/x"], 3)
    assert source(0).arrays[0].tolist() == [[0, 1], [2, 3], [4, 5]]


def refused(path: Path, message: str, names: tuple[str, ...] = ("data",)) -> None:
    (path.parent / "list").write_text(f"{path.name}\n")
    with pytest.raises(DataError, match=message):
        Hdf5Rows(path.parent / "list", names, 2)


def test_missing_datasets(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h5", data=np.zeros(2))
    refused(path, r"a\.h5: dataset 'label' is missing; the file holds 'data'", ("data", "label"))
    refused(path, "dataset 'data/x' is missing", ("data/x",))


def test_rows_must_agree(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h5", data=np.zeros((2, 3)), label=np.zeros(3))
    refused(
        path, r"a\.h5: datasets must have as many rows each.*'data' 2, 'label' 3", ("data", "label")
    )
    refused(make(tmp_path / "b.h5", data=np.zeros((0, 3))), "at least 1; 'data' 0")
    make(tmp_path / "c.h5", data=np.zeros((2, 4)))
    (tmp_path / "both").write_text("a.h5\nc.h5\n")
    with pytest.raises(DataError, match=r"c\.h5: rows of 'data' have shape \(4,\), in .*\(3,\)"):
        Hdf5Rows(tmp_path / "both", ["data"], 2)


@pytest.mark.parametrize("values", [np.array(3.0), np.array([b"a", b"b"]), np.array([True])])
def test_other_types(tmp_path: Path, values: np.ndarray) -> None:
    refused(make(tmp_path / "a.h5", data=values), "must be an array of numbers")


def test_groups_are_no_datasets(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("data")
    refused(tmp_path / "a.h5", "must be an array of numbers")


def test_links_are_refused(tmp_path: Path) -> None:
    make(tmp_path / "other.h5", data=np.zeros(2))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["real"] = np.zeros(2)
        file["soft"] = h5py.SoftLink("/real")
        file["data"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/data")
    refused(tmp_path / "a.h5", "dataset 'data' is a link")
    refused(tmp_path / "a.h5", "dataset 'soft' is a link", ("soft",))


def test_data_elsewhere_are_refused(tmp_path: Path) -> None:
    make(tmp_path / "other.h5", data=np.zeros(2))
    (tmp_path / "raw").write_bytes(bytes(16))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layout = h5py.VirtualLayout((2,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "data", (2,))
        file.create_virtual_dataset("data", layout)
        file.create_dataset("raw", (2,), "f8", external=[(str(tmp_path / "raw"), 0, 16)])
    refused(tmp_path / "a.h5", "dataset 'data' lies in another file")
    refused(tmp_path / "a.h5", "dataset 'raw' lies in another file", ("raw",))


def test_sizes_without_data_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (1 << 40,), "f4", chunks=(1 << 10,))
        file.create_dataset("packed", (1 << 40,), "f4", chunks=(1 << 10,), compression="gzip")
    refused(tmp_path / "a.h5", "declares 4398046511104 bytes, but the file holds 0 of it")
    refused(tmp_path / "a.h5", "declares 4398046511104 bytes", ("packed",))


def test_compressed_data(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=np.zeros(100000), compression="gzip")
    (tmp_path / "list").write_text("a.h5")
    assert Hdf5Rows(tmp_path / "list", ["data"], 2)(0).arrays[0].tolist() == [0, 0]


def test_what_is_no_hdf5(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"x" * 2000)
    refused(tmp_path / "a.h5", r"a\.h5 cannot be read as HDF5")
    path = make(tmp_path / "b.h5", data=np.zeros(1000))
    path.write_bytes(path.read_bytes()[:3000])
    refused(path, r"b\.h5 cannot be read as HDF5")


def test_lists(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h5", data=np.zeros(2))
    with pytest.raises(DataError, match="source must be a text file that names HDF5 files"):
        Hdf5Rows(path, ["data"], 2)
    (tmp_path / "list").write_text("\n")
    with pytest.raises(DataError, match="is empty"):
        Hdf5Rows(tmp_path / "list", ["data"], 2)
    (tmp_path / "list").write_text("b.h5\n")
    with pytest.raises(NetError, match=r"file 'b\.h5' not found"):
        Hdf5Rows(tmp_path / "list", ["data"], 2)

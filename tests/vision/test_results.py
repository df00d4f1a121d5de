"""Files of results in every format."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.vision import results
from netcfg.vision.results import check_columns, check_ending, write_results
from netcfg.vision.task import Column

COLUMNS = (
    Column("image", "text"),
    Column("label", "int", 1),
    Column("name", "text", 1),
    Column("scores", "float"),
)
ROWS = [
    {
        "image": f"{k}é,\udcff.png",
        "label": [k, k + 1],
        "name": ["a", 'b"'],
        "scores": np.array([0.25, k, 1 / 3], np.float32),
    }
    for k in range(5)
]


def written(path: Path, rows: list[dict[str, Any]], columns: tuple[Column, ...] = COLUMNS) -> Path:
    write_results(path, columns, lambda: iter(rows), lambda: iter(rows))
    return path


@pytest.fixture(params=[2, 1024])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "PIECE", request.param)


def test_csv(tmp_path: Path) -> None:
    path = written(tmp_path / "r.csv", ROWS)
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["image", "label_1", "name_1", "label_2", "name_2"] + [
        f"scores_{k}" for k in range(3)
    ]
    assert len(rows) == 5
    assert rows[2] == ["2é,\udcff.png", "2", "a", "3", 'b"', "0.25", "2", "0.3333333"]
    empty = written(tmp_path / "e.csv", [])
    assert empty.read_text() == "image,label,name,scores\n"


def test_jsonl(tmp_path: Path) -> None:
    lines = written(tmp_path / "r.jsonl", ROWS).read_text().splitlines()
    assert len(lines) == 5
    record = json.loads(lines[3])
    assert record["scores"] == [0.25, 3, float(np.float32(1 / 3))]
    assert record["image"] == ROWS[3]["image"]


@pytest.mark.usefixtures("piece")
def test_json_has_no_numbers_that_are_not_finite(tmp_path: Path) -> None:
    row = {"image": "a", "top": [{"score": float("nan")}], "x": np.array([1, np.inf], np.float32)}
    path = written(tmp_path / "r.jsonl", [row])
    assert path.read_text() == '{"image": "a", "top": [{"score": null}], "x": [1.0, null]}\n'


def test_hdf5(tmp_path: Path) -> None:
    with h5py.File(written(tmp_path / "r.h5", ROWS)) as file:
        assert file["image"].asstr()[4] == "4é,\\xff.png"
        assert file["label"][:].tolist() == [[k, k + 1] for k in range(5)]
        assert file["name"].asstr()[1].tolist() == ["a", 'b"']
        assert np.array_equal(file["scores"][:], [row["scores"] for row in ROWS])
    with h5py.File(written(tmp_path / "e.h5", [])) as file:
        assert {name: len(data) for name, data in file.items()} == dict.fromkeys(
            ("image", "label", "name", "scores"), 0
        )


@pytest.mark.usefixtures("piece")
def test_npz(tmp_path: Path) -> None:
    with np.load(written(tmp_path / "r.npz", ROWS)) as file:
        assert file["image"][4] == "4é,\\xff.png"
        assert file["label"].tolist() == [[k, k + 1] for k in range(5)]
        assert file["name"][1].tolist() == ["a", 'b"']
        assert np.array_equal(file["scores"], [row["scores"] for row in ROWS])
        assert file["scores"].dtype == np.float32
    with np.load(written(tmp_path / "e.npz", [])) as file:
        assert [len(file[name]) for name in file] == [0] * 4


@pytest.mark.usefixtures("piece")
def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(written(tmp_path / "r.parquet", ROWS)).to_pydict()
    assert table["image"][4] == "4é,\\xff.png"
    assert table["label"] == [[k, k + 1] for k in range(5)]
    assert table["name"][1] == ["a", 'b"']
    assert table["scores"][3] == [0.25, 3, float(np.float32(1 / 3))]
    assert parquet.read_table(written(tmp_path / "e.parquet", [])).num_rows == 0


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NetError, match=r"pip install 'netcfg\[parquet\]'; or choose .csv"):
        check_ending(tmp_path / "r.parquet")


def test_endings(tmp_path: Path) -> None:
    for name in ("r.csv", "r.JSONL", "r.h5", "r.npz"):
        check_ending(tmp_path / name)
    with pytest.raises(NetError, match=r"must be one of \.csv, \.jsonl, \.parquet, \.h5, \.npz"):
        check_ending(tmp_path / "r.txt")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(NetError, match=r"is a folder; the results need the name of a file"):
        check_ending(tmp_path / "d.csv")


def test_names_that_hdf5_has_no_place_for() -> None:
    columns = (Column("image", "text"), Column("image/pool", "float"), Column("imagepool", "float"))
    with pytest.raises(NetError, match=r"HDF5 has no place for 'image/pool' beside 'image'; choo"):
        check_columns(Path("r.h5"), columns)
    check_columns(Path("r.npz"), columns)
    check_columns(Path("r.h5"), columns[::2])


def test_arrays_of_several_axes_and_many_rows(tmp_path: Path) -> None:
    columns = (Column("f", "float"),)
    rows = [{"f": np.full((2, 3), k, np.float32)} for k in range(2500)]
    with h5py.File(written(tmp_path / "r.h5", rows, columns)) as file:
        assert file["f"].shape == (2500, 2, 3)
        assert file["f"][2499, 1, 2] == 2499
    head = written(tmp_path / "r.csv", rows[:1], columns).read_text().splitlines()[0]
    assert head == "f_0,f_1,f_2,f_3,f_4,f_5"

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from netcfg.data import compute_mean as module
from netcfg.data.compute_mean import channel_means, compute_mean
from netcfg.data.database import open_database
from netcfg.data.datum import encode_datum
from netcfg.data.mean import Mean, read_mean
from netcfg.data.write import write_lmdb
from netcfg.errors import DataError
from tests.data.databases import encoded_datum, images, make_lmdb
from tests.shared import shared


def mean_of(path: Path, backend: str = "LMDB", threads: int | None = None) -> Mean:
    database = open_database(path, backend)
    try:
        return compute_mean(database, threads)
    finally:
        database.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_mean_of_each_pixel(threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOGETHER", 4)
    values = images(11)
    mean = mean_of(make_lmdb(tmp_path / "db", values), threads=threads)
    assert mean.dtype == np.float32
    assert np.array_equal(mean, values.mean(axis=0, dtype=np.float64).astype(np.float32))


def test_progress_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOGETHER", 4)
    counts: list[int] = []
    database = open_database(make_lmdb(tmp_path / "db", images(11)), "LMDB")
    compute_mean(database, on_records=counts.append)
    database.close()
    assert counts == [4, 4, 3]


def write(path: Path, values: Sequence[bytes]) -> Path:
    write_lmdb(path, [(b"%d" % i, value) for i, value in enumerate(values)])
    return path


def test_encoded_and_float_records(tmp_path: Path) -> None:
    values = images(3)
    files = write(tmp_path / "png", [encoded_datum(value, 0) for value in values])
    assert np.array_equal(mean_of(files), values.mean(axis=0).astype(np.float32))
    floats = values / np.float32(7)
    path = write(tmp_path / "float", [encode_datum(value) for value in floats])
    assert np.allclose(mean_of(path), floats.mean(axis=0, dtype=np.float64), rtol=1e-7)


def test_channel_means() -> None:
    mean = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    assert channel_means(mean) == [1.5, 5.5, 9.5]


def test_bad_records_are_named(tmp_path: Path) -> None:
    small, large = images(1)[0], images(1, (3, 6, 7))[0]
    path = write(tmp_path / "db", [encode_datum(small), encode_datum(large)])
    with pytest.raises(
        DataError,
        match=r"db: record '1': the image has shape \(3, 6, 7\), the first one, of '0', "
        r"\(3, 6, 5\); .*--resize-width",
    ):
        mean_of(path)
    with pytest.raises(DataError, match="bad: record '1': the record is no Datum"):
        mean_of(write(tmp_path / "bad", [encode_datum(small), b"\xff"]))
    with pytest.raises(DataError, match="bad2: record '0': the record is no Datum"):
        mean_of(write(tmp_path / "bad2", [b"\xff"]))


@pytest.mark.parametrize("name", ["raw_lmdb", "raw_leveldb"])
def test_mean_is_that_of_caffe(name: str) -> None:
    path = shared("golden/data")
    mean = mean_of(path / name, name.removeprefix("raw_").upper())
    assert np.array_equal(mean, read_mean(path / "mean.binaryproto"))

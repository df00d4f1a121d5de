"""Mean images from the command line."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.data.mean import read_mean
from netcfg.data.new_database import write_database
from tests.cli.conftest import Run
from tests.data.databases import images, records

VALUES = images(5)


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_mean_of_a_database(backend: str, run: Run, folder: Path) -> None:
    write_database("db", records(VALUES), backend)
    mean = VALUES.mean(axis=0, dtype=np.float64).astype(np.float32)
    for options in ((), ("-backend", backend)):
        result = run("compute-mean", "db", "out/mean.binaryproto", *options)
        assert result.status == 0
        assert np.array_equal(read_mean("out/mean.binaryproto"), mean)
    channels = VALUES.mean(axis=(0, 2, 3))
    assert result.out.splitlines() == [
        "5 images of 3 × 6 × 5",
        *(f"mean_value channel [{i}]: {value:g}" for i, value in enumerate(channels)),
    ]


def test_nothing_is_written_unasked(run: Run, folder: Path) -> None:
    write_database("db", records(VALUES))
    assert run("compute-mean", "db").status == 0
    assert [path.name for path in folder.iterdir()] == ["db"]


def test_wrong_arguments(run: Run, folder: Path) -> None:
    write_database("db", records(VALUES))
    (folder / "file").write_text("")
    for argv, message in (
        (("dbb",), "file 'dbb' not found; looked in '.'; did you mean 'db'?"),
        (("file",), "'file' is no LMDB"),
        ((".",), "'.' is no LMDB: it holds no data.mdb"),
        (("db", "--backend=leveldb"), "'db' is an LMDB, not a LevelDB"),
        (("db", "file/mean"), "cannot write 'file/mean'"),
        (("db", "db"), "OUT 'db' is a folder"),
    ):
        result = run("compute-mean", *argv)
        assert (result.status, len(result.err.splitlines())) == (2, 1)
        assert message in result.err
    assert sorted(path.name for path in folder.iterdir()) == ["db", "file"]

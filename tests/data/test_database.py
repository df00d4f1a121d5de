import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import lmdb
import numpy as np
import pytest

from netcfg.data import database
from netcfg.data.database import STRIDE, Database, LevelDb, Lmdb, open_database
from netcfg.data.datum import encode_datum
from netcfg.data.draws import Draws
from netcfg.data.leveldb.writer import fill
from netcfg.data.write import write_lmdb
from netcfg.errors import DataError
from tests.data.databases import encoded_datum, images, make_leveldb, make_lmdb

COUNT = 3 * STRIDE + 5


def make_single_file(path: Path, values: np.ndarray) -> Path:
    make_lmdb(path.with_suffix(".folder"), values)
    (path.with_suffix(".folder") / "data.mdb").rename(path)
    return path


MAKERS = {"lmdb": make_lmdb, "file": make_single_file, "leveldb": make_leveldb}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    path = MAKERS[request.param](tmp_path / "db", images(COUNT))
    backend = "LEVELDB" if request.param == "leveldb" else "LMDB"
    opened = open_database(path, backend)
    yield opened
    opened.close()


def labels(source: Database, start: int, count: int) -> list[int]:
    return [source.decode(raw)[1] for raw in source.read(start, count)]


@pytest.mark.parametrize("start", [0, 1, STRIDE - 1, STRIDE, 40, COUNT - 2, COUNT, 5 * COUNT + 3])
def test_any_position_can_be_read_first(made: Database, start: int) -> None:
    want = [(start + i) % COUNT for i in range(7)]
    assert labels(made, start, 7) == want
    assert labels(made, start, 7) == want


def test_reading_wraps_as_often_as_needed(made: Database) -> None:
    assert labels(made, 3, 3 * COUNT) == [(3 + i) % COUNT for i in range(3 * COUNT)]


def test_each_epoch_has_its_order(made: Database) -> None:
    made.shuffle = Draws(1, "data")
    epochs = [labels(made, k * COUNT, COUNT) for k in range(3)]
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert labels(made, 2 * COUNT - 4, 8) == epochs[1][-4:] + epochs[2][:4]
    with made.lend(COUNT + 7, 5) as lent:
        assert [made.decode(raw)[1] for raw in lent] == epochs[1][7:12]


def test_reading_backwards(made: Database) -> None:
    for start in range(2 * COUNT, -1, -13):
        assert labels(made, start, 2) == [start % COUNT, (start + 1) % COUNT]


def test_size(made: Database) -> None:
    assert made.size == COUNT


def test_images_and_places(made: Database) -> None:
    raw = made.read(4, 1)[0]
    assert np.array_equal(made.decode(raw)[0], images(COUNT)[4])
    assert made.where(raw) == f"{made.path}: record '00000004'"
    assert not made.heavy


def test_threads_read_the_same(made: Database) -> None:
    got: dict[int, list[int]] = {}

    def read(start: int) -> None:
        got[start] = labels(made, start, 9)

    threads = [threading.Thread(target=read, args=(7 * i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {7 * i: [(7 * i + j) % COUNT for j in range(9)] for i in range(20)}


def test_encoded_or_large_records_are_heavy(tmp_path: Path) -> None:
    small = make_lmdb(tmp_path / "small", images(2))
    large = make_lmdb(tmp_path / "large", images(2, (3, 200, 200)))
    write_lmdb(tmp_path / "encoded", [(b"0", encoded_datum(images(1)[0], 0))])
    for path, heavy in ((small, False), (large, True), (tmp_path / "encoded", True)):
        source = Lmdb(path)
        assert source.heavy is heavy
        source.close()


def test_one_lmdb_can_be_read_twice(tmp_path: Path) -> None:
    path = make_lmdb(tmp_path / "db", images(3))
    first, second = Lmdb(path), Lmdb(path)
    first.close()
    first.close()
    assert labels(second, 0, 3) == [0, 1, 2]
    second.close()
    assert not database._environments


def test_a_forgotten_lmdb_is_closed(tmp_path: Path) -> None:
    path = make_lmdb(tmp_path / "db", images(3))
    source = Lmdb(path)
    del source
    gc.collect()
    assert not database._environments


def test_an_lmdb_is_closed_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_lmdb(tmp_path / "db", images(3))
    monkeypatch.chdir(tmp_path)
    source = Lmdb(Path("db"))
    monkeypatch.chdir("/")
    source.close()
    assert not database._environments


def test_leveldb_is_left_untouched_and_can_be_read_twice(tmp_path: Path) -> None:
    path = make_leveldb(tmp_path / "db", images(3))
    before = {p.name: (p.stat().st_mtime_ns, p.stat().st_size) for p in path.iterdir()}
    path.chmod(0o555)
    first, second = LevelDb(path), LevelDb(path)
    assert labels(first, 0, 4) == labels(second, 0, 4) == [0, 1, 2, 0]
    first.close()
    second.close()
    path.chmod(0o755)
    assert {p.name: (p.stat().st_mtime_ns, p.stat().st_size) for p in path.iterdir()} == before


def test_the_wrong_backend(tmp_path: Path) -> None:
    one = make_lmdb(tmp_path / "lmdb", images(1))
    other = make_leveldb(tmp_path / "leveldb", images(1))
    with pytest.raises(DataError, match="lmdb' is an LMDB, not a LevelDB: set backend: LMDB"):
        open_database(one, "LEVELDB")
    with pytest.raises(DataError, match="leveldb' is a LevelDB, not an LMDB: set backend: LEVELDB"):
        open_database(other, "LMDB")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty' is no LMDB: it holds no data\.mdb"):
        open_database(tmp_path / "empty", "LMDB")
    with pytest.raises(DataError, match="empty' is no LevelDB: it holds no file CURRENT"):
        open_database(tmp_path / "empty", "LEVELDB")


def test_empty_databases(tmp_path: Path) -> None:
    lmdb.open(str(tmp_path / "lmdb"), lock=False).close()
    with pytest.raises(DataError, match=r"LMDB '.*lmdb' is empty"):
        Lmdb(tmp_path / "lmdb")
    gc.collect()
    assert not database._environments
    (tmp_path / "leveldb").mkdir()
    fill(tmp_path / "leveldb", [])
    source = LevelDb(tmp_path / "leveldb")
    with pytest.raises(DataError, match=r"LevelDB '.*leveldb' is empty"):
        source.read(0, 1)
    source.close()


def test_what_is_no_lmdb(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(bytes(10000))
    with pytest.raises(DataError, match=r"is no LMDB, or a damaged one: .*MDB_INVALID"):
        Lmdb(tmp_path)


def test_a_truncated_lmdb_does_not_kill_the_process(tmp_path: Path) -> None:
    path = make_lmdb(tmp_path / "db", images(50, (3, 40, 40)))
    size = (path / "data.mdb").stat().st_size
    os.truncate(path / "data.mdb", size // 2)
    with pytest.raises(DataError, match=f"is cut short: it needs {size} bytes and holds"):
        Lmdb(path)


def test_a_damaged_leveldb(tmp_path: Path) -> None:
    path = make_leveldb(tmp_path / "db", images(50, (3, 40, 40)))
    (table,) = path.glob("*.ldb")
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 255
    table.write_bytes(data)
    source = LevelDb(path)
    with pytest.raises(DataError, match=r"LevelDB file '.*\.ldb' is damaged: the checksum of"):
        source.read(0, 50)
    table.unlink()
    source.close()
    with pytest.raises(DataError, match=r"LevelDB '.*db' cannot be read: .*No such file"):
        source.read(0, 1)
    with pytest.raises(DataError, match=r"table 000001\.ldb of its manifest is missing"):
        LevelDb(path)
    (path / "CURRENT").write_text("MANIFEST-999999\n")
    with pytest.raises(DataError, match="it names MANIFEST-999999, which is missing"):
        LevelDb(path)


def test_keys_of_any_bytes_have_a_name(tmp_path: Path) -> None:
    source = Lmdb(make_lmdb(tmp_path / "db", images(1)))
    assert source.where((b"a\xff", b"")).endswith(r"record 'a\xff'")
    source.close()


def test_color_goes_to_the_decoder(tmp_path: Path) -> None:
    write_lmdb(
        tmp_path / "db",
        [(b"0", encoded_datum(images(1)[0], 0)), (b"1", encode_datum(images(1)[0]))],
    )
    source = Lmdb(tmp_path / "db", color=False)
    assert [source.decode(raw)[0].shape[0] for raw in source.read(0, 2)] == [1, 3]
    source.close()


def test_leaving_without_closing(tmp_path: Path) -> None:
    one = make_lmdb(tmp_path / "lmdb", images(3))
    other = make_leveldb(tmp_path / "leveldb", images(3))
    code = (
        "from pathlib import Path; from netcfg.data.database import LevelDb, Lmdb\n"
        f"a, b = Lmdb(Path({str(one)!r})), LevelDb(Path({str(other)!r}))\n"
        "a.read(0, 2), b.read(0, 2)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("start", [0, STRIDE + 1, COUNT - 2])
def test_lent_records_are_those_that_are_read(made: Database, start: int) -> None:
    with made.lend(start, 5) as records:
        assert [(bytes(k), bytes(v)) for k, v in records] == made.read(start, 5)
        assert made.where(records[0]) == made.where(made.read(start, 1)[0])
        decoded = made.decode_alike(records)
        assert decoded is not None
        assert decoded[1].tolist() == labels(made, start, 5)


def test_lent_values_of_an_lmdb_lie_in_its_file(tmp_path: Path) -> None:
    source = Lmdb(make_lmdb(tmp_path / "db", images(3)))
    with source.lend(0, 3) as records, source.lend(0, 3) as again:
        for (_, one), (_, other) in zip(records, again, strict=True):
            assert np.shares_memory(np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8))
    source.close()

from pathlib import Path

import pytest

from netcfg.data.leveldb.log import BLOCK, read_records, write_record
from netcfg.errors import DataError

RECORDS = [b"", b"a", bytes(range(256)) * 400, b"b" * (BLOCK - 7), b"c"]


def write(path: Path, records: list[bytes]) -> Path:
    with path.open("wb") as file:
        for record in records:
            write_record(file, record)
    return path


def test_records_come_back(tmp_path: Path) -> None:
    assert list(read_records(write(tmp_path / "log", RECORDS))) == RECORDS


@pytest.mark.parametrize("left", range(9))
def test_records_around_the_end_of_a_block(tmp_path: Path, left: int) -> None:
    records = [bytes(BLOCK - 7 - left), b"next", b"x"]
    path = write(tmp_path / "log", records)
    assert list(read_records(path)) == records
    # A header goes where it fits, even if it takes nothing with it.
    assert any(path.read_bytes()[BLOCK - left : BLOCK]) is (left >= 7)


@pytest.mark.parametrize("cut", [1, 3, 10, 40, 7 + 200, 1000])
def test_a_record_that_was_cut_is_left_out(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "log", [b"first", bytes(2 * BLOCK)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert list(read_records(path)) == [b"first"]
    path.write_bytes(whole[:BLOCK])  # the end of a record is missing, and nothing else
    assert list(read_records(path)) == [b"first"]


def test_space_that_was_never_written(tmp_path: Path) -> None:
    path = write(tmp_path / "log", [b"first"])
    path.write_bytes(path.read_bytes() + bytes(3 * BLOCK))
    assert list(read_records(path)) == [b"first"]


def test_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "log", [b"first", b"second"])
    data = path.read_bytes()
    path.write_bytes(data[:20] + b"?" + data[21:])
    with pytest.raises(DataError, match=r"file '.*log' is damaged: the checksum of byte 12"):
        list(read_records(path))
    path.write_bytes(data[:6] + b"\x02" + data[7:])
    with pytest.raises(DataError, match="the checksum of byte 0 does not match"):
        list(read_records(path))


def test_a_length_beyond_a_block(tmp_path: Path) -> None:
    path = write(tmp_path / "log", [bytes(BLOCK - 7), b"x"])
    data = bytearray(path.read_bytes())
    data[4:6] = b"\xff\xff"
    path.write_bytes(data)
    with pytest.raises(DataError, match="the checksum of byte 0 does not match"):
        list(read_records(path))


def test_parts_that_do_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "log", [bytes(BLOCK), b"x"])
    data = path.read_bytes()
    path.write_bytes(data[BLOCK:].ljust(BLOCK, b"\0") + data)
    with pytest.raises(DataError, match="a record lacks its beginning or its end"):
        list(read_records(path))
    path.write_bytes(data[:BLOCK] + write(tmp_path / "y", [b"y"]).read_bytes())
    with pytest.raises(DataError, match="a record lacks its beginning or its end"):
        list(read_records(path))

from pathlib import Path

import pytest

from netcfg.data.leveldb.coding import PUT, entry_key, string, varint
from netcfg.data.leveldb.log import write_record
from netcfg.data.leveldb.manifest import (
    LOG,
    NEXT,
    PREVIOUS_LOG,
    SEQUENCE,
    File,
    read_version,
    table_name,
    write_version,
)
from netcfg.errors import DataError

FILES = [
    File(n, 1000 * n, entry_key(b"%d" % n, n, PUT), entry_key(b"%d9" % n, n, PUT))
    for n in range(1, 400)
]


def edits(folder: Path, *records: bytes) -> Path:
    """Write a manifest of given edits."""
    (folder / "CURRENT").write_text("MANIFEST-000007\n")
    with (folder / "MANIFEST-000007").open("wb") as file:
        for record in records:
            write_record(file, record)
    return folder


def added(number: int, level: int = 0) -> bytes:
    ends = string(entry_key(b"a", 1, PUT)) + string(entry_key(b"b", 2, PUT))
    return b"\x07" + varint(level) + varint(number) + varint(5000) + ends


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    write_version(tmp_path, 6, FILES, 12345)
    version = read_version(tmp_path)
    assert version.tables == {(6, file.number): file for file in FILES}
    assert (FILES[2].start, FILES[2].end) == (b"3", b"39")
    assert version.numbers == {LOG: 401, PREVIOUS_LOG: 0, NEXT: 402, SEQUENCE: 12345}
    names = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert names.keys() == {"CURRENT", "LOCK", "MANIFEST-000400", "000401.log"}
    assert names["LOCK"] == names["000401.log"] == 0
    assert table_name(3) == "000003.ldb"


def test_edits_follow_each_other(tmp_path: Path) -> None:
    first = b"\x01" + string(b"leveldb.BytewiseComparator") + b"\x02\x05\x09\x03" + added(4)
    pointer = b"\x05\x01" + string(entry_key(b"k", 1, PUT))
    second = b"\x06\x00\x04" + added(8, 1) + added(9, 2) + pointer + b"\x02\x0a\x03\x14\x04\x07"
    version = read_version(edits(tmp_path, first, second, b"\x06\x01\x09"))
    assert sorted(version.tables) == [(1, 8), (2, 9)]
    assert [version.has_log(n) for n in (3, 4, 9, 10, 11)] == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (b"\x08", "MANIFEST-000007' is damaged: an edit cannot be read: unknown field 8"),
        (added(4)[:-1], "MANIFEST-000007' is damaged: an edit cannot be read"),
        (b"\x02", "MANIFEST-000007' is damaged: an edit cannot be read"),
        (
            b"\x01" + string(b"mine"),
            r"MANIFEST-000007: keys are ordered by 'mine'; only the order of bytes",
        ),
    ],
)
def test_what_is_no_edit(tmp_path: Path, edit: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_version(edits(tmp_path, edit))


def test_a_manifest_that_was_cut(tmp_path: Path) -> None:
    write_version(tmp_path, 6, FILES, 12345)
    path = tmp_path / "MANIFEST-000400"
    whole = path.read_bytes()
    for size in (len(whole) - 1, 3, 0):
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="000400' is damaged: it was cut before the end of its"):
            read_version(tmp_path)


@pytest.mark.parametrize(
    ("current", "message"),
    [
        ("MANIFEST-000009\n", "CURRENT' is damaged: it names MANIFEST-000009, which is missing"),
        ("MANIFEST-000007", "CURRENT' is damaged: it names no manifest"),
        ("../MANIFEST-000007\n", "CURRENT' is damaged: it names no manifest"),
        ("", "CURRENT' is damaged: it names no manifest"),
    ],
)
def test_current(tmp_path: Path, current: str, message: str) -> None:
    edits(tmp_path)
    (tmp_path / "CURRENT").write_text(current)
    with pytest.raises(DataError, match=message):
        read_version(tmp_path)


def test_no_leveldb(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no LevelDB: it holds no file CURRENT"):
        read_version(tmp_path)

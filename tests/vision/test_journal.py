"""Journals of what is done."""

import json
from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.vision.journal import Journal

IDENTITY = {"command": "X", "inputs": "3"}


def filled(path: Path, count: int = 3) -> Path:
    journal = Journal(path, IDENTITY)
    journal.add({"i": k, "image": f"{k}é"} for k in reversed(range(count)))
    journal.close()
    return path


def held(path: Path) -> list[int]:
    journal = Journal(path, IDENTITY)
    numbers = [record["i"] for record in journal.records()]
    assert numbers == [k for k in range(99) if k in journal]
    assert len(journal) == len(numbers)
    journal.close()
    return numbers


def test_records_come_back_in_order_with_arrays(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sub/j", IDENTITY)
    array = np.arange(6, dtype=np.float32).reshape(2, 3) / 7
    journal.add([{"i": 2, "x": array}, {"i": 0, "x": [1, "é\udcff"]}])
    first, second = journal.records()
    assert first == {"i": 0, "x": [1, "é\udcff"]}
    assert np.array_equal(second["x"], array)
    journal.add([{"i": 1}])  # reading does not disturb writing
    assert [r["i"] for r in journal.records()] == [0, 1, 2]
    journal.close()


def test_goes_on_where_it_stood(tmp_path: Path) -> None:
    path = filled(tmp_path / "j")
    assert held(path) == [0, 1, 2]
    journal = Journal(path, IDENTITY)
    journal.add([{"i": 7}])
    journal.close()
    assert held(path) == [0, 1, 2, 7]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path, cut: int) -> None:
    path = filled(tmp_path / "j")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert held(path) == [1, 2]
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:-1])


def test_after_a_damaged_line_nothing_counts(tmp_path: Path) -> None:
    path = filled(tmp_path / "j")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + b"\0\0\0\n" + lines[3])
    assert held(path) == [2]


def test_a_head_that_was_cut_off(tmp_path: Path) -> None:
    path = filled(tmp_path / "j")
    path.write_bytes(path.read_bytes()[:10])
    assert held(path) == []
    assert held(path) == []


def test_another_run_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "j")
    with pytest.raises(NetError, match=r"of a run with other inputs; give .* or --restart"):
        Journal(path, {**IDENTITY, "inputs": "4"})
    assert held(path) == [0, 1, 2]
    other = Journal(path, {**IDENTITY, "inputs": "4"}, restart=True)
    assert len(other) == 0
    other.close()
    with pytest.raises(NetError, match=r"other inputs"):
        Journal(path, IDENTITY)


def test_what_is_no_journal(tmp_path: Path) -> None:
    for text in ("text\n", "[1]\n", json.dumps({"a": 1}) + "\n"):
        (tmp_path / "j").write_text(text)
        with pytest.raises(NetError, match=r"is no journal of netcfg; move it away"):
            Journal(tmp_path / "j", IDENTITY)
        assert (tmp_path / "j").read_text() == text
    (tmp_path / "file").write_text("")
    with pytest.raises(NetError, match=r"cannot write"):
        Journal(tmp_path / "file/j", IDENTITY)


def test_a_full_disk(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        journal = Journal(tmp_path / "j", {})
        own, journal._file = journal._file, full  # type: ignore[assignment]
        with pytest.raises(NetError, match=r"cannot write '.*j': No space left on device"):
            journal._write(b"x" * 100)
        journal.close()
        own.close()


def test_one_run_at_a_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", IDENTITY)
    with pytest.raises(NetError, match=r"another run is writing it"):
        Journal(tmp_path / "j", IDENTITY)
    journal.remove()
    assert not (tmp_path / "j").exists()
    filled(tmp_path / "j")

from pathlib import Path

from netcfg.solver.hooks import BadData
from netcfg.solver.solver import Solver
from tests.solver.recorder import Recorder
from tests.solver.toy import make_project


def lines(folder: Path, records: list[tuple[str, str]]) -> list[str]:
    recorder = Recorder()
    solver = Solver(make_project(folder, "max_iter: 1"), hooks=[BadData(), recorder], out=folder)
    solver.train_net.layer("data").bad_records = records  # type: ignore[attr-defined]
    solver.solve()
    return recorder.lines


def test_records_are_listed_once(tmp_path: Path) -> None:
    records = [("a.jpg", "cut off"), ("b.jpg", "empty"), ("a.jpg", "cut off")]
    assert lines(tmp_path, records) == [
        "layer 'data': 2 records could not be used",
        "  a.jpg: cut off",
        "  b.jpg: empty",
    ]


def test_many_records_are_counted(tmp_path: Path) -> None:
    said = lines(tmp_path, [(f"{i}.jpg", "empty") for i in range(50)])
    assert said[0] == "layer 'data': 50 records could not be used"
    assert len(said) == 22
    assert said[-1] == "  and 30 more"


def test_good_data_need_no_words(tmp_path: Path) -> None:
    assert lines(tmp_path, []) == []

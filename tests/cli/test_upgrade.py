"""Upgrading files, from the command line."""

from pathlib import Path

from tests.cli.conftest import Run

OLD = 'layers { name: "d" type: DUMMY_DATA top: "d" }\n'


def test_new_file(run: Run, folder: Path) -> None:
    (folder / "old.prototxt").write_text(OLD)
    result = run("upgrade", "old.prototxt", "new.prototxt")
    assert (result.status, result.err) == (0, "")
    assert result.out == (
        "old.prototxt:1:1: note: 1 V1 'layers' read as 'layer'\nnew.prototxt: net, upgraded\n"
    )
    assert (folder / "old.prototxt").read_text() == OLD
    assert 'type: "DummyData"' in (folder / "new.prototxt").read_text()
    again = run("upgrade", "new.prototxt", "newer.prototxt")
    assert again.out == "newer.prototxt: net, current already: the file is as it was\n"


def test_the_old_file_is_replaced_when_asked_only(run: Run, folder: Path) -> None:
    (folder / "old.prototxt").write_text(OLD)
    for words in (["old.prototxt"], ["old.prototxt", "new", "--in-place"]):
        refused = run("upgrade", *words)
        assert refused.status == 2
        assert "either OUT, the new file, or --in-place" in refused.err
    same = run("upgrade", "old.prototxt", "./old.prototxt")
    assert same.status == 2
    assert "'./old.prototxt' is the file to upgrade; --in-place replaces it" in same.err
    assert (folder / "old.prototxt").read_text() == OLD
    assert run("upgrade", "--in-place", "old.prototxt").status == 0
    assert (folder / "old.prototxt").read_text().startswith("layer {\n")


def test_kind(run: Run, tiny: Path) -> None:
    wrong = run("upgrade", "--net", "solver.prototxt", "new")
    assert (wrong.status, "must hold a net" in wrong.err) == (2, True)
    assert run("upgrade", "--solver", "solver.prototxt", "new").status == 0

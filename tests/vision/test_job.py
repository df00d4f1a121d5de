"""Runs over many pictures: whole results, and every picture once whatever happens."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.errors import DataError, NetError
from netcfg.vision.classifier import Classifier
from netcfg.vision.inputs import collect
from netcfg.vision.job import Job, Report
from netcfg.vision.settings import Settings
from tests.vision.nets import CLASSIFY, write_net, write_pictures

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_net(tmp_path, CLASSIFY)
    write_pictures(tmp_path / "in", 9)
    return tmp_path


def job(out: str = "r.jsonl", top: int = 1, inputs: str = "in", **options: Any) -> Job:
    task = Classifier("net.prototxt", Settings(["w.caffemodel"]), batch=2, top=top)
    return Job(task, collect([inputs]), Path(out), **options)


def results(out: str = "r.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(out).read_text().splitlines()]


def test_a_whole_run(folder: Path) -> None:
    told: list[int] = []
    report = job().run(on_pictures=told.append)
    assert (report.pictures, report.before, report.unreadable) == (9, 0, [])
    assert told == [2, 2, 2, 2, 1]
    found = results()
    assert [r["image"] for r in found] == [str(p) for p in sorted(Path("in").iterdir())]
    assert [r["top"][0]["label"] for r in found] == [0, 1, 2] * 3
    assert set(found[0]) == {"image", "top"}
    assert sorted(os.listdir()) == ["in", "net.prototxt", "r.jsonl", "w.caffemodel"]


class StoppedError(Exception):
    """What ends a run in a test."""


def stopped_after(pictures: int, run: Job) -> None:
    done = 0

    def stop(count: int) -> None:
        nonlocal done
        done += count
        if done >= pictures:
            raise StoppedError

    with pytest.raises(StoppedError):
        run.run(on_pictures=stop)


def test_goes_on_where_it_was_stopped(folder: Path) -> None:
    job().run()
    whole = results()
    Path("r.jsonl").unlink()
    stopped_after(3, job())
    assert not Path("r.jsonl").exists()
    again = job()
    assert (again.before, again.left) == (4, 5)
    told: list[int] = []
    assert again.run(on_pictures=told.append).before == 4
    assert sum(told) == 5
    assert results() == whole


def test_stopped_between_result_and_end(folder: Path) -> None:
    """The result is there, and so is the journal: the result is written once more."""
    stopped_after(9, job())
    Path("r.jsonl").write_text("old")
    again = job()
    assert again.left == 0
    again.run()
    assert len(results()) == 9
    assert not Path("r.jsonl.journal").exists()


def test_something_else_is_refused(folder: Path) -> None:
    stopped_after(3, job())
    with pytest.raises(NetError, match=r"of a run with other options; give .* or --restart"):
        job(top=2)
    (folder / "in/zzz.png").write_bytes(next(Path("in").iterdir()).read_bytes())
    with pytest.raises(NetError, match=r"of a run with other inputs"):
        job()
    with pytest.raises(NetError, match=r"of a run with other inputs, pictures"):
        job(pictures=Path("p"))
    assert job(top=2, restart=True).run().pictures == 10


def test_results_that_are_there_are_kept(folder: Path) -> None:
    job().run()
    with pytest.raises(NetError, match=r"'r.jsonl' is there already; --restart replaces it"):
        job()
    assert job(restart=True).run().pictures == 9
    with pytest.raises(NetError, match=r"must be one of .csv"):
        job("r.txt")
    with pytest.raises(NetError, match=r"'net.prototxt' is a file; pictures need a folder"):
        job("q.csv", pictures=Path("net.prototxt"))


def test_unreadable_pictures_are_reported_and_tried_again(folder: Path) -> None:
    good = Path("in/001_green.png").read_bytes()
    for name in ("001_green.png", "004_green.png"):
        Path("in", name).write_bytes(b"no picture")
    report = job().run()
    assert [name for name, _ in report.unreadable] == ["in/001_green.png", "in/004_green.png"]
    assert (report.pictures, len(results())) == (7, 7)
    lines = Path("r.jsonl.unreadable.txt").read_text().splitlines()
    assert lines[1].startswith("in/004_green.png\tno picture of a known format")
    for name in ("001_green.png", "004_green.png"):
        Path("in", name).write_bytes(good)
    again: Report = job().run()
    assert (again.pictures, again.before, again.unreadable) == (9, 7, [])
    assert [r["top"][0]["label"] for r in results()] == [0, 1, 2] * 3
    assert sorted(os.listdir()) == ["in", "net.prototxt", "r.jsonl", "w.caffemodel"]


def test_names_with_line_breaks_take_one_line(folder: Path) -> None:
    (folder / "in/a\nb\t.png").write_bytes(b"")
    report = job().run()
    assert report.unreadable == [("in/a\\nb\\t.png", "an empty file")]
    text = Path("r.jsonl.unreadable.txt").read_text()
    assert text == "in/a\\nb\\t.png\tan empty file\n"


def test_an_unreadable_picture_may_end_the_run(folder: Path) -> None:
    good = Path("in/004_green.png").read_bytes()
    Path("in/004_green.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"picture 'in/004_green.png': an empty file; --on-error"):
        job().run("stop")
    assert not Path("r.jsonl").exists()
    Path("in/004_green.png").write_bytes(good)
    again = job()
    assert again.before >= 5
    assert again.run("stop").pictures == 9


def test_pictures_of_the_results(folder: Path) -> None:
    stopped_after(3, job(pictures=Path("p")))
    job(pictures=Path("p")).run()
    assert os.listdir("p") == ["index.html"]
    text = Path("p/index.html").read_text()
    assert text.count("data:image/jpeg") == 9
    assert all("thumb" not in record for record in results())


def test_tables_have_the_names_of_pictures(folder: Path) -> None:
    job("r.npz", top=2).run()
    with np.load("r.npz") as file:
        assert file["image"][4] == "in/004_green.png"
        assert file["label"][:, 0].tolist() == [0, 1, 2] * 3
        assert file["score"].shape == (9, 2)


@pytest.fixture
def many(folder: Path) -> list[str]:
    write_pictures(folder / "many", 60)
    slow = (
        "import sys, time; from netcfg.vision import pictures; from netcfg.cli.main import main; "
        "was = pictures.decode_picture; "
        "pictures.decode_picture = lambda data: (time.sleep(0.02), was(data))[1]; "
        "sys.exit(main(sys.argv[1:]))"
    )
    command = (
        "classify net.prototxt many --weights w.caffemodel --batch 2 --out k.jsonl --workers 1"
    )
    return [sys.executable, "-c", slow, *command.split()]


def test_killed_again_and_again(many: list[str]) -> None:
    """After SIGKILL in the middle, what a run without kills finds, each picture once."""
    journal = Path("k.jsonl.journal")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def lines() -> int:
        return journal.read_bytes().count(b"\n") if journal.exists() else 0

    for _ in range(2):
        goal = max(1, lines()) + 6
        run = subprocess.Popen(many, env=environment, stderr=subprocess.DEVNULL)
        while lines() < goal and run.poll() is None:
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    assert not Path("k.jsonl").exists()
    last = subprocess.run(many, env=environment, capture_output=True, text=True, check=True)
    assert " of 60 pictures were done before" in last.stderr
    found = results("k.jsonl")
    assert [r["image"] for r in found] == [str(p) for p in sorted(Path("many").iterdir())]
    assert [r["top"][0]["label"] for r in found] == [0, 1, 2] * 20

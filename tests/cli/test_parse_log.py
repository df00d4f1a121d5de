"""Tables of logs, from the command line."""

from pathlib import Path

from tests.cli.conftest import Run

LOG = """\
I0102 10:00:00.000000  1 solver.cpp:1] Solving x
I0102 10:00:01.000000  1 solver.cpp:1] Iteration 0, loss = 1
I0102 10:00:01.000000  1 solver.cpp:1]     Train net output #0: loss = 1 (* 1 = 1 loss)
I0102 10:00:01.000000  1 solver.cpp:1] Iteration 0, lr = 0.5
"""


def test_tables(run: Run, folder: Path) -> None:
    (folder / "run.log").write_text(LOG)
    result = run("parse-log", "run.log", "tables", "--verbose")
    assert (result.status, result.out) == (0, "wrote tables/run.log.train\n")
    assert (folder / "tables/run.log.train").read_text() == (
        "NumIters,Seconds,LearningRate,loss\n0.0,1.0,0.5,1.0\n"
    )
    quiet = run("parse-log", "run.log", ".", "--delimiter", r"\t")
    assert (quiet.status, quiet.out) == (0, "")
    assert (folder / "run.log.train").read_text().startswith("NumIters\tSeconds\t")


def test_no_log(run: Run, tiny: Path) -> None:
    result = run("parse-log", "net.prototxt", ".")
    assert (result.status, "is no log of training" in result.err) == (2, True)


def test_a_run_of_netcfg(run: Run, tiny: Path) -> None:
    assert run("train", "solver.prototxt", "--out", "out", "--quiet").status == 0
    assert run("parse-log", "out", "tables").status == 0
    lines = (tiny / "tables/metrics.jsonl.test").read_text().splitlines()
    assert lines[0] == "NumIters,Seconds,LearningRate,accuracy,loss"
    assert [line.split(",")[0] for line in lines[1:]] == ["0.0", "10.0", "20.0"]
    assert {line.split(",")[2] for line in lines[1:]} == {"0.1"}

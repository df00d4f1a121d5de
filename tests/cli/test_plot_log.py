"""Learning curves, from the command line."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def logs(folder: Path) -> Path:
    for name, factor in (("a", 1.0), ("b", 0.5)):
        lines = [
            {"iteration": i, "phase": "train", "loss": factor / (i + 1), "lr": 0.1, "seconds": i,
             "outputs": {}}
            for i in range(3)
        ]  # fmt: skip
        scores = {"accuracy": 0.5, "loss": 0.3, "mAP": 0.7}
        lines.append(
            {"iteration": 2, "phase": "test", "net": 0, "outputs": scores, "seconds": 9}
        )  # fmt: skip
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def test_pictures(run: Run, logs: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run("plot-log", "c.png", "a.jsonl", "b.jsonl")
    assert (result.status, result.err) == (0, "")
    assert result.out == "c.png: loss, accuracy, learning rate, mAP\n"
    assert (logs / "c.png").read_bytes().startswith(b"\x89PNG")
    assert run("plot-log", "c.svg", "a.jsonl", "--title", "my run").status == 0
    assert b"<svg" in (logs / "c.svg").read_bytes()


@pytest.mark.parametrize(
    ("options", "panels"),
    [
        (["--chart", "0"], "accuracy"),
        (["--chart", "3"], "loss"),
        (["--chart", "5"], "learning rate"),
        (["--y", "mAP", "--y", "test-loss"], "mAP, loss"),
        (["--y", "accuracy", "--x", "seconds"], "accuracy"),
    ],
)
def test_chosen_curves(run: Run, logs: Path, options: list[str], panels: str) -> None:
    pytest.importorskip("matplotlib")
    assert run("plot-log", "c.png", "a.jsonl", *options).out == f"c.png: {panels}\n"


def test_train_and_test_are_told_apart(logs: Path) -> None:
    pytest.importorskip("matplotlib")
    from netcfg.cli.plot_log import _choose
    from netcfg.solver.curves import compare
    from netcfg.solver.logs import read_log

    panels = compare({"a": read_log("a.jsonl")})
    for wanted, labels in (
        (["test-loss"], ["test loss"]),
        (["train-loss"], ["train loss"]),
        (["train-loss", "loss"], ["train loss", "test loss"]),
    ):
        assert [line.label for line in _choose(panels, wanted)["loss"]] == labels


def test_what_is_refused(run: Run, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    (logs / "no.jsonl").write_text('{"iteration": 1, "phase": "train", "outputs": {}}\n')
    for words, message in (
        (["--chart", "8"], "--chart must be 0 to 7; given 8"),
        (["--chart", "0", "--y", "loss"], "--chart and --y exclude each other"),
        (["--y", "map"], "--y map: no log holds it; did you mean 'mAP'?"),
    ):
        result = run("plot-log", "c.png", "a.jsonl", *words)
        assert result.status == 2
        assert message in result.err
    assert "nothing to draw over iters in no.jsonl" in run("plot-log", "c.png", "no.jsonl").err
    assert "must end in a format" in run("plot-log", "c", "a.jsonl").err
    monkeypatch.delitem(sys.modules, "netcfg.solver.curves", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    assert "pip install 'netcfg[viz]'" in run("plot-log", "c.png", "a.jsonl").err
    assert not (logs / "c.png").exists()

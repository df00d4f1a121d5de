from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib")

from netcfg.errors import NetError
from netcfg.solver.curves import collect, compare, draw_curves, draw_panels


def record(iteration: int, phase: str = "train", **more: Any) -> dict[str, Any]:
    return {"iteration": iteration, "phase": phase, "outputs": {}} | more


def test_curves_by_panel() -> None:
    records = [
        record(0, "test", net=0, outputs={"accuracy": 0.1, "loss": 2.4, "prob": [0.5, 0.5]}),
        record(0, loss=2.3, lr=0.1, outputs={"loss": 2.2}),
        record(5, loss=None, lr=0.1),
        record(10, "test", net=0, outputs={"accuracy": 0.9, "loss": 0.4}),
        record(10, loss=0.3, lr=0.01),
    ]
    panels = collect(records)
    assert list(panels) == ["loss", "accuracy", "learning rate"]
    got = {line.label: (line.xs, line.ys, line.test) for p in panels.values() for line in p}
    assert got == {
        "train loss": ([0, 10], [2.3, 0.3], False),
        "test loss": ([0, 10], [2.4, 0.4], True),
        "test accuracy": ([0, 10], [0.1, 0.9], True),
        "learning rate": ([0, 5, 10], [0.1, 0.1, 0.01], False),
    }


def test_several_test_nets_are_told_apart() -> None:
    records = [record(0, "test", net=i, outputs={"acc": 0.5}) for i in range(2)]
    assert [line.label for line in collect(records)["accuracy"]] == ["test 0 acc", "test 1 acc"]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [record(0, loss=1.0, lr=0.1)],
        [record(i, loss=10.0 ** (-i), lr=0.1**i) for i in range(5)],
        [record(i, "test", net=0, outputs={"accuracy": 0.5}) for i in range(100)],
    ],
    ids=["none", "one", "wide", "many tests"],
)
def test_pictures_of_any_run(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    draw_curves(records, tmp_path / "c.png", "net")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_several_runs() -> None:
    slow = [record(0, loss=2.0, lr=0.1, seconds=1.0), record(9, loss=1.0, lr=0.1, seconds=5.0)]
    resumed = [*slow, record(5, loss=1.5, lr=0.1, seconds=7.0), record(9, loss=0.5, seconds=9.0)]
    panels = compare({"slow": slow, "resumed": resumed})
    assert list(panels) == ["loss", "learning rate"]
    assert [(line.label, line.run, line.xs, line.ys) for line in panels["loss"]] == [
        ("slow: train loss", 0, [0, 9], [2.0, 1.0]),
        ("resumed: train loss", 1, [0, 5, 9], [2.0, 1.5, 0.5]),
    ]
    alone = compare({"slow": slow}, "seconds")["loss"][0]
    assert (alone.label, alone.run, alone.xs) == ("train loss", None, [1.0, 5.0])
    assert compare({"untimed": [record(0, loss=2.0)]}, "seconds") == {}


def test_other_outputs_have_panels_of_their_own() -> None:
    records = [record(0, "test", net=0, outputs={"mAP": 0.5, "accuracy": 0.1}), record(0, lr=0.1)]
    assert list(collect(records)) == ["accuracy", "learning rate"]
    assert list(compare({"a": records})) == ["accuracy", "learning rate", "mAP"]
    assert compare({"a": records})["mAP"][0].label == "test mAP"


def test_formats(tmp_path: Path) -> None:
    runs = {
        name: [record(i, "test", net=k, outputs={"acc$x$": 0.5, "a$1": 1.0}) for i in range(3)]
        for k, name in enumerate(["_a", "b$"])
    }
    panels = compare(runs)
    draw_panels(panels, tmp_path / "c.SVG", "$\\nonsense$", "iteration")
    text = (tmp_path / "c.SVG").read_text()
    assert "<svg" in text
    draw_panels(panels, tmp_path / "c.pdf", "title", "seconds")
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")
    for wrong in ("c.xyz", "c"):
        with pytest.raises(NetError, match=r"must end in a format \(known: .*png"):
            draw_panels(panels, tmp_path / wrong, "title")
        assert not (tmp_path / wrong).exists()

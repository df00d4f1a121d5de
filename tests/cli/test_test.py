"""Scores from the command line."""

import re
from pathlib import Path

import pytest

from netcfg.io.caffemodel import write_weights
from netcfg.net import Net
from netcfg.types import Phase
from netcfg.weights import stored_layers
from tests.cli.conftest import Run


@pytest.fixture
def weights(run: Run, tiny: Path) -> str:
    assert run("train", "solver.prototxt", "--quiet").status == 0
    return "tiny_iter_20.caffemodel"


def test_prints_each_batch_and_the_means(run: Run, weights: str) -> None:
    result = run("test", "net.prototxt", "--weights", weights, "--iterations", "3")
    assert result.status == 0
    losses = [float(n) for n in re.findall(r"^Batch \d, loss = (\S+)$", result.out, re.MULTILINE)]
    assert len(losses) == 3
    *_, total, accuracy, loss = result.out.splitlines()
    assert accuracy == "accuracy = 1"
    mean = float(total.removeprefix("Loss: "))
    assert mean == pytest.approx(sum(losses) / 3, rel=1e-4)
    assert loss == f"loss = {mean:g} (* 1 = {mean:g} loss)"


def test_quiet_prints_the_means_only(run: Run, weights: str) -> None:
    result = run("test", "--net", "net.prototxt", "--weights", weights, "--quiet")
    assert [line.split()[0] for line in result.out.splitlines()] == ["Loss:", "accuracy", "loss"]


def test_net_once(run: Run, weights: str) -> None:
    assert "the net is missing" in run("test", "--weights", weights).err
    twice = run("test", "a", "--net", "b", "--weights", weights)
    assert (twice.status, "the net is given twice: 'a' and 'b'" in twice.err) == (2, True)


def test_every_layer_needs_weights(run: Run, weights: str, tiny: Path) -> None:
    net = tiny / "net.prototxt"
    net.write_text(net.read_text().replace('"ip"', '"ip2"'))
    argv = ["test", "net.prototxt", "--weights", weights, "--iterations", "1"]
    result = run(*argv)
    assert result.status == 2
    assert "net.prototxt:9:1: layer 'ip2' (InnerProduct)" in result.err
    assert "pass --ignore-mismatch ip2" in result.err
    assert run(*argv, "--ignore-mismatch", "ip2").status == 0


def test_refuses_what_is_no_weights_file(run: Run, weights: str) -> None:
    result = run("test", "net.prototxt", "--weights", "net.prototxt")
    assert (result.status, result.err.count("\n")) == (2, 1)


DETECTS = """
layer { name: "d" type: "DummyData" top: "found" top: "true" dummy_data_param {
  shape { dim: 1 dim: 1 dim: 2 dim: 7 } shape { dim: 1 dim: 1 dim: 2 dim: 8 }
  data_filler { type: "constant" value: 1 } data_filler { type: "constant" value: 1 } } }
layer { name: "s" type: "Scale" bottom: "found" top: "scaled" scale_param { axis: 3
  filler { type: "constant" value: 1 } } }
layer { name: "e" type: "DetectionEvaluate" bottom: "scaled" bottom: "true" top: "eval"
  detection_evaluate_param { num_classes: 3 } }
"""


def test_detections(run: Run, folder: Path) -> None:
    (folder / "net.prototxt").write_text(DETECTS)
    with Net("net.prototxt", Phase.TEST) as net:
        write_weights("w.caffemodel", net.name, stored_layers(net.layers, net.engine))
    result = run("test", "net.prototxt", "--weights", "w.caffemodel", "--iterations", "2")
    # Boxes without an area find nothing.
    assert result.out.splitlines() == ["class1: 0", "class2: 0", "eval = 0"]
    given = run("test", "net.prototxt", "--weights", "w.caffemodel", "--ap-version", "12point")
    assert (given.status, "(choose from" in given.err) == (2, True)

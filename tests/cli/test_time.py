"""Times from the command line."""

import json
import re
from pathlib import Path

from netcfg.engines import get_engine
from tests.cli.conftest import Run


def test_table_and_speed(run: Run, tiny: Path) -> None:
    result = run("time", "net.prototxt", "--iterations", "2")
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[0] == f"engine {get_engine().name}, medians of 2 iterations"
    assert lines[2].split() == ["layer", "type", "forward", "ms", "backward", "ms", "share"]
    assert [line.split()[0] for line in lines[4:7]] == ["data", "ip", "loss"]
    assert re.fullmatch(r"[\d.]+ ms an iteration of 4 images, [\d.]+ images/s", lines[-1])


def test_forward_only(run: Run, tiny: Path) -> None:
    result = run("time", "net.prototxt", "--iterations", "1", "--forward-only", "--phase", "test")
    layers = [line.split() for line in result.out.splitlines()[4:8]]
    assert [words[0] for words in layers] == ["data", "ip", "accuracy", "loss"]
    assert {words[3] for words in layers} == {"0.000"}


def test_other_batch(run: Run, tiny: Path) -> None:
    result = run("time", "net.prototxt", "--iterations", "1", "--shape", "data=7,3")
    assert "iteration of 7 images" in result.out


def test_net_without_loss(run: Run, tiny: Path) -> None:
    net = (tiny / "net.prototxt").read_text()
    (tiny / "net.prototxt").write_text(net[: net.index('layer {\n  name: "accuracy"')])
    result = run("time", "net.prototxt", "--iterations", "1")
    assert "there is no backward pass" in result.out


def test_trace(run: Run, tiny: Path) -> None:
    result = run("time", "net.prototxt", "--iterations", "1", "--trace", "trace.json")
    events = json.loads((tiny / "trace.json").read_text())["traceEvents"]
    assert {e["name"] for e in events if e["cat"] == "forward"} == {"data", "ip", "loss"}
    assert {e["name"] for e in events if e["cat"] == "backward"} == {"ip", "loss"}
    assert "open it in chrome://tracing" in result.out.splitlines()[-1]

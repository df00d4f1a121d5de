"""Events as trace viewers read them."""

import json
from pathlib import Path

import pytest

from netcfg.trace import Trace


def test_spans_become_complete_events(tmp_path: Path) -> None:
    trace = Trace()
    with trace.span("outer", "forward"), trace.span("inner", "reorder", shape="(2, 3)"):
        pass
    trace.add("later", "reorder", 1.0, 1.5)
    path = tmp_path / "deep" / "trace.json"
    trace.write(path)
    events = json.loads(path.read_text())["traceEvents"]
    assert [event["name"] for event in events] == ["inner", "outer", "later"]
    assert all(event["ph"] == "X" and event["ts"] >= 0 for event in events)
    assert events[0]["args"] == {"shape": "(2, 3)"}
    assert events[2]["dur"] == 0.5e6
    assert events[1]["ts"] <= events[0]["ts"]
    assert trace.count("reorder") == 2


def test_what_fails_is_recorded_too() -> None:
    trace = Trace()
    with pytest.raises(ValueError, match="no"), trace.span("bad", "forward"):
        raise ValueError("no")
    assert trace.count("forward") == 1


def test_no_events(tmp_path: Path) -> None:
    Trace().write(tmp_path / "trace.json")
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"] == []

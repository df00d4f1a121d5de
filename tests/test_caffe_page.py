"""``docs/caffe.md`` is fresh: its tables say what the code has, and what it lacks."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/caffe.md"
TOOL = ROOT / "tools/gen_caffe_table.py"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOL.parent))
    return importlib.import_module("gen_caffe_table")


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_page_is_fresh():
    command = [sys.executable, str(TOOL), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_check_tells_a_stale_page_and_leaves_it(tool, tmp_path, monkeypatch, capsys):
    page = tmp_path / "caffe.md"
    stale = PAGE.read_text().replace("| `ReLU` | ✓ |", "| `ReLU` | – |")
    assert stale != PAGE.read_text()
    page.write_text(stale)
    monkeypatch.setattr(tool, "PAGE", page)
    monkeypatch.setattr(tool, "PARTS", {"layers": tool.layers})
    monkeypatch.setattr(sys, "argv", [str(TOOL), "--check"])
    assert tool.main() == 1
    assert capsys.readouterr().err == "caffe.md is stale: run python tools/gen_caffe_table.py\n"
    assert page.read_text() == stale
    monkeypatch.setattr(sys, "argv", [str(TOOL)])
    assert tool.main() == 0
    assert "| `ReLU` | ✓ |" in page.read_text()
    assert page.read_text().startswith(PAGE.read_text().split("<!--")[0])


def test_what_is_missing_is_shown_as_missing(tool, monkeypatch):
    before = tool.layers()
    assert "| `ReLU` | ✓ | Rectifier" in before
    assert "(../netcfg/layers/activation.py)" in before
    monkeypatch.delitem(tool.registry, "ReLU")
    after = tool.layers()
    assert "| `ReLU` | – |  |  |" in after
    assert int(after.split()[0]) == int(before.split()[0]) - 1
    monkeypatch.setattr(tool, "COMMANDS", {"frobnicate": None})
    assert ["caffe train", "–"] in [row[:2] for row in rows(tool.tools())]
    assert tool.tools().endswith("Beyond Caffe's: `netcfg frobnicate`.\n")


def test_every_field_of_caffes_solver_is_there(tool):
    table = {row[0]: row[1] for row in rows(tool.fields())[2:]}
    assert len(table) == 42
    assert {name for name, here in table.items() if here != "✓"} == {
        "`layer_wise_reduce`",
    }


def test_marks_must_be_there_once(tool):
    with pytest.raises(SystemExit, match="must have one '<!-- layers: made"):
        tool.fill("# nothing")


def test_every_name_that_is_missing_has_a_reason():
    page = PAGE.read_text()
    part = page[page.index("<!-- python:") : page.index("<!-- end python -->")]
    lacks = {row[0]: row[2] for row in rows(part)[2:]}
    assert len(lacks) > 15
    assert lacks["`caffe`"] == "`NCCL` (`has_nccl()` is False, which programs ask first)"
    for owner, text in lacks.items():
        assert re.fullmatch(r"((`\w+` )+\([^;]+\)(; |$))*", text), owner


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())
    assert len(links) > 60
    assert [link for link in links if not (PAGE.parent / link).exists()] == []

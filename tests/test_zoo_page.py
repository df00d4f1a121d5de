"""``docs/zoo.md`` is fresh, and what it shows is true."""

import contextlib
import importlib
import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from netcfg.cli.main import build_parser
from netcfg.zoo.card import read_card
from netcfg.zoo.store import models, packaged

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/zoo.md"
TOOL = ROOT / "tools/gen_zoo.py"

CARD = """\
name = "{0}"
title = "A | b"
task = "{1}"
paper = "P"
licence = "L"
parameters = 1234567
multiply_adds = 5
[input]
size = [2, 3]
channels = "RGB"
[output]
blob = "prob"
"""
MORE = """\
[published]
parameters = "1.2 M"
multiply_adds = "not published"
source = "table 1"
[accuracy]
top1 = 57.5
map = 70
protocol = "somewhere"
[[weights]]
file = "a"
urls = ["http://x/a"]
sha256 = "{0}"
[[weights]]
file = "b"
"""


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOL.parent))
    return importlib.import_module("gen_zoo")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_page_is_fresh() -> None:
    command = [sys.executable, str(TOOL), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_check_tells_a_stale_page_and_leaves_it(
    tool: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = tmp_path / "zoo.md"
    stale = PAGE.read_text().replace("| 431 080 |", "| 431 081 |")
    assert stale != PAGE.read_text()
    page.write_text(stale)
    monkeypatch.setattr(tool, "PAGE", page)
    monkeypatch.setattr(sys, "argv", [str(TOOL), "--check"])
    assert tool.main() == 1
    assert capsys.readouterr().err == "zoo.md is stale: run python tools/gen_zoo.py\n"
    assert page.read_text() == stale
    monkeypatch.setattr(sys, "argv", [str(TOOL)])
    assert tool.main() == 0
    assert page.read_text() == PAGE.read_text()
    with pytest.raises(SystemExit, match="must have one"):
        tool.fill("nothing", [])


def test_tables(tool: ModuleType, tmp_path: Path) -> None:
    for name, task, more in (("b", "detection", ""), ("a", "edges", MORE.format("0" * 64))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.toml").write_text(CARD.format(name, task) + more)
    text = tool.fill(f"before {tool.BEGIN} old {tool.END} after", tool.read_cards(tmp_path))
    assert text.startswith(f"before {tool.BEGIN}\n\n2 models; of 1 the weights are known by a hash")
    assert text.endswith(f"{tool.END} after")
    assert text.index("### Detection") < text.index("### Edges")
    row = next(line for line in text.splitlines() if line.startswith("| [a]"))
    assert re.split(r" (?<!\\)\| ", row.strip("| ")) == [
        "[a](../models/a) <br> A \\| b; P",
        "2×3 RGB",
        "1 234 567",
        "5",
        "1.2 M parameters (table 1) <br> top-1 57.5 %, mAP 70 % (somewhere)",
        "`a` (sha256) <br> `b` (no hash, no address)",
    ]
    assert "| [b](../models/b) <br> A \\| b; P | 2×3 RGB | 1 234 567 | 5 | – | – |" in text


def test_the_card_of_the_page(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    text = text.replace('sha1 = "…"', f'sha1 = "{"0" * 40}"')
    (tmp_path / "squeezenet1.1").mkdir()
    (tmp_path / "squeezenet1.1/card.toml").write_text(text)
    card = read_card(tmp_path / "squeezenet1.1")
    assert card.example is not None
    real = read_card(packaged() / "squeezenet1.1")
    assert (card.parameters, card.multiply_adds) == (real.parameters, real.multiply_adds)


def test_the_python_of_the_page() -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec("".join(blocks("python")), {})
    assert out.getvalue() == "(10, 500)\n"


def test_the_commands_of_the_page() -> None:
    lines = re.findall(r"^    netcfg (.*?)(?: *#.*)?$", PAGE.read_text(), re.MULTILINE)
    assert len(lines) >= 8
    for line in lines:
        args = build_parser().parse_args(line.replace("'", "").split())
        assert args.command
        for name in re.findall(r"zoo:([\w.]+)", line):
            assert name in models()

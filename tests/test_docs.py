"""The documentation is executed: files are written, Python runs, commands succeed."""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import netcfg.layers  # noqa: F401 - fills the registry
from netcfg.cli.main import COMMANDS, main
from netcfg.layer import registry

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    file: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*match) for match in FENCE.findall((ROOT / page).read_text())]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(registry)
    yield tmp_path
    for name in set(registry) - known:
        del registry[name]
    sys.modules.pop("my_layers", None)


def test_new_layer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = blocks("docs/new_layer.md")
    names: dict[str, object] = {}
    commands = 0
    for block in page:
        if block.file:
            (folder / block.file).write_text(block.text)
        elif block.language == "python":
            exec(block.text, names)
        elif block.language == "sh":
            for line in block.text.splitlines():
                command = shlex.split(line)
                assert command[0] == "netcfg"
                assert main(command[1:]) == 0
                commands += 1
    assert commands == 2
    assert "SoftClip" in capsys.readouterr().out
    source = next(block.text for block in page if block.file == "my_layers.py")
    assert len([line for line in source.splitlines() if line.strip()]) < 30


def test_the_python_example_of_the_readme(folder: Path) -> None:
    pytest.importorskip("sklearn")
    (folder / "configs").symlink_to(ROOT / "configs")
    script = [sys.executable, str(ROOT / "data_scripts/get_digits.py")]
    subprocess.run(script, check=True, capture_output=True)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for block in blocks("README.md"):
            if block.language == "python":
                exec(block.text, {})
    assert float(out.getvalue()) > 0.9


def test_the_readme_names_commands_and_targets_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    targets = re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"^make (\w+)", text, re.MULTILINE)) <= set(targets)
    named = re.findall(r"`netcfg ([a-z-]+)", text)
    assert named
    assert set(named) <= set(COMMANDS)
    for path in re.findall(r"\]\(([\w/.]+)\)", text) + re.findall(r"`(configs/\w+)`", text):
        assert (ROOT / path).exists(), path


def test_new_layer_says_what_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks("docs/new_layer.md"):
        if block.file:
            (folder / block.file).write_text(block.text)
    net = folder / "net.prototxt"
    net.write_text(net.read_text().replace("limit: 2", "limt: 2"))
    assert main(["show", "net.prototxt", "--import", "my_layers"]) == 2
    message = capsys.readouterr().err
    assert "net.prototxt:5:" in message
    assert "did you mean 'limit'?" in message

"""The documentation is executed: files are written, Python runs, commands succeed."""

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import netcfg.layers  # noqa: F401 - fills the registry
from netcfg.cli.main import main
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

import io
import re
import sys

import pytest

from netcfg.cli import bar as module
from netcfg.cli.bar import bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 3)
    with bar(10, "images") as step:
        for _ in range(4):
            step()
        step(6)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["3 of 10 images", "10 of 10 images"]
    assert all(re.fullmatch(r"\d+ of 10 images, [\d.]+ images/s", line) for line in lines)


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with bar(10, "images") as step:
        step(10)
    assert "0/10" in terminal.getvalue()
    assert "images/s" in terminal.getvalue()

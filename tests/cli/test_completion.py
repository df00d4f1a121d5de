"""Completion of shells."""

import sys

import pytest

from netcfg.cli.layers import _types
from netcfg.cli.main import build_parser
from tests.cli.conftest import Run

SHELLS = {"bash": "complete ", "zsh": "compdef ", "fish": "complete --command netcfg"}


@pytest.mark.parametrize("shell", SHELLS)
def test_code(run: Run, shell: str) -> None:
    pytest.importorskip("argcomplete")
    result = run("completion", shell)
    assert result.status == 0
    assert SHELLS[shell] in result.out


def test_needs_argcomplete(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argcomplete.shell_integration", None)
    result = run("completion", "bash")
    assert result.status == 2
    assert "pip install 'netcfg[completion]'" in result.err


def test_unknown_shell(run: Run) -> None:
    assert "invalid choice: 'tcsh'" in run("completion", "tcsh").err


def test_words() -> None:
    argcomplete = pytest.importorskip("argcomplete")
    finder = argcomplete.CompletionFinder(build_parser(), always_complete_options=False)
    comp = finder._get_completions([], "tr", "", None)
    assert [word.strip() for word in comp] == ["train"]
    assert "Pooling" in _types()

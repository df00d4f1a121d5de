import subprocess
from pathlib import Path

import pytest

from benchmarks import startup


def test_every_step_runs() -> None:
    assert all(startup.measure(code, 1) > 0 for code in startup.STEPS.values())


def test_what_fails_is_not_measured() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        startup.measure("raise SystemExit(3)", 1)


def test_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "measure", lambda code, rounds: len(code) + rounds / 100)
    startup.main(["--rounds", "5", "--out", str(tmp_path / "t.md")])
    text = (tmp_path / "t.md").read_text()
    assert "| the interpreter alone | 0.05 |" in text
    assert "| import NumPy | 12.05 |" in text

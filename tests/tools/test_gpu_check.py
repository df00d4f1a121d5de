"""The check of a card, with parts made up: each is a row, whatever becomes of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools/gpu_check.py"
PARTS = """
import subprocess, sys, time

def device():
    return "a card | of paper"

def parity():
    raise ValueError("conv differs")

def golden():
    return "skipped: nothing to compare with"

def leak():
    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"])

def determinism():
    sys.exit(7)
"""
WORKS = """
from types import SimpleNamespace

WORKS = [SimpleNamespace(title="net one"), SimpleNamespace(title="net two")]
QUICK = ("netcfg", "torch")

def compare(work, seconds, sides):
    if work.title == "net two":
        raise RuntimeError("no memory")
    return {"netcfg": {"ms": 1.0}, "torch": "failed"}

def told(work, found):
    return f"netcfg {found['netcfg']['ms']} ms"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a project of the tool and made-up parts."""
    for folder in ("tools", "benchmarks"):
        (tmp_path / folder).mkdir()
    shutil.copy(TOOL, tmp_path / "tools")
    (tmp_path / "tools/gpu_parts.py").write_text(PARTS)
    (tmp_path / "benchmarks/gpu.py").write_text(WORKS)
    (tmp_path / "benchmarks/__init__.py").touch()
    return tmp_path


def check(root: Path, *words: str, **variables: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, str(root / "tools/gpu_check.py"), *words],
        capture_output=True, text=True, check=False, cwd=root, env={**os.environ, **variables},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.splitlines()


def states(lines: list[str]) -> dict[str, tuple[str, str]]:
    """Return state and text of each part."""
    cells = [[c.strip() for c in line.strip("|").split(" | ")] for line in lines[2:]]
    return {name: (state, says) for name, state, _, says in cells}


def test_what_one_part_does_hides_nothing_of_the_others(root: Path) -> None:
    words = ("device", "parity", "golden", "determinism", "graphs", "benchmarks")
    status, lines = check(root, *words, "--out", str(root / "results"))
    assert status == 1
    assert states(lines) == {
        "device": ("passed", "a card / of paper"),
        "parity": ("FAILED", "ValueError: conv differs"),
        "golden": ("skipped", "nothing to compare with"),
        "determinism": ("FAILED", "said nothing, status 7"),
        "graphs": ("FAILED", "AttributeError: module 'gpu_parts' has no attribute 'graphs'"),
        "net one": ("passed", "netcfg 1.0 ms"),
        "net two": ("FAILED", "RuntimeError: no memory"),
    }
    assert (root / "results/gpu_check.md").read_text().splitlines() == lines
    rows = json.loads((root / "results/gpu_check.json").read_text())
    assert {row["name"]: row["state"] for row in rows}["parity"] == "FAILED"
    assert "conv differs" in (root / "results/parity.log").read_text()


def test_the_variable_names_the_folder_too(root: Path) -> None:
    status, _ = check(root, "device", OUT=str(root / "there"))
    assert status == 0
    assert (root / "there/gpu_check.md").exists()
    assert (root / "there/device.log").read_text() == "a card | of paper\n"


def test_nothing_passed_is_no_success(root: Path) -> None:
    assert check(root, "golden", OUT="")[0] == 1


def test_parts_that_hang_end_with_all_they_have_started(root: Path) -> None:
    status, lines = check(root, "leak", "device", "net one", "--seconds", "6", OUT="")
    assert status == 1
    found = states(lines)
    assert found["leak"][0] == "FAILED"
    assert found["leak"][1].startswith("took more than ")
    assert found["device"][0] == "passed"
    assert found["net one"] == ("skipped", "no time left")


def test_without_benchmarks(root: Path) -> None:
    (root / "benchmarks/gpu.py").write_text("import nothing_of_this_name")
    status, lines = check(root, "--list", OUT="")
    assert status == 0
    assert lines[0] == "device"
    status, lines = check(root, "device", OUT="")
    assert status == 0


def test_unknown_parts_are_named(root: Path) -> None:
    status, lines = check(root, "devices", OUT="")
    assert (status, lines) == (
        2, ["gpu_check: no part is called devices; --list names them"],
    )  # fmt: skip

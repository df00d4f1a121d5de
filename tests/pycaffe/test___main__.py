import subprocess
import sys
from pathlib import Path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netcfg.pycaffe", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_programs_run_with_our_caffe(tmp_path):
    (tmp_path / "a.py").write_text("import caffe, sys; print(caffe.__name__, sys.argv[1:])")
    done = run(tmp_path, "a.py", "--gpu", "0")
    assert (done.stdout, done.returncode) == ("netcfg.pycaffe ['--gpu', '0']\n", 0)


def test_pytest_runs_with_our_caffe(tmp_path):
    (tmp_path / "test_a.py").write_text(
        "import unittest, caffe\n"
        "class TestA(unittest.TestCase):\n"
        "    def test_types(self):\n"
        "        self.assertIn('Data', caffe.layer_type_list())\n"
    )
    done = run(tmp_path, "-m", "pytest", "-q", "test_a.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_no_program_no_run(tmp_path):
    assert run(tmp_path).returncode == 2

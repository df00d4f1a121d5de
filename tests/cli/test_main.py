"""How commands are found and how errors reach the user."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netcfg import __version__
from netcfg.cli import main as cli
from netcfg.engines import get_engine
from netcfg.errors import NetError
from tests.cli.conftest import Run


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.status == 0
    names = [line.split()[0] for line in result.out.splitlines()]
    assert names == ["netcfg", "Python", "NumPy", "protobuf", "engine"]
    assert __version__ in result.out.splitlines()[0]
    assert get_engine().name in result.out.splitlines()[4]


def test_no_command_prints_help(run: Run) -> None:
    result = run()
    assert result.status == 0
    for name in cli.COMMANDS:
        assert f"\n    {name}" in result.out


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.status == 0
    assert result.out.startswith(f"usage: netcfg {command}")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["tarin"], "unknown command 'tarin'; did you mean 'train'?"),
        (["show", "n.prototxt", "--tekst"], "unknown argument '--tekst'; did you mean '--text'?"),
        (["show"], "the following arguments are required: NET (`netcfg show --help` shows how)"),
        (["show", "n.prototxt", "--phase", "x"], "argument --phase: invalid choice: 'x'"),
        (["time", "n.prototxt", "--iterations", "0"], "must be a whole number above 0; given '0'"),
        (["train", "s.prototxt", "--max-iter", "-1"], "argument --max-iter"),
        (["show", "missing.prototxt"], "file 'missing.prototxt' not found"),
        (["show", "."], "cannot read '.'"),
        (["time", "net.prototxt", "--engine", "numpi"], "unknown engine 'numpi'; did you mean"),
    ],
)
def test_user_error_is_one_line(run: Run, tiny: Path, argv: list[str], words: str) -> None:
    result = run(*argv)
    assert result.status == cli.USER_ERROR
    assert result.err.startswith("netcfg: error: ")
    assert words in result.err
    assert result.err.count("\n") == 1
    assert result.out == ""


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NetError("a\nb"), 2, "netcfg: error: a\nnetcfg: error: b\n"),
        (PermissionError(13, "Permission denied", "x"), 2, "error: 'x': Permission denied\n"),
        (OSError("odd"), 2, "netcfg: error: odd\n"),
        (MemoryError("3 TiB"), 2, "out of memory; a smaller batch_size needs less. 3 TiB\n"),
        (KeyboardInterrupt(), 130, "netcfg: interrupted\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_errors_become_a_line_and_a_status(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    words: str,
) -> None:
    def fail(args: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_drop_output", lambda: None)
    monkeypatch.setattr(cli.COMMANDS["layers"], "run", fail)
    result = run("layers")
    assert result.status == status
    assert result.err.endswith(words)
    assert "Traceback" not in result.err


def test_a_bug_asks_for_a_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.COMMANDS["layers"], "run", lambda args: 1 / 0)
    result = run("layers")
    assert result.status == cli.BUG
    assert "ZeroDivisionError" in result.err
    assert "please report" in result.err


def test_reader_of_a_pipe_may_leave(tiny: Path) -> None:
    root = Path(cli.__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "netcfg", "layers"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == cli.BROKEN_PIPE


def test_start_imports_no_numpy() -> None:
    code = "import sys, netcfg.cli.main as m; m.build_parser(); print('numpy' in sys.modules)"
    root = Path(cli.__file__).parents[2]
    printed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert printed.stdout == "False\n"


def test_words_of_a_list_may_stand_apart() -> None:
    parser = cli.build_parser()
    args = parser.parse_args(["classify", "net", "a.jpg", "--top", "3", "b.jpg", "--out", "r", "-"])
    assert (args.model, args.inputs) == ("net", ["a.jpg", "b.jpg", "-"])
    args = parser.parse_args(["classify", "net", "--top", "3", "a.jpg", "--out", "r"])
    assert (args.model, args.inputs) == ("net", ["a.jpg"])
    with pytest.raises(NetError, match="unknown argument '--tpo'; did you mean '--top'"):
        parser.parse_args(["classify", "net", "--tpo", "3", "a.jpg", "--out", "r"])

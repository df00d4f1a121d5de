# PYTHON_ARGCOMPLETE_OK
"""The command ``netcfg``: which commands there are, and how errors reach the user.

Exit status: 0 done, 1 a bug in netcfg, 2 something the user can mend, 130 interrupted.
"""

import argparse
import contextlib
import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

from netcfg.cli import (
    check,
    classify,
    completion,
    compute_mean,
    convert_annoset,
    convert_imageset,
    deploy,
    detect,
    device_query,
    download_model,
    draw,
    extract_features,
    features,
    gflags,
    layers,
    parse_log,
    plot_log,
    resize_images,
    segment,
    show,
    test,
    time,
    train,
    upgrade,
    version,
    zoo,
)
from netcfg.errors import NetError, nearest

COMMANDS: dict[str, ModuleType] = {
    "train": train,
    "test": test,
    "time": time,
    "check": check,
    "show": show,
    "classify": classify,
    "detect": detect,
    "segment": segment,
    "features": features,
    "layers": layers,
    "convert-imageset": convert_imageset,
    "convert-annoset": convert_annoset,
    "compute-mean": compute_mean,
    "extract-features": extract_features,
    "resize-images": resize_images,
    "upgrade": upgrade,
    "draw": draw,
    "parse-log": parse_log,
    "plot-log": plot_log,
    "download-model": download_model,
    "zoo": zoo,
    "deploy": deploy,
    "device-query": device_query,
    "completion": completion,
}
"""Each has ``add_parser(subparsers)`` and ``run(args) -> exit status``."""

BUG = 1
USER_ERROR = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; what the user can mend is told in one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
        return status
    except NetError as error:
        return _fail(str(error))
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except OSError as error:
        path = f"'{error.filename}': " if error.filename else ""
        return _fail(f"{path}{error.strerror or error}")
    except MemoryError as error:
        return _fail(f"out of memory; a smaller batch_size needs less. {error}".rstrip(". "))
    except KeyboardInterrupt:
        print("netcfg: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception:
        traceback.print_exc()
        print(
            "netcfg: this is a bug in netcfg or in a layer of yours; for the former please report "
            "the lines above with `netcfg --version` and the files that show it",
            file=sys.stderr,
        )
        return BUG


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="netcfg",
        description="Train, fine-tune and run Caffe networks from prototxt files, without Caffe.",
        epilog="`netcfg COMMAND --help` says more about each.",
    )
    parser.add_argument(
        "--version", action="store_true", help="versions of netcfg and of what it runs on"
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for module in COMMANDS.values():
        module.add_parser(subparsers)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are NetError, so that they end as one line like all others."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options["allow_abbrev"] = False
        super().__init__(*args, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        given = sys.argv[1:] if args is None else args
        known, rest = super().parse_known_args(gflags.translate(self, given), namespace)
        for action in self._actions:
            if action.nargs in ("*", "+") and not action.option_strings:
                # argparse takes a list of words only where the first of them stand.
                words = [word for word in rest if word == "-" or not word.startswith("-")]
                rest = [word for word in rest if word not in words]
                setattr(known, action.dest, [*getattr(known, action.dest), *words])
        if rest:
            options = re.findall(r"--[a-z-]+", self.format_usage())
            name = rest[0].partition("=")[0]
            self.error(f"unknown argument '{rest[0]}'{nearest(name, options)}")
        return known, rest

    def error(self, message: str) -> NoReturn:
        raise NetError(f"{message} (`{self.prog} --help` shows how)")


def _run(argv: list[str]) -> int:
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    if argv and not argv[0].startswith("-") and argv[0] not in COMMANDS:
        known = ", ".join(COMMANDS)
        raise NetError(f"unknown command '{argv[0]}'{nearest(argv[0], COMMANDS)} (known: {known})")
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:  # after --help
        return int(stop.code or 0)
    if args.version:
        print(version.text())
        return 0
    if args.command is None:
        parser.print_help()
        return 0
    return int(COMMANDS[args.command].run(args))


def _fail(message: str) -> int:
    for line in message.splitlines():
        print(f"netcfg: error: {line}", file=sys.stderr)
    return USER_ERROR


def _drop_output() -> None:
    """Send what is still to be written nowhere: the reader of the pipe has gone."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

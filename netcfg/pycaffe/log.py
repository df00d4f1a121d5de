"""Caffe's log: lines on standard error that existing parsers know."""

import os
import sys
from datetime import datetime

LEVEL_VARIABLE = "GLOG_minloglevel"
"""From 1 on only warnings and worse are shown, of which netcfg makes none: it raises errors."""


class Log:
    """Standard error as it is when a line is written, silent where the level says so."""

    level = 0

    def write(self, text: str) -> int:
        """Write some lines."""
        if Log.level == 0 and os.environ.get(LEVEL_VARIABLE, "0") in ("", "0"):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Bring out what was written."""
        sys.stderr.flush()


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Choose what is logged: everything at level 0, nothing above it or without ``stderr``."""
    Log.level = int(level) if stderr else 1


def log(message: str, place: str = "pycaffe:1") -> None:
    """Write a line of the program's own, or of a place in Caffe."""
    now = datetime.now()
    Log().write(f"I{now:%m%d %H:%M:%S.%f} {os.getpid():5d} {place}] {message}\n")

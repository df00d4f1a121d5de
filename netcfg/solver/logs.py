"""Logs of training runs as records, and the tables that Caffe's ``parse_log.py`` makes of them.

Whatever wrote a log, its records are those of ``metrics.jsonl``: the iteration, the phase, the
outputs, and where they are known the loss, the learning rate, the test net and the seconds since
the start.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from netcfg.errors import NetError
from netcfg.io.files import find_file, write_whole
from netcfg.solver.hooks.metrics import read_metrics

Record = dict[str, Any]

_NUMBER = r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|nan|inf)"
_STAMP = re.compile(r"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d(?:\.\d+)?) ")
"""How glog begins a line: the severity, the date, lately with the year, and the time."""
_CREATED = re.compile(r"Log file created at: (\d{4})/")
_ITERATION = re.compile(r"\bIteration (\d+)")
_LOSS = re.compile(rf"\bIteration \d+.*, loss = ({_NUMBER})")
_RATE = re.compile(rf"\blr = ({_NUMBER})")
_TEST = re.compile(r"\bTesting net \(#(\d+)\)")
_TEST_LOSS = re.compile(rf"\bTest loss: ({_NUMBER})")
_OUTPUT = re.compile(rf"\b(Train|Test) net output #\d+: (.+?) = ({_NUMBER})")


# Reading ---------------------------------------------------------------------------------------


def find_log(path: str | Path) -> Path:
    """Return a log, found in the folder of a run where ``path`` is one.

    Raises:
        NetError: there is no such file, or none in the folder.
    """
    file = find_file(str(path))
    if not file.is_dir():
        return file
    for name in ("metrics.jsonl", "train.log"):
        if (file / name).is_file():
            return file / name
    raise NetError(f"folder '{path}' holds neither metrics.jsonl nor train.log")


def read_log(path: str | Path) -> list[Record]:
    """Return the records of a log, in its order: of Caffe, of a fork or of netcfg.

    Args:
        path: a log with the lines that Caffe writes, a ``metrics.jsonl``, or a folder that holds
            either, as ``netcfg train`` leaves it.

    Raises:
        NetError: there is no such file, or it tells of no iteration.
    """
    file = find_log(path)
    records = read_metrics(file)
    if not records:
        year = datetime.fromtimestamp(file.stat().st_mtime).year
        records = parse_log(file.read_text("utf-8", "replace"), year)
    if not records:
        raise NetError(f"'{file}' is no log of training: it tells of no iteration")
    return records


def parse_log(text: str, year: int) -> list[Record]:
    """Return the records of a log with Caffe's lines.

    Each loss, with the outputs and the rate that follow, is a record; so are the scores of each
    test of a net. A value that is not finite is None.

    Args:
        text: of the log.
        year: in which it begins, where it does not say so itself: months alone tell when another
            one begins.
    """
    reader = _Reader(year)
    for line in text.splitlines():
        reader.read(line)
    return [record for record in reader.records if record["outputs"] or "loss" in record]


class _Reader:
    """Collects records line by line."""

    def __init__(self, year: int) -> None:
        self.records: list[Record] = []
        self._year = year
        self._month = 0
        self._start: datetime | None = None
        self._solving = False
        self._seconds: float | None = None
        self._iteration: int | None = None

    def read(self, line: str) -> None:
        """Take what one line tells."""
        if created := _CREATED.search(line):
            self._year = int(created[1])
        if stamp := _STAMP.match(line):
            self._read_time(stamp, line)
        if iteration := _ITERATION.search(line):
            self._read_iteration(int(iteration[1]), line)
        if self._iteration is None:
            return
        if output := _OUTPUT.search(line):
            self._read_output(*output.groups())
        elif loss := _TEST_LOSS.search(line):
            self._record("test")["loss"] = _number(loss[1])

    def _read_time(self, stamp: re.Match[str], line: str) -> None:
        year, month, day, hour, minute, second = stamp.groups()
        if year:
            self._year = int(year)
        elif int(month) < self._month:
            self._year += 1
        self._month = int(month)
        seconds = float(second)
        try:
            now = datetime(self._year, int(month), int(day), int(hour), int(minute), int(seconds))
        except ValueError:
            return
        now = now.replace(microsecond=min(round(seconds % 1 * 1e6), 999_999))
        begins = not self._solving and "Solving" in line
        if self._start is None or begins:
            self._start, self._solving = now, begins
        self._seconds = (now - self._start).total_seconds()

    def _read_iteration(self, iteration: int, line: str) -> None:
        self._iteration = iteration
        if loss := _LOSS.search(line):
            self._begin("train")["loss"] = _number(loss[1])
        elif rate := _RATE.search(line):
            last = self._last("train")
            if last is not None:
                last["lr"] = _number(rate[1])
        elif test := _TEST.search(line):
            self._begin("test")["net"] = int(test[1])

    def _read_output(self, kind: str, name: str, text: str) -> None:
        """Add an output; the second element of one makes it a list."""
        record = self._record(kind.lower())
        outputs = record["outputs"]
        if not outputs and self._seconds is not None:
            record["seconds"] = self._seconds  # a test ends long after it began
        value = _number(text)
        if name not in outputs:
            outputs[name] = value
        elif isinstance(outputs[name], list):
            outputs[name].append(value)
        else:
            outputs[name] = [outputs[name], value]

    def _begin(self, phase: str) -> Record:
        record: Record = {"iteration": self._iteration, "phase": phase, "outputs": {}}
        if phase == "test":
            record["net"] = 0
        if self._seconds is not None:
            record["seconds"] = self._seconds
        self.records.append(record)
        return record

    def _last(self, phase: str) -> Record | None:
        """Return the last record of a phase if it is of this iteration."""
        last = next((r for r in reversed(self.records[-50:]) if r["phase"] == phase), None)
        return last if last and last["iteration"] == self._iteration else None

    def _record(self, phase: str) -> Record:
        return self._last(phase) or self._begin(phase)


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


# Tables ----------------------------------------------------------------------------------------


def write_tables(
    records: Sequence[Record], folder: str | Path, name: str, delimiter: str = ","
) -> list[Path]:
    """Write ``NAME.train`` and ``NAME.test``, the tables of Caffe's ``parse_log.py``.

    A row is an iteration that has outputs: NumIters, Seconds, LearningRate and the outputs, each
    element of one that has several in a column of its own. The rate is that of the same iteration.
    Further test nets get files of their own, ``NAME.test1`` and so on.

    Returns:
        The files written; none for what the log does not tell of.

    Raises:
        NetError: ``delimiter`` is not one character, or the folder cannot be written.
    """
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise NetError(f"the delimiter must be one character other than \"; given '{delimiter}'")
    tables: dict[str, list[dict[str, Any]]] = {}
    for record, rate in zip(records, _rates(records), strict=True):
        if record.get("outputs"):
            net = record.get("net") or ""
            suffix = "train" if record.get("phase") == "train" else f"test{net}"
            tables.setdefault(suffix, []).append(_row(record, rate))
    written = []
    for suffix, rows in sorted(tables.items(), key=lambda table: (table[0] != "train", table[0])):
        path = Path(folder) / f"{name}.{suffix}"
        text = io.StringIO()
        columns = list(dict.fromkeys(column for row in rows for column in row))
        writer = csv.DictWriter(text, columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
        with write_whole(path) as file:
            file.write(text.getvalue().encode())
        written.append(path)
    return written


def _rates(records: Sequence[Record]) -> list[float | None]:
    """Return the learning rate at each record: of its iteration, else the last, else the first."""
    own = {r["iteration"]: r["lr"] for r in records if r.get("lr") is not None}
    last = next(iter(own.values()), None)
    rates = []
    for record in records:
        last = own.get(record["iteration"], last)
        rates.append(last)
    return rates


def _row(record: Record, rate: float | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "NumIters": float(record["iteration"]),
        "Seconds": record.get("seconds", ""),
        "LearningRate": _shown(rate),
    }
    for name, value in record["outputs"].items():
        if isinstance(value, list):
            row |= {f"{name}[{i}]": _shown(element) for i, element in enumerate(value)}
        else:
            row[name] = _shown(value)
    return row


def _shown(value: float | None) -> float:
    return math.nan if value is None else value


# Names -----------------------------------------------------------------------------------------


def run_names(paths: Sequence[str]) -> list[str]:
    """Return a short name for the log of each run, all different.

    >>> run_names(["a/slow.log", "out/fast/train.log", "out/base"])
    ['slow', 'fast', 'base']
    >>> run_names(["a/x.log", "b/x.log"])
    ['a/x.log', 'b/x.log']
    """
    names = []
    for path in map(Path, paths):
        common = path.name in ("metrics.jsonl", "train.log") and path.parent.name
        names.append(path.parent.name if common else path.stem or str(path))
    if len(set(names)) == len(names):
        return names
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise NetError(f"log '{twice}' is given twice")
    return list(paths)

"""Everything that only a card can tell, in under eight minutes, as one table.

    python tools/gpu_check.py                        # all parts
    python tools/gpu_check.py parity golden          # some parts
    python tools/gpu_check.py --list
    python tools/gpu_check.py --out results          # where table and logs go; $OUT if not given

Each part is a process of its own with a limit of time: what one does wrong hides nothing of the
others. Checks run side by side, benchmarks after them, one by one, as long as there is time. A part
is passed, FAILED, or skipped for a reason; the exit status is 0 where none failed and one passed.

Needs CuPy. Without cuDNN's frontend or nvmath the engine takes slower ways, which the part
``device`` says. What a machine without a network lacks can be brought along in a folder, made where
there is one, and named in PYTHONPATH:

    pip install --target libs --no-deps --python-version 3.12 --only-binary :all: \\
        nvidia-cudnn-frontend==1.28.0 \\
        nvmath-python==1.0.0 cuda-bindings==13.* 'cuda-core<2' cuda-pathfinder \\
        protobuf lmdb h5py tqdm pillow ml_dtypes pytest pluggy iniconfig packaging pygments
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

TOTAL = 460.0
"""Seconds for everything."""

SIDE_BY_SIDE = 5
"""Checks at a time."""

ALONE = ("leak",)
"""Checks that look at the card's memory, which others must not change meanwhile."""

SHARE = 0.65
"""Of all seconds, those after which no check runs any more."""

LEAST = 30.0
"""Seconds without which a benchmark is not begun."""

LIMITS = {
    "device": 90,
    "parity": 150,
    "parity_mixed": 200,
    "gradients": 200,
    "gradients_mixed": 200,
    "golden": 150,
    "follow": 200,
    "determinism": 120,
    "graphs": 180,
    "leak": 120,
    "sanitizer": 200,
}
"""Checks, which ``gpu_parts`` defines, and the seconds that each may take."""


HEAD = "| part | | time | what it says |\n|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """What came of a part."""

    name: str
    state: str
    seconds: float
    says: str

    def __str__(self) -> str:
        """Render it as a row of the table."""
        says = self.says.replace("|", "/").replace("\n", " ")
        return f"| {self.name} | {self.state} | {self.seconds:.0f} s | {says} |"


class Report:
    """The table, printed and written row by row, so that what is known survives the end.

    Args:
        out: folder for the table and the logs, or None.
    """

    def __init__(self, out: Path | None) -> None:
        self.out = out
        self.rows: list[Row] = []
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
        print(HEAD, flush=True)

    def add(self, row: Row) -> None:
        """Add a row."""
        self.rows.append(row)
        print(row, flush=True)
        self.write("gpu_check.md", "\n".join([HEAD, *map(str, self.rows), ""]))
        self.write("gpu_check.json", json.dumps([asdict(r) for r in self.rows], indent=1))

    def write(self, name: str, text: str) -> None:
        """Write a file beside the table."""
        if self.out is not None:
            (self.out / name).write_text(text)


def main() -> int:
    """Run the parts and print the table."""
    args = _parser().parse_args()
    if args.inner:
        return inner(args.inner)
    start = time.perf_counter()
    works = _works()
    if args.list:
        print("\n".join([*LIMITS, *works]))
        return 0
    unknown = [p for p in args.parts if p not in (*LIMITS, *works, "benchmarks")]
    if unknown:
        print(f"gpu_check: no part is called {', '.join(unknown)}; --list names them")
        return 2
    report = Report(args.out)
    names = [n for n in LIMITS if not args.parts or n in args.parts]
    for row in checks(names, report, start + SHARE * args.seconds):
        report.add(row)
    chosen = [w for w in works if not args.parts or {w, "benchmarks"} & set(args.parts)]
    for i, title in enumerate(chosen):
        left = args.seconds - (time.perf_counter() - start)
        if left < LEAST:
            report.add(Row(title, "skipped", 0, "no time left"))
            continue
        report.add(benchmark(title, min(left, max(LEAST, left / (len(chosen) - i)))))
    states = [row.state for row in report.rows]
    return int("FAILED" in states or "passed" not in states)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help="all by default; `benchmarks` for all of those")
    parser.add_argument("--list", action="store_true", help="name the parts and do nothing")
    parser.add_argument(
        "--out", type=Path, default=os.environ.get("OUT") or None, help="folder for the results"
    )
    parser.add_argument(
        "--seconds", type=float, default=TOTAL, help=f"for everything (default: {TOTAL:g})"
    )
    parser.add_argument("--inner", help=argparse.SUPPRESS)
    return parser


# Checks ----------------------------------------------------------------------------------------


def checks(names: list[str], report: Report, end: float) -> Iterator[Row]:
    """Run checks, until ``end`` at most, and yield their rows as they come."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = [pool.submit(run, name, report, end) for name in names if name not in ALONE]
        for future in as_completed(futures):
            yield future.result()
    for name in names:
        if name in ALONE:
            yield run(name, report, end)


def run(name: str, report: Report, end: float) -> Row:
    """Run a check in a process of its own."""
    seconds = min(LIMITS[name], end - time.perf_counter())
    if seconds <= 0:
        return Row(name, "skipped", 0, "no time left")
    command = [sys.executable, str(Path(__file__).resolve()), "--inner", name]
    state, said, spent = _call(command, seconds, report, name)
    if state == "passed" and said.startswith("skipped: "):
        state, said = "skipped", said.removeprefix("skipped: ")
    return Row(name, state, spent, said)


def _call(command: list[str], seconds: float, report: Report, name: str) -> tuple[str, str, float]:
    """Run a command; return its state, the last line that it wrote and its seconds."""
    start = time.perf_counter()
    environment = dict(os.environ)
    if report.out is not None:
        environment["OUT"] = str(report.out.resolve())
    with TemporaryFile("w+", errors="replace") as out, TemporaryFile("w+", errors="replace") as bad:
        done = subprocess.Popen(
            command, stdout=out, stderr=bad, cwd=ROOT, env=environment, start_new_session=True
        )
        try:
            status: int | None = done.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(done.pid, signal.SIGKILL)  # what it has started too
            done.wait()
            status = None
        texts = []
        for file in (out, bad):
            file.seek(0)
            texts.append(file.read())
    report.write(f"{name}.log", "".join(texts))
    spent = time.perf_counter() - start
    if status is None:
        return "FAILED", f"took more than {seconds:.0f} s", spent
    lines = (texts[0] if status == 0 else texts[1] or texts[0]).strip().splitlines()
    said = lines[-1][:400] if lines else f"said nothing, status {status}"
    return "FAILED" if status else "passed", said, spent


def inner(name: str) -> int:
    """Run a check in this process and print what it says."""
    sys.path.insert(0, str(ROOT))
    try:
        import gpu_parts as parts  # it lies beside this file

        print(getattr(parts, name)())
    except Exception as error:
        traceback.print_exc()
        print(f"{type(error).__name__}: {error}".replace("\n", " "), file=sys.stderr)
        return 1
    return 0


# Benchmarks ------------------------------------------------------------------------------------


def _works() -> list[str]:
    """Return the titles of the benchmarks; none where they cannot be imported."""
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.gpu import WORKS
    except Exception as error:
        print(f"gpu_check: no benchmarks: {error}", file=sys.stderr)
        return []
    return [work.title for work in WORKS]


def benchmark(title: str, seconds: float) -> Row:
    """Measure netcfg and its peers at a work, each for a share of the seconds."""
    from benchmarks import gpu

    start = time.perf_counter()
    try:
        work: Any = next(w for w in gpu.WORKS if w.title == title)
        found = gpu.compare(work, seconds / len(gpu.QUICK), gpu.QUICK)
        state = "passed" if isinstance(found["netcfg"], dict) else "FAILED"
        return Row(title, state, time.perf_counter() - start, gpu.told(work, found))
    except Exception as error:  # what one work does wrong hides nothing of the others
        text = f"{type(error).__name__}: {error}"
        return Row(title, "FAILED", time.perf_counter() - start, text)


if __name__ == "__main__":
    sys.exit(main())

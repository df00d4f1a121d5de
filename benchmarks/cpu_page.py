"""The tables of ``cpu.py``: figures kept as JSON, shown as Markdown."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.works import (
    CAFFE,
    CAFFE_MS,
    ENGINE_INFERENCE,
    ENGINES,
    INFER_VARIANTS,
    MEMORY,
    NUMPY,
    PEAK,
    TRAIN_VARIANTS,
    WORKS,
    Goal,
    Work,
)

TORCH = tuple(dict.fromkeys((*TRAIN_VARIANTS, *INFER_VARIANTS)))
DASH = "–"


@dataclass(frozen=True)
class Record:
    """What one contestant showed: milliseconds, KiB at the peak, how many steps counted."""

    ms: float
    memory: int
    steps: int
    disturbed: bool = False

    @property
    def cell(self) -> str:
        """As a table shows it; a star says that something else ran beside it."""
        return f"{self.ms:.2f}" + ("*" if self.disturbed else "")


@dataclass
class Figures:
    """Records of contestants by work and threads, and the days on which they were measured."""

    rows: dict[tuple[str, int], dict[str, Record]] = field(default_factory=dict)
    days: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(self, work: Work, threads: int, records: Mapping[str, Record]) -> None:
        """Take what was measured today, in place of what was there."""
        self.rows[work.title, threads] = dict(records)
        self.days[work.title, threads] = f"{datetime.now(UTC):%Y-%m-%d}"

    def save(self, path: Path) -> None:
        """Write all figures, for a later run of a part."""
        rows = [
            {
                "work": title,
                "threads": threads,
                "day": self.days[title, threads],
                "records": {name: asdict(record) for name, record in records.items()},
            }
            for (title, threads), records in self.rows.items()
        ]
        path.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")

    def read(self, path: Path) -> bool:
        """Take the figures of an earlier run, if it was on a machine like this one; tell so."""
        saved = json.loads(path.read_text()) if path.exists() else {}
        if saved.get("machine") != machine():
            return False
        for row in saved["rows"]:
            key = row["work"], row["threads"]
            self.rows[key] = {name: Record(**record) for name, record in row["records"].items()}
            self.days[key] = row["day"]
        return True

    def of(self, works: Iterable[Work]) -> list[tuple[Work, int, dict[str, Record]]]:
        """Return what was measured of some works, in their order."""
        found = []
        for work in works:
            counts = sorted(threads for title, threads in self.rows if title == work.title)
            found += [(work, n, self.rows[work.title, n]) for n in counts]
        return found


def best(records: Mapping[str, Record], names: Iterable[str]) -> tuple[str, Record] | None:
    """Return the fastest of some contestants; None where none was measured."""
    found = [(name, records[name]) for name in names if name in records]
    return min(found, key=lambda item: item[1].ms, default=None)


def against(records: Mapping[str, Record], names: Iterable[str], goal: Goal) -> list[str]:
    """Return three cells: the best of some, netcfg's time by its, and the goal."""
    other = best(records, names)
    if other is None:
        return [DASH] * 3
    name, record = other
    ratio = records["netcfg"].ms / record.ms
    return [f"{record.cell} ({name})", _judged(ratio, goal[1]), f"{goal[0]:.2f} / {goal[1]:.2f}"]


def _judged(ratio: float, least: float) -> str:
    """Return a ratio, in bold where it misses what must be reached at least."""
    text = f"{ratio:.2f}"
    return text if float(text) <= least else f"**{text}**"


RATIO_HEADER = (
    *("work", "threads", "netcfg ms"),
    *("best PyTorch", "ratio", "goal / at least"),
    *("best of ONNX Runtime, OpenVINO", "ratio", "goal / at least"),
    "to NumPy",
)


def ratio_row(work: Work, threads: int, records: Mapping[str, Record]) -> list[str]:
    """Return a line of the first table: netcfg's time by that of others, less is better."""
    numpy = records.get("NumPy engine")
    return [
        work.title,
        str(threads),
        records["netcfg"].cell,
        *against(records, TORCH, work.goal),
        *against(records, ENGINES, ENGINE_INFERENCE),
        _judged(records["netcfg"].ms / numpy.ms, NUMPY[1]) if numpy else DASH,
    ]


CONTESTANTS = ("netcfg", "NumPy engine", *TORCH, *ENGINES)


def time_row(work: Work, threads: int, records: Mapping[str, Record]) -> list[str]:
    """Return a line of the table of all times."""
    cells = [records[name].cell if name in records else DASH for name in CONTESTANTS]
    return [work.title, str(threads), *cells]


def caffe_row(work: Work, threads: int, records: Mapping[str, Record]) -> list[str]:
    """Return a line of the table of times per image beside Caffe's."""
    batch, times = CAFFE_MS[work.name]
    caffe, ours = times[threads - 1] / batch, records["netcfg"].ms / work.batch
    judged = _judged(ours / caffe, CAFFE[1])
    goal = f"{CAFFE[0]:.2f} / {CAFFE[1]:.2f}"
    return [work.title, str(threads), f"{ours:.3f}", f"{caffe:.3f}", judged, goal]


def memory_row(work: Work, threads: int, records: Mapping[str, Record]) -> list[str]:
    """Return a line of the table of memory, in MiB, with the ratio to PyTorch's least."""
    del threads
    least = min((records[name].memory for name in TORCH if name in records), default=0)
    names = ("netcfg", *TRAIN_VARIANTS[:3])
    cells = [f"{records[n].memory / 1024:,.0f}" if n in records else DASH for n in names]
    ratio = _judged(records["netcfg"].memory / least, PEAK) if least else DASH
    return [work.title, *cells, ratio, f"{PEAK:.2f}"]


def markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table."""
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def page(figures: Figures, peers: str | None, failures: Iterable[str] = ()) -> str:
    """Return the page with all tables."""
    works = figures.of(WORKS)
    caffe = [
        (work, threads, records)
        for work, threads, records in works
        if work.train and not work.bfloat16 and work.name in CAFFE_MS and threads <= 2
    ]
    days = sorted(set(figures.days.values()))
    parts = [
        "# The CPU engine beside others",
        f"{machine()}; {', '.join(versions(peers))}. Made by `benchmarks/cpu.py` on "
        f"{' to '.join(dict.fromkeys((days[0], days[-1])))}.",
        INTRODUCTION,
        markdown(RATIO_HEADER, [ratio_row(*item) for item in works]),
        "## All times, milliseconds",
        markdown(["work", "threads", *CONTESTANTS], [time_row(*item) for item in works]),
    ]
    if caffe:
        header = ["work", "threads", "netcfg", "Caffe", "ratio", "goal / at least"]
        parts += ["## Beside BVLC Caffe, milliseconds an image", CAFFE_NOTE]
        parts.append(markdown(header, [caffe_row(*item) for item in caffe]))
    memory = figures.of(MEMORY)
    if memory:
        variants = [f"PyTorch {name}" for name in TRAIN_VARIANTS[:3]]
        header = ["work", "netcfg", *variants, "ratio to the least", "goal"]
        parts += ["## Most resident memory of the process, MiB", MEMORY_NOTE]
        parts.append(markdown(header, [memory_row(*item) for item in memory]))
    missing = [f"- {line}" for line in failures]
    if missing:
        parts += ["## Not measured", "\n".join(missing)]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """\
Milliseconds of a step, medians; ratios are netcfg's time by the other's, less is better, in bold
where a ratio misses what must be reached at least. Training steps include the update (SGD,
momentum, weight decay); nobody loads data. `cl` is channels_last, `mt` malloc that keeps memory,
`compile` torch.compile, `freeze` inductor's freezing. A star marks medians of less than 5
undisturbed steps: of all steps then. Goals beside NumPy are 0.25, at least 0.40. All but LSTM and
bfloat16 have shown before that their outputs are those of netcfg's NumPy engine with the same
weights, to 1e-3 of the largest logit."""

CAFFE_NOTE = """\
Caffe's figures are from another machine, with 2 cores of Sapphire Rapids and OpenBLAS, and without
the update."""

MEMORY_NOTE = """\
After some steps of 32 images, each contestant alone; interpreters and libraries are part of it."""


def machine() -> str:
    """Return the processor's name and the number of cores."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{next(names, platform.processor())}, {os.cpu_count()} cores"


def versions(peers: str | None) -> list[str]:
    """Return names and versions of all that takes part."""
    found = [f"Python {platform.python_version()}", f"NumPy {version('numpy')}"]
    try:
        found.append(f"oneDNN (wheel {version('onednn-cpu-gomp')})")
    except PackageNotFoundError:
        found.append("no oneDNN wheel")
    if peers is None:
        return [*found, "no peers"]
    names = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
    script = (
        "import importlib.metadata as m\n"
        f"have = {{d.name.lower(): d.version for d in m.distributions()}}\n"
        f"print(*(have.get(n, 'absent') for n in {list(names)}), sep='\\n')"
    )
    command = [peers, "-c", script]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return found + [f"{name} {line}" for name, line in zip(names.values(), lines, strict=True)]


def print_table(figures: Figures, work: Work, threads: int) -> None:
    """Show a work's row as soon as it is there."""
    records = figures.rows[work.title, threads]
    cells = memory_row(work, threads, records) if work.memory else ratio_row(work, threads, records)
    print("  ".join(cells), flush=True)

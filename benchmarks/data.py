"""Records a second of netcfg's data layers beside a torch DataLoader that does the same work.

Every contestant is a process of its own that makes batches and does nothing with them; they take
turns, and the median counts. The first batches of a turn are not timed: some of them were made
before it. Torch reads the same records, in Python and Pillow, and makes floats of whole batches.

    python -m benchmarks.data --peer PYTHON [--only TEXT] [--rounds 9] [--out FILE]

The peer needs torch, Pillow, lmdb and protobuf.
"""

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from benchmarks.lenet import cpu

ROOT = Path(__file__).resolve().parents[1]
SEED = 0


@dataclass(frozen=True)
class Work:
    """One row of the table.

    Attributes:
        title: as the table has it.
        shape: of the images, (C, H, W).
        records: in the database or list.
        batch: records in a batch.
        turn: batches that are timed at once.
        kind: ``raw`` or ``jpeg`` records in an LMDB, or a ``list`` of JPEG files.
        size: what images of a list are resized to, width and height.
        draft: whether JPEGs are decoded at a reduced scale.
    """

    title: str
    shape: tuple[int, int, int]
    records: int
    batch: int
    turn: int
    kind: str = "raw"
    crop: int = 0
    mirror: bool = False
    mean: tuple[float, ...] = ()
    scale: float = 1
    size: tuple[int, int] = (0, 0)
    draft: bool = False

    def layer(self, source: Path) -> str:
        """Return netcfg's layer."""
        transform = f"crop_size: {self.crop} mirror: {str(self.mirror).lower()} scale: {self.scale}"
        transform += "".join(f" mean_value: {value}" for value in self.mean)
        if self.kind == "list":
            kind, where = "ImageData", "image_data_param"
            how = f"new_width: {self.size[0]} new_height: {self.size[1]}"
            how += " draft: true" if self.draft else ""
        else:
            kind, where, how = "Data", "data_param", "backend: LMDB"
        return (
            f'layer {{ name: "data" type: "{kind}" top: "data" top: "label" '
            f"transform_param {{ {transform} }} "
            f'{where} {{ source: "{source}" batch_size: {self.batch} {how} }} }}'
        )

    def job(self, source: Path) -> dict[str, Any]:
        """Return what a process needs to know."""
        return {
            "layer": self.layer(source),
            "source": str(source),
            "list": self.kind == "list",
            "last": self.kind != "raw",
            "records": self.records,
            "batch": self.batch,
            "crop": self.crop,
            "mirror": self.mirror,
            "mean": self.mean,
            "scale": self.scale,
            "size": self.size,
            "draft": self.draft,
        }


IMAGENET = Work(
    *("256 × 256 raw LMDB, crop 227", (3, 256, 256), 500, 32, 20),
    crop=227,
    mirror=True,
    mean=(104, 117, 123),
)
FILES = replace(
    IMAGENET,
    title="500 × 375 JPEG files to 256 × 256, crop 227",
    shape=(3, 375, 500),
    records=200,
    turn=10,
    kind="list",
    size=(256, 256),
)
LARGE = replace(
    FILES,
    title="1024 × 768 JPEG files to 256 × 256, crop 227",
    shape=(3, 768, 1024),
    records=64,
    turn=4,
)
WORKS = (
    Work("MNIST, raw LMDB", (1, 28, 28), 20_000, 64, 300, scale=0.00390625),
    Work(
        *("CIFAR-10, raw LMDB, crop 28", (3, 32, 32), 20_000, 100, 100),
        crop=28,
        mirror=True,
        mean=(125, 123, 114),
    ),
    IMAGENET,
    replace(IMAGENET, title="256 × 256 JPEG LMDB, crop 227", kind="jpeg"),
    FILES,
    LARGE,
    replace(LARGE, title="the same, both with draft", draft=True),
)
SIDES = (("netcfg", 0), ("netcfg", 1), ("netcfg", 2), ("torch", 0), ("torch", 2))


def images(work: Work) -> Iterator[np.ndarray]:
    """Yield images as smooth as photographs, with some noise: their JPEGs have usual sizes."""
    from netcfg.io.image import resize_image

    rng = np.random.default_rng(SEED)
    channels, height, width = work.shape
    for _ in range(work.records):
        coarse = rng.integers(0, 256, (channels, height // 12 + 1, width // 12 + 1), np.uint8)
        noise = rng.integers(-8, 9, work.shape)
        smooth = resize_image(coarse, height, width)
        yield (smooth + noise).clip(0, 255).astype(np.uint8)


def make_source(work: Work, folder: Path) -> Path:
    """Write the records of a work and return the database or list."""
    from netcfg.data.datum import encode_datum
    from netcfg.data.write import write_lmdb
    from netcfg.io.image import encode_image
    from netcfg.netcfg_pb2 import Datum

    if work.kind == "list":
        path = folder / "list.txt"
        lines = []
        for i, image in enumerate(images(work)):
            file = folder / f"{i}.jpg"
            file.write_bytes(encode_image(image, "jpg"))
            lines.append(f"{file} {i % 10}\n")
        path.write_text("".join(lines))
        return path

    def record(image: np.ndarray, label: int) -> bytes:
        if work.kind == "raw":
            return encode_datum(image, label)
        file = encode_image(image, "jpg")
        return Datum(data=file, label=label, encoded=True).SerializeToString()

    pairs = ((b"%08d" % i, record(image, i % 10)) for i, image in enumerate(images(work)))
    write_lmdb(folder / "db", pairs)
    return folder / "db"


@dataclass
class Contestant:
    """A process that makes batches."""

    process: subprocess.Popen[str]
    rates: list[float] = field(default_factory=list)

    def ask(self, line: str) -> str:
        """Send a line and return the answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


def start(python: str, job: dict[str, Any]) -> Contestant:
    """Start a process and wait until it is warm.

    Raises:
        SystemExit: it failed; the reason is on standard error.
    """
    command = [python, "-m", "benchmarks.peers.data_worker"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    contestant = Contestant(process)
    if contestant.ask(json.dumps(job)) != "ready":
        process.kill()
        process.communicate()
        raise SystemExit(f"{job['side']} with {job['workers']} workers failed")
    return contestant


def measure(work: Work, peer: str | None, rounds: int) -> dict[tuple[str, int], list[float]]:
    """Return records a second of each side, for each of the rounds."""
    running: dict[tuple[str, int], Contestant] = {}
    with tempfile.TemporaryDirectory() as folder:
        job = work.job(make_source(work, Path(folder)))
        try:
            for side, workers in SIDES:
                python = sys.executable if side == "netcfg" else peer
                if python:
                    changes = {"side": side, "workers": workers}
                    running[side, workers] = start(python, job | changes)
            for _ in range(rounds):
                for contestant in running.values():
                    contestant.rates.append(float(contestant.ask(str(work.turn))))
        finally:
            for contestant in running.values():
                contestant.process.terminate()
                contestant.process.communicate()
    return {key: contestant.rates for key, contestant in running.items()}


def row(work: Work, rates: dict[tuple[str, int], list[float]]) -> str:
    """Return a line of the table: medians, and the best of netcfg's over the best of torch's."""
    middle = {side: statistics.median(values) for side, values in rates.items()}
    cells = [f"{middle[side]:,.0f}" if side in middle else "–" for side in SIDES]
    best = {name: [rate for (side, _), rate in middle.items() if side == name] for name, _ in SIDES}
    inline = [middle.get((side, 0)) for side in ("netcfg", "torch")]
    cells.append(f"{inline[0] / inline[1]:.2f}" if inline[0] and inline[1] else "–")
    cells.append(f"{max(best['netcfg']) / max(best['torch']):.2f}" if best["torch"] else "–")
    return f"| {work.title} | {work.batch} | {' | '.join(cells)} |"


def page(rows: list[str], rounds: int) -> str:
    """Return the page with machine, versions and date."""
    titles = [f"{side}, {n} workers" if n != 1 else f"{side}, 1 worker" for side, n in SIDES]
    titles += ["netcfg / torch, 0 workers", "netcfg / torch, best of each"]
    lines = [
        "# Records a second of the data layers",
        "",
        f"`python -m benchmarks.data` on {cpu()}, Python {platform.python_version()}, NumPy "
        f"{np.__version__}, Pillow {PIL.__version__}, {datetime.date.today()}; medians of {rounds} "
        "rounds; more is better. Batches are made and thrown away; 0 workers make them in line. "
        "netcfg's workers are threads, torch's processes, with one thread each. In each row both "
        "read the same records, and make float batches of them, cropped and mirrored at random and "
        "less a mean, MNIST's scaled only.",
        "",
        f"| work | batch | {' | '.join(titles)} |",
        "|---" * (len(titles) + 2) + "|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse the options, measure, print each row, and write the page where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", metavar="PYTHON", help="python of an environment with torch")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose title holds this")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each")
    parser.add_argument("--out", type=Path, help="file that gets the page")
    args = parser.parse_args()
    rows = []
    for work in WORKS:
        if args.only in work.title:
            rows.append(row(work, measure(work, args.peer, args.rounds)))
            print(rows[-1], flush=True)
            if args.out:
                args.out.write_text(page(rows, args.rounds))


if __name__ == "__main__":
    main()

"""netcfg's CPU engine beside PyTorch, ONNX Runtime, OpenVINO and its own NumPy engine.

Every contestant is a process of its own; they take turns of some steps, and the median counts.
Steps in which a process was preempted are left out, for all alike. Before it is measured, each
shows that it runs the same net: equal numbers of parameters, and equal outputs for equal weights.

    python -m benchmarks.cpu --peers .bench/bin/python [--only TEXT] [--threads 1,2] [--rounds 9]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import nets, reference
from benchmarks.cpu_page import Figures, Record, page, print_table
from benchmarks.works import MALLOC, MEMORY, WORKS, Work

ROOT = Path(__file__).resolve().parents[1]
TURN = 100.0
"""Milliseconds of a turn, at least a step."""
REST = 0.05
"""Seconds between turns, after which the threads of the one before sleep."""


@dataclass
class Contestant:
    """A process that makes steps."""

    name: str
    process: subprocess.Popen[str]
    samples: list[tuple[float, int]] = field(default_factory=list)
    memory: int = 0

    def turn(self) -> None:
        """Make steps for about ``TURN`` ms."""
        time.sleep(REST)
        count = max(1, min(20, round(TURN / self.samples[-1][0]))) if self.samples else 1
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        for _ in range(count):
            spent, preempted, memory = self.process.stdout.readline().split()
            self.samples.append((float(spent), int(preempted)))
        self.memory = int(memory)

    @property
    def record(self) -> Record:
        """Median of the steps that nothing disturbed; of all, where that left fewer than 5."""
        calm = [t for t, preempted in self.samples if not preempted]
        enough = len(calm) >= 5
        chosen = calm if enough else [t for t, _ in self.samples]
        return Record(statistics.median(chosen), self.memory, len(chosen), disturbed=not enough)

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


@dataclass
class Bench:
    """Starts contestants and lets them take turns.

    Attributes:
        peers: Python of the peers' environment, or None to leave them out.
        failures: what each contestant said that could not be started.
    """

    peers: str | None
    folder: Path
    failures: list[str] = field(default_factory=list)

    def measure(
        self, work: Work, threads: int, rounds: int, check: bool = True
    ) -> list[Contestant]:
        """Return the contestants of a work after all their turns."""
        job = self._job(work, threads, check)
        running: list[Contestant] = []
        try:
            for name, command, changes, env in self._commands(work):
                started = self._start(name, work, command, job | changes, env)
                if started is None and name == "netcfg":
                    raise SystemExit(1)  # the reason is on stderr
                running += [started] if started else []
            for _ in range(rounds):
                for contestant in running:
                    contestant.turn()
        finally:
            for contestant in running:
                contestant.stop()
        return running

    def alone(self, work: Work, threads: int, steps: int) -> list[Contestant]:
        """Run the contestants of a work one after the other, for what they need of memory."""
        job = self._job(work, threads, check=False)
        ran = []
        for name, command, changes, env in self._commands(work):
            started = self._start(name, work, command, job | changes, env)
            if started:
                for _ in range(steps):
                    started.turn()
                started.stop()
                ran.append(started)
        return ran

    def _job(self, work: Work, threads: int, check: bool) -> dict[str, Any]:
        """Return what the processes of a work need to know."""
        job = {"net": work.name, "train": work.train, "bfloat16": work.bfloat16}
        job |= {"threads": threads, "variant": "", "engine": "onednn", "reference": ""}
        if work.name == "LSTM":
            return job
        job["shape"] = [work.batch, *nets.NETS[work.name][1]]
        job["layers"] = reference.describe(work.name, work.batch, work.train)
        if check:
            path = self.folder / "reference.npz"
            job["learned"] = reference.write(path, work.name, work.batch)
            job["reference"] = str(path)
        return job

    def _commands(self, work: Work) -> list[tuple[str, list[str], dict[str, Any], dict[str, str]]]:
        """Return of each contestant its name, command, changes of the job, and environment."""
        worker = [sys.executable, "-m", "benchmarks.peers.netcfg_worker"]
        found: list[tuple[str, list[str], dict[str, Any], dict[str, str]]] = []
        found.append(("netcfg", worker, {}, {}))
        if work.numpy:
            found.append(("NumPy engine", worker, {"engine": "numpy"}, {}))
        if self.peers is None:
            return found
        for variant in work.torch:
            command = [self.peers, "-m", "benchmarks.peers.torch_worker"]
            env = MALLOC if "mt" in variant else {}
            found.append((variant, command, {"variant": variant}, env))
        for variant in work.engines:
            command = [self.peers, "-m", "benchmarks.peers.onnx_worker"]
            found.append((variant, command, {"variant": variant}, {}))
        return found

    def _start(
        self,
        name: str,
        work: Work,
        command: Sequence[str],
        job: dict[str, Any],
        env: dict[str, str],
    ) -> Contestant | None:
        """Start a process and wait until it has warmed up; None where it fails."""
        log = self.folder / "stderr"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=os.environ | {"OMP_NUM_THREADS": str(job["threads"])} | env,
                cwd=ROOT,
            )
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        if process.stdout.readline().strip() == "ready":
            return Contestant(name, process)
        process.kill()
        process.communicate()
        said = (log.read_text().strip().splitlines() or ["no word"])[-1]
        self.failures.append(f"{work.title}, {job['threads']} threads, {name}: {said}")
        print(self.failures[-1], file=sys.stderr)
        return None


def run(args: argparse.Namespace, figures: Figures, folder: Path) -> None:
    """Measure the works that were asked for and keep the page up to date."""
    bench = Bench(args.peers, folder)
    for work in (w for w in (*WORKS, *MEMORY) if args.only in w.title):
        # threads change times, not memory
        counts = [max(args.threads)] if work.memory else args.threads
        for threads in counts:
            if work.memory:
                ran = bench.alone(work, threads, 2)
            else:
                ran = bench.measure(work, threads, args.rounds)
            figures.add(work, threads, {c.name: c.record for c in ran})
            print_table(figures, work, threads)
            if args.out:
                figures.save(args.out.with_suffix(".json"))
                args.out.write_text(page(figures, args.peers, bench.failures))


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", metavar="PYTHON", help="python of an environment with the peers")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose title holds this")
    parser.add_argument(
        "--threads", default=[1, 2], type=lambda text: [int(n) for n in text.split(",")]
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns of each, at least 7 to quote")
    parser.add_argument("--quick", action="store_true", help="one turn each: does it run at all?")
    parser.add_argument(
        "--out", type=Path, help="where to write the page; with --only its other rows stay"
    )
    args = parser.parse_args()
    args.rounds = 1 if args.quick else args.rounds
    figures = Figures()
    if args.only and args.out and args.out.exists():
        saved = args.out.with_suffix(".json")
        if not figures.read(saved):
            parser.error(
                f"{saved} has no figures of this machine: rows of {args.out} would be lost"
            )
    with tempfile.TemporaryDirectory() as folder:
        run(args, figures, Path(folder))


if __name__ == "__main__":
    main()

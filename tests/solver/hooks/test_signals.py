import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from netcfg.solver.hooks import Signals
from netcfg.solver.solver import Solver
from tests.solver.recorder import Recorder
from tests.solver.toy import make_project

SCRIPT = """
import sys, time
from netcfg.solver.hooks import Hook, Signals
from netcfg.solver.solver import Solver

class Slow(Hook):
    def on_iteration(self, solver):
        print("iteration", solver.iter, flush=True)
        time.sleep(float(sys.argv[1]))

    def on_snapshot(self, solver, weights, state):
        print("snapshot", solver.iter, flush=True)

    def on_stop(self, solver, reason):
        print("stop", reason, flush=True)

Solver("solver.prototxt", hooks=[Signals(), Slow()]).solve()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_project(tmp_path, "max_iter: 100000 test_interval: 100000 snapshot_after_train: false")
    return tmp_path


def start(folder: Path, pause: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(pause)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout is not None
    for got in process.stdout:
        if got.strip() == line:
            return
    raise AssertionError(f"no line '{line}'")


def test_ctrl_c_once_stops_after_a_snapshot(folder: Path) -> None:
    process = start(folder, 0.01)
    wait_for(process, "iteration 3")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    *_, snapshot, stop = out.splitlines()
    number = int(snapshot.removeprefix("snapshot "))
    assert stop == "stop stopped"
    assert (folder / f"snap_iter_{number}.solverstate").exists()
    assert "press Ctrl-C again to stop at once" in err


def test_ctrl_c_twice_stops_at_once(folder: Path) -> None:
    process = start(folder, 15)
    wait_for(process, "iteration 1")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    process.stderr.readline(), process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert out.splitlines()[-1] == "stop interrupted"
    assert "KeyboardInterrupt" in err
    assert not list(folder.glob("*.solverstate"))


def test_hangup_takes_a_snapshot_and_goes_on(folder: Path) -> None:
    process = start(folder, 0.01)
    wait_for(process, "iteration 2")
    process.send_signal(signal.SIGHUP)
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("snapshot"):
        lines.append(process.stdout.readline().strip())
    number = int(lines[-1].split()[1])
    wait_for(process, f"iteration {number + 3}")
    process.kill()
    process.communicate()
    assert (folder / f"snap_iter_{number}.solverstate").exists()


@pytest.fixture
def handlers() -> Iterator[None]:
    old = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in old.items():
        signal.signal(number, handler)


def test_old_handlers_come_back(tmp_path: Path, handlers: None) -> None:
    def mine(*_: object) -> None:
        pass

    signal.signal(signal.SIGINT, mine)
    seen = []

    class Look(Recorder):
        def on_iteration(self, solver: Solver) -> None:
            seen.append(signal.getsignal(signal.SIGINT))

    path = make_project(tmp_path, "max_iter: 1")
    Solver(path, hooks=[Signals(), Look()], out=tmp_path).solve()
    assert seen[0] is not mine
    assert signal.getsignal(signal.SIGINT) is mine


@pytest.mark.parametrize(("effect", "event"), [("none", ""), ("snapshot", "snapshot 2")])
def test_other_effects_of_ctrl_c(tmp_path: Path, effect: str, event: str) -> None:
    class Press(Recorder):
        def on_gradients(self, solver: Solver) -> None:
            if solver.iter == 1:
                os.kill(os.getpid(), signal.SIGINT)

    press = Press()
    path = make_project(tmp_path, "max_iter: 3 snapshot_after_train: false")
    solver = Solver(path, hooks=[Signals(sigint=effect), press], out=tmp_path)  # type: ignore[arg-type]
    if effect == "none":
        with pytest.raises(KeyboardInterrupt):
            solver.solve()
    else:
        solver.solve()
        assert event in press.events


def test_outside_the_main_thread_nothing_is_caught(tmp_path: Path) -> None:
    path = make_project(tmp_path, "max_iter: 1")
    recorder = Recorder()
    solver = Solver(path, hooks=[Signals(), recorder], out=tmp_path)
    thread = threading.Thread(target=solver.solve)
    thread.start()
    thread.join()
    assert recorder.events[-1] == "stop done"

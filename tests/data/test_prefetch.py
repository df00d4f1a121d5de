import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

from netcfg.data.prefetch import VARIABLE, Prefetch, given_workers, set_workers
from netcfg.errors import DataError, NetError

OTHERS: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()
"""Threads that other tests have left to end by themselves."""


@pytest.fixture(autouse=True)
def _others() -> None:
    OTHERS.update(threading.enumerate())


def running() -> int:
    return sum(t.name.startswith("prefetch") and t not in OTHERS for t in threading.enumerate())


@pytest.mark.parametrize(("depth", "workers"), [(0, 1), (1, 1), (4, 1), (4, 4), (2, 8)])
def test_results_come_in_order(depth: int, workers: int) -> None:
    def make(k: int) -> int:
        time.sleep(0.001 * (k % 3))
        return k * k

    prefetch = Prefetch(make, depth, workers)
    assert [prefetch.get(k) for k in range(30)] == [k * k for k in range(30)]
    assert prefetch.close()
    assert running() == 0


def test_nothing_starts_before_the_first_get() -> None:
    calls: list[int] = []
    prefetch = Prefetch(calls.append, 3, 2)
    assert running() == 0
    prefetch.get(5)
    assert running() == 2
    prefetch.close()
    assert min(calls) == 5


def test_no_more_than_depth_results_wait() -> None:
    calls: list[int] = []
    prefetch = Prefetch(calls.append, 3, 2)
    prefetch.get(0)
    time.sleep(0.05)
    assert sorted(calls) == [0, 1, 2, 3]
    prefetch.close()


def test_any_batch_may_follow_any_other() -> None:
    prefetch = Prefetch(lambda k: k, 4, 3)
    order = [0, 1, 2, 10, 11, 3, 3, 4, 100, 0, 1]
    assert [prefetch.get(k) for k in order] == order
    prefetch.close()


def test_an_error_reaches_the_consumer_in_its_turn() -> None:
    def make(k: int) -> int:
        if k == 2:
            raise DataError("record 2 is damaged")
        return k

    prefetch = Prefetch(make, 4, 3)
    assert [prefetch.get(0), prefetch.get(1)] == [0, 1]
    for _ in range(2):
        with pytest.raises(DataError, match="record 2 is damaged"):
            prefetch.get(2)
    assert prefetch.get(3) == 3
    prefetch.close()


def test_even_an_exit_in_a_worker_reaches_the_consumer() -> None:
    def make(k: int) -> int:
        raise SystemExit(k)

    prefetch = Prefetch(make, 1, 1)
    with pytest.raises(SystemExit):
        prefetch.get(0)
    prefetch.close()


def test_closing_while_workers_wait_or_work() -> None:
    prefetch = Prefetch(lambda k: time.sleep(0.02), 2, 2)
    prefetch.get(0)
    assert prefetch.close()
    assert prefetch.close()
    with pytest.raises(DataError, match="the data layer is closed"):
        prefetch.get(1)


def test_closing_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netcfg.data.prefetch.JOIN_SECONDS", 0.01)
    stuck = threading.Event()
    prefetch = Prefetch(lambda k: k == 0 or stuck.wait(), 2, 1)
    prefetch.get(0)
    assert not prefetch.close()
    stuck.set()
    prefetch._threads[0].join()


def test_a_forgotten_prefetch_stops_its_workers() -> None:
    class Source:
        def __call__(self, k: int) -> int:
            return k

    source = Source()
    seen = weakref.ref(source)
    prefetch = Prefetch(source, 2, 2)
    prefetch.get(0)
    del prefetch, source
    gc.collect()
    assert running() == 0
    assert seen() is None


@pytest.mark.parametrize(
    "end",
    ["", "sys.exit(0)", "raise KeyboardInterrupt", "os.kill(os.getpid(), signal.SIGINT)"],
)
def test_leaving_without_closing(end: str) -> None:
    code = (
        "import os, signal, sys, time; from netcfg.data.prefetch import Prefetch\n"
        "p = Prefetch(lambda k: time.sleep(0.01), 3, 2); p.get(0)\n" + end
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, check=False, timeout=60
    )
    assert b"Fatal" not in done.stderr
    assert (done.returncode == 0) == ("Int" not in end and "INT" not in end)


def test_interrupting_a_consumer_that_waits() -> None:
    code = (
        "import time; from netcfg.data.prefetch import Prefetch\n"
        "p = Prefetch(lambda k: time.sleep(1 if k else 0), 1, 1); p.get(0)\n"
        "print('waiting', flush=True)\n"
        "p.get(1)\np.get(2)\np.get(3)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(2)
    _, errors = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors


def test_no_workers_make_in_line() -> None:
    prefetch = Prefetch(lambda k: threading.current_thread(), 4, 0)
    assert prefetch.get(3) is threading.current_thread()
    assert running() == 0


def test_every_worker_has_a_result_to_make() -> None:
    together = threading.Barrier(3, timeout=30)
    prefetch = Prefetch(lambda k: together.wait() if k < 3 else 0, 1, 3)
    assert sorted(prefetch.get(k) for k in range(3)) == [0, 1, 2]
    prefetch.close()


def test_the_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert given_workers() is None
    monkeypatch.setenv(VARIABLE, "0")
    assert given_workers() == 0
    try:
        set_workers(3)
        assert given_workers() == 3
    finally:
        set_workers(None)
    monkeypatch.setenv(VARIABLE, "-1")
    with pytest.raises(
        NetError, match="NETCFG_WORKERS must be a whole number, 0 or more; given '-1'"
    ):
        given_workers()

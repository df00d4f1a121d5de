"""Loops that threads share: order, errors, nesting, forks, ends; and primitives in many parts."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netcfg.engines import Conv, Engine, Window, layout, numpy_conv, numpy_linear, threads
from netcfg.errors import NetError
from tests.engines.cases import CALLS, primitive
from tests.engines.test_base import LAYOUTS, arguments, kept, leaves

COUNTS = [1, 2, 3, 5]


@pytest.fixture(autouse=True)
def _default() -> Iterator[None]:
    threads.set_count(4)
    yield
    threads.set_count(None)


# Numbers of threads --------------------------------------------------------------------------


def test_count_is_what_was_set_then_the_variable_then_the_cores(monkeypatch: Any) -> None:
    monkeypatch.setenv("NETCFG_THREADS", "7")
    assert threads.count() == 4
    threads.set_count(None)
    assert threads.count() == 7
    monkeypatch.setenv("NETCFG_THREADS", "")
    threads.set_count(None)
    assert 1 <= threads.count() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    threads.set_count(None)
    assert threads.count() == (os.cpu_count() or 1)


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_is_refused(monkeypatch: Any, text: str) -> None:
    monkeypatch.setenv("NETCFG_THREADS", text)
    threads.set_count(None)
    with pytest.raises(NetError, match=f"NETCFG_THREADS must .* above 0; given '{text}'"):
        Engine()
    with pytest.raises(NetError, match="above 0; given 0"):
        threads.set_count(0)


# Loops ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("items", [0, 1, 2, 3, 100])
def test_results_come_in_order(count: int, items: int) -> None:
    threads.set_count(count)
    assert threads.run(np, lambda i: i * i, range(items)) == [i * i for i in range(items)]


def test_several_threads_take_part() -> None:
    meeting = threading.Barrier(4, timeout=10)
    names = threads.run(np, lambda _: (meeting.wait(), threading.current_thread())[1], range(4))
    assert len(set(names)) == 4


def test_other_modules_stay_with_the_caller() -> None:
    names = threads.run(SimpleNamespace(), lambda _: threading.current_thread(), range(9))
    assert set(names) == {threading.current_thread()}


@pytest.mark.parametrize("count", COUNTS)
def test_the_first_error_is_raised(count: int) -> None:
    threads.set_count(count)
    done = []

    def work(i: int) -> None:
        done.append(i)
        if i >= 3:
            time.sleep(0.01 * (i == 3))  # so that others fail before
            raise ValueError(i)

    with pytest.raises(ValueError, match=r"^3$"):
        threads.run(np, work, range(1000))
    assert len(done) < 100, "what follows is left out"
    assert threads.run(np, str, range(3)) == ["0", "1", "2"], "the pool goes on"


def test_an_interrupt_is_raised() -> None:
    def work(i: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        threads.run(np, work, range(8))


def test_errors_of_arithmetic_are_handled_as_the_caller_says() -> None:
    def work(_: int) -> Any:
        time.sleep(0.001)
        return np.ones(2) / np.zeros(2)

    with np.errstate(divide="ignore"):
        assert len(threads.run(np, work, range(20))) == 20
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        threads.run(np, work, range(20))


def test_loops_within_loops() -> None:
    def outer(i: int) -> int:
        return sum(threads.run(np, lambda j: sum(threads.run(np, int, range(j))), range(i)))

    expected = [sum(j * (j - 1) // 2 for j in range(i)) for i in range(12)]
    assert threads.run(np, outer, range(12)) == expected


def test_loops_of_several_threads_at_once() -> None:
    x, w = np.ones((16, 16, 20, 20), np.float32), np.ones((16, 16, 3, 3), np.float32)
    conv = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
    expected = Engine().conv(x, w, None, conv)
    wrong: list[Any] = []

    def work() -> None:
        for _ in range(20):
            if not np.array_equal(Engine().conv(x, w, None, conv), expected):
                wrong.append(threading.current_thread())

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers)
    assert wrong == []


def test_busy_helpers_are_not_waited_for() -> None:
    """Nor do they keep the arrays of a loop that has ended without them."""
    release = threading.Event()
    job = threads._Job(lambda _: release.wait(10), list(range(3)))
    threads._pool.help(job, 3)
    while job.todo:
        time.sleep(0.001)
    try:
        late = threads._Job(str, [1, 2])
        threads._pool.help(late, 1)
        late.run()
        assert late.wait() == ["1", "2"]
        assert late.work is None
        assert threads.run(np, lambda i: i, range(5)) == list(range(5))
    finally:
        release.set()
    assert job.wait() == [True] * 3


# Processes -----------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    threads.run(np, int, range(8))
    assert threads._pool.started > 0
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        meeting = threading.Barrier(2, timeout=20)
        code = 1
        try:
            alone = threads._pool.started == 0 and threads.count() == 4
            threads.run(np, lambda _: meeting.wait(), range(2))
            code = 0 if alone else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_ends_with_its_threads_waiting_or_at_work() -> None:
    text = (
        "import threading, time, numpy as np; from netcfg.engines import threads\n"
        "threads.set_count(4); assert threads.run(np, int, range(9)) == list(range(9))\n"
        "busy = lambda _: [np.ones(10**6).sum() for _ in range(10**6)]\n"
        "loop = lambda: threads.run(np, busy, range(4))\n"
        "threading.Thread(target=loop, daemon=True).start(); time.sleep(0.1)\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# Primitives ----------------------------------------------------------------------------------


def cut(monkeypatch: Any, size: int, parts: int) -> None:
    """Set from which size on arrays are cut, and into how many parts at least."""
    for module in (layout, numpy_conv):
        monkeypatch.setattr(module, "BLOCK", size)
        monkeypatch.setattr(module, "PARTS", parts)
    for module, name in ((layout, "SHARE"), (numpy_conv, "SCRATCH"), (numpy_linear, "WORK")):
        monkeypatch.setattr(module, name, size)


@pytest.mark.parametrize("channels", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_primitives_in_parts(monkeypatch: Any, name: str, channels: Any) -> None:
    """They equal those in one part, and bit for bit those of one thread."""
    engine = Engine(np.float64)
    args = kept(engine, arguments(name, np.float64, channels))
    call = getattr(engine, primitive(name))
    cut(monkeypatch, 1 << 40, 1)
    whole = list(leaves(call(*args)))
    for size in (1, 200):
        cut(monkeypatch, size, 3)
        threads.set_count(1)
        alone = list(leaves(call(*args)))
        threads.set_count(3)
        for y, one, expected in zip(leaves(call(*args)), alone, whole, strict=True):
            assert y.tobytes() == one.tobytes()
            np.testing.assert_allclose(y, expected, atol=1e-12 * max(1, np.abs(y).max(initial=0)))


CONV = Conv(Window((3, 3), (1, 1), (1, 1), (1, 1)))
POOL = Window((3, 3), (2, 2), (0, 0), (1, 1))


def step(x: Any) -> list[Any]:
    """Return what the primitives make of images (N, 32, 40, 40), forward and backward."""
    e, rng = Engine(), np.random.default_rng(1)
    w, v = rng.normal(size=(48, 32, 3, 3)), rng.normal(size=(600, 48 * 19 * 19))
    w, v = w.astype(np.float32), v.astype(np.float32)
    y = e.relu(e.conv(x, w, w[:, 0, 0, 0], CONV), 0.1)
    norm, scale = e.lrn(y, 5, 1e-2, 0.75, 1.0)
    unit, mean, var = e.batch_norm(norm, 1e-3)
    top, mask = e.max_pool(unit, POOL, (19, 19))
    rows = top.reshape(len(x), -1)
    z = e.linear(rows, v, None)
    dtop = e.linear_grad_x(z, v).reshape(top.shape)
    dunit = e.max_pool_grad(dtop, mask, unit.shape, POOL) + e.ave_pool_grad(
        e.ave_pool(unit, POOL, (19, 19)), unit.shape, POOL
    )
    dnorm = e.batch_norm_grad(dunit, unit, var, 1e-3)
    dy = e.relu_grad(e.lrn_grad(dnorm, y, norm, scale, 5, 1e-2, 0.75, 1.0), y, 0.1)
    dx, dw = e.conv_grad_x(dy, w, x.shape, CONV), e.conv_grad_w(dy, x, w.shape, CONV, False)[0]
    return [y, scale, unit, mean, var, top, mask, z, e.linear_grad_w(z, rows), dy, dx, dw]


@pytest.mark.parametrize("batch", [1, 2, 3, 9])
def test_bits_do_not_depend_on_the_number_of_threads(batch: int) -> None:
    x = np.random.default_rng(0).normal(size=(batch, 32, 40, 40)).astype(np.float32)
    threads.set_count(1)
    expected = [y.tobytes() for y in step(x)]
    for count in COUNTS:
        threads.set_count(count)
        assert [y.tobytes() for y in step(x)] == expected

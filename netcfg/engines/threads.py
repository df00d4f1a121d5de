"""Threads that share the loops of a primitive over blocks of its arrays.

NumPy lets go of the interpreter while it multiplies, copies and adds, so Python threads run side by
side. Whoever is free takes the next block, the caller too: where a core is busy with something
else, its thread takes fewer. How arrays are cut depends on their shapes alone and sums of blocks
are added in their order, so results have the same bits with any number of threads.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import numpy as np

from netcfg.errors import NetError

T = TypeVar("T")
R = TypeVar("R")

VARIABLE = "NETCFG_THREADS"
"""The environment variable that gives the number of threads."""


def count() -> int:
    """Return the number of threads: as set, else as ``NETCFG_THREADS`` says, else one a core.

    Raises:
        NetError: the variable holds something else than a number above 0.
    """
    if _pool.resolved is None:
        _pool.resolved = _pool.size or _from_environment() or cores()
    return _pool.resolved


def set_count(size: int | None) -> None:
    """Set the number of threads of this process; None goes back to what it is by default."""
    if size is not None and size < 1:
        raise NetError(f"the number of threads must be above 0; given {size}")
    _pool.size, _pool.resolved = size, None


def run(xp: Any, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return ``work(item)`` of each item, in their order; they may be computed at the same time.

    Any thread may call this, also within ``work``: a caller waits for nothing but items that are
    being computed. Arrays of another module than NumPy stay in the caller's thread.

    Raises:
        BaseException: what ``work`` raised for the first of the items for which it did.
    """
    items = list(items)
    helpers = min(count(), len(items)) - 1
    if helpers < 1 or xp is not np:
        return [work(item) for item in items]
    job = _Job(work, items)
    _pool.help(job, helpers)
    job.run()
    return job.wait()


class _Job(Generic[T, R]):
    """One loop: the items that nobody has taken, and what came of the others."""

    def __init__(self, work: Callable[[T], R], items: list[T]) -> None:
        self.work: Any = work
        self.todo = deque(enumerate(items))
        self.results: list[Any] = [None] * len(items)
        self.errors: dict[int, BaseException] = {}
        self.left = len(items)
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.errstate: Any = np.geterr()  # the caller's, which belongs to its thread

    def run(self) -> None:
        """Take items until there are none."""
        with np.errstate(**self.errstate):
            while True:
                try:
                    index, item = self.todo.popleft()
                except IndexError:
                    return
                self._take(index, item)

    def _take(self, index: int, item: T) -> None:
        try:
            if not self.errors:
                self.results[index] = self.work(item)
        except BaseException as error:  # it belongs to the caller, whatever it is
            self.errors[index] = error
        with self.lock:
            self.left -= 1
            if self.left == 0:
                self.done.set()

    def wait(self) -> list[R]:
        """Wait for the items that others have taken, and return all results."""
        self.done.wait()
        results, errors = self.results, self.errors
        # A helper that comes late must not keep arrays alive.
        self.work, self.results, self.errors = None, [], {}
        if errors:
            try:
                raise errors[min(errors)]
            finally:
                errors.clear()
        return results


class _Pool:
    """Threads that wait for jobs, started when they are first needed.

    Attributes:
        size: the number of threads that was set, callers included.
        resolved: that number, or what stands for it where none was set.
    """

    def __init__(self, size: int | None = None) -> None:
        self.size = size
        self.resolved: int | None = None
        self.lock = threading.Lock()
        self.jobs: SimpleQueue[_Job[Any, Any]] = SimpleQueue()
        self.started = 0

    def help(self, job: _Job[Any, Any], helpers: int) -> None:
        """Have threads take items of a job, when they are free."""
        if self.started < helpers:
            self._start(helpers)
        for _ in range(helpers):
            self.jobs.put(job)

    def _start(self, helpers: int) -> None:
        with self.lock:
            while self.started < helpers:
                name = f"netcfg-{self.started}"
                threading.Thread(target=_serve, args=(self.jobs,), name=name, daemon=True).start()
                self.started += 1


def _serve(jobs: "SimpleQueue[_Job[Any, Any]]") -> None:
    while True:
        job = jobs.get()
        job.run()
        del job  # and what it holds, while waiting for the next one


def _from_environment() -> int | None:
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise NetError(f"{VARIABLE} must be a whole number above 0; given '{text}'")
    return int(text)


def cores() -> int:
    """Return on how many cores this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _renew() -> None:
    """Forget threads that a forked child does not have."""
    global _pool
    _pool = _Pool(_pool.size)


_pool = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)

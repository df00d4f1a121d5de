"""Threads that make the next batches while the net computes."""

import os
import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from netcfg.errors import DataError, NetError

T = TypeVar("T")

JOIN_SECONDS = 3.0
"""How long closing waits for a worker in the middle of a batch; daemons do not hold up the exit."""

VARIABLE = "NETCFG_WORKERS"
"""The environment variable that gives the number of workers of each data layer."""

_given: int | None = None


def given_workers() -> int | None:
    """Return the number of workers that was set, or that ``NETCFG_WORKERS`` says, if any.

    Raises:
        NetError: the variable holds something else than a number.
    """
    text = os.environ.get(VARIABLE, "")
    if _given is not None or not text:
        return _given
    if not text.isdecimal():
        raise NetError(f"{VARIABLE} must be a whole number, 0 or more; given '{text}'")
    return int(text)


def set_workers(count: int | None) -> None:
    """Set the number of workers of each data layer; None leaves it to the layers."""
    global _given
    _given = count


class Prefetch(Generic[T]):
    """Calls ``make(0), make(1), …`` ahead of need, in threads.

    Args:
        make: a function of the batch number alone, safe to call from several threads.
        depth: how many results wait at most, but one for each worker; 0 makes each when it is
            asked for.
        workers: number of threads, started by the first ``get``; 0 does as depth 0 does.
    """

    def __init__(self, make: Callable[[int], T], depth: int, workers: int = 1) -> None:
        self._make = make
        self._workers = workers if depth else 0
        self._state = _State[T](max(depth, workers))
        self._threads: list[threading.Thread] = []
        # The threads hold the state only, so that a forgotten Prefetch is collected and stops them.
        self._stop = weakref.finalize(self, _stop, self._state, self._threads)

    def get(self, k: int) -> T:
        """Return ``make(k)`` and go on with k + 1, …; any k may follow any other.

        Raises:
            Exception: what ``make(k)`` raised.
        """
        if not self._workers:
            return self._make(k)
        self._state.aim(k)
        if not self._threads:
            self._start()
        return self._state.take(k)

    def close(self) -> bool:
        """Stop the workers and say whether all have ended."""
        self._stop()
        return not any(thread.is_alive() for thread in self._threads)

    def _start(self) -> None:
        for i in range(self._workers):
            thread = threading.Thread(
                target=_work, args=(self._state, self._make), name=f"prefetch-{i}", daemon=True
            )
            self._threads.append(thread)
            thread.start()


class _State(Generic[T]):
    """What workers and the consumer share.

    ``wanted`` is the batch that the consumer asks for next, ``ahead`` the next one to make. A jump
    starts a new ``run``; results of an old run are dropped.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.changed = threading.Condition()
        self.results: dict[int, T | BaseException] = {}
        self.wanted = self.ahead = 0
        self.run = 0
        self.closed = False

    def aim(self, k: int) -> None:
        """Have batch ``k`` and its successors made, unless they are being made already."""
        with self.changed:
            if k != self.wanted:
                self.results.clear()
                self.wanted = self.ahead = k
                self.run += 1
                self.changed.notify_all()

    def take(self, k: int) -> T:
        """Wait for result ``k`` and remove it."""
        with self.changed:
            while k not in self.results:
                if self.closed:
                    raise DataError("the data layer is closed")
                self.changed.wait()
            result = self.results.pop(k)
            if isinstance(result, BaseException):
                self.wanted = -1  # asking again makes it again
                raise result
            self.wanted = k + 1
            self.changed.notify_all()
            return result

    def next_job(self) -> tuple[int, int] | None:
        """Wait for a batch to make; None when the end has come."""
        with self.changed:
            while not self.closed and self.ahead >= self.wanted + self.depth:
                self.changed.wait()
            if self.closed:
                return None
            self.ahead += 1
            return self.run, self.ahead - 1

    def put(self, run: int, k: int, result: T | BaseException) -> None:
        """Store a result unless the consumer has jumped elsewhere."""
        with self.changed:
            if run == self.run and not self.closed:
                self.results[k] = result
                self.changed.notify_all()

    def close(self) -> None:
        """Send everyone home."""
        with self.changed:
            self.closed = True
            self.results.clear()
            self.changed.notify_all()


def _work(state: _State[T], make: Callable[[int], T]) -> None:
    while (job := state.next_job()) is not None:
        run, k = job
        try:
            result: T | BaseException = make(k)
        except BaseException as error:  # it belongs to the consumer, whatever it is
            result = error
        state.put(run, k, result)
        del result


def _stop(state: _State[T], threads: list[threading.Thread]) -> None:
    state.close()
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(JOIN_SECONDS)

"""Work on items in threads, with results in the order of the items."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

from netcfg.data.prefetch import Prefetch
from netcfg.engines.malloc import keep_freed_memory
from netcfg.engines.threads import count

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4
"""Results that wait for their turn, at most, for each thread."""


def in_order(work: Callable[[T], R], items: Sequence[T], threads: int | None = None) -> Iterator[R]:
    """Yield ``work(item)`` for each of the items, in their order.

    Args:
        work: safe to call from several threads.
        items: what to work on.
        threads: how many work ahead; as many as compute where None.

    Raises:
        Exception: what ``work`` raised, when it is the turn of that item.
    """
    threads = threads or count()
    keep_freed_memory()  # images of one size come and go: resizing them took twice as long

    def make(k: int) -> R | None:
        # Threads ask for what follows the last item before they know that nobody will.
        return work(items[k]) if k < len(items) else None

    ahead = Prefetch(make, AHEAD * threads, threads)
    try:
        for k in range(len(items)):
            yield cast(R, ahead.get(k))
    finally:
        ahead.close()

"""How far a tool is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 1000
"""Steps between two lines where there is no terminal, as often as Caffe's tools write them."""


@contextmanager
def bar(total: int, unit: str) -> Iterator[Callable[..., None]]:
    """Show progress on standard error; the function takes how many steps were done, 1 by default.

    Args:
        total: how many there will be.
        unit: what is counted, such as ``images``.
    """
    if not sys.stderr.isatty():
        yield _lines(total, unit)
        return
    from tqdm import tqdm

    with tqdm(total=total, unit=f" {unit}", file=sys.stderr, dynamic_ncols=True, leave=False) as it:

        def step(count: int = 1) -> None:
            it.update(count)

        yield step


def _lines(total: int, unit: str) -> Callable[..., None]:
    done, start = 0, time.perf_counter()

    def step(count: int = 1) -> None:
        nonlocal done
        before, done = done, done + count
        if done // EVERY > before // EVERY:
            rate = done / max(time.perf_counter() - start, 1e-9)
            print(f"{done} of {total} {unit}, {rate:.1f} {unit}/s", file=sys.stderr, flush=True)

    return step

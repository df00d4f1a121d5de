"""Keeps freed memory in the process, on glibc.

The arrays of one step are freed and come again, of the same sizes, at the next. glibc maps those
above 32 MB anew each time, and the kernel has to clear every page: adding 1 to 60 MB of floats took
7.0 ms, and 3.8 ms with what is set here. The price is that the process stays as large as it was at
its peak, until ``give_back``.
"""

import contextlib
import ctypes
import functools
import sys

_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3


def give_back() -> None:
    """Return free memory to the system, on glibc; elsewhere do nothing."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):  # another libc
            ctypes.CDLL(None).malloc_trim(0)


@functools.cache
def keep_freed_memory() -> None:
    """Raise the sizes from which malloc maps and returns memory, once; elsewhere do nothing."""
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another libc
        return
    mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
    # Older versions refuse more than 32 MB, their own limit; setting that stops them from guessing.
    _ = mallopt(_MMAP_THRESHOLD, 1 << 30) or mallopt(_MMAP_THRESHOLD, 32 << 20)

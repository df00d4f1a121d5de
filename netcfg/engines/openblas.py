"""Keeps NumPy's OpenBLAS to one thread.

OpenBLAS shares out every product, however small, and its threads wait for each other without
letting go of their cores: next to other work, such as decoding images, a step of LeNet took ten
times as long. The primitives share their loops among threads of their own instead.
"""

import ctypes
import functools
import os
import sys
from typing import Any

_AFFIXES = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))
"""What builds of OpenBLAS put around the names of its functions."""


@functools.cache
def use_one_thread() -> None:
    """Set the number of threads to 1, once; do nothing where the user's environment sets it.

    It is that of the whole process. Other libraries than OpenBLAS are left alone.
    """
    function = None if os.environ.get("OPENBLAS_NUM_THREADS") else _function("set_num_threads")
    if function is not None:
        function.argtypes, function.restype = [ctypes.c_int], None
        function(1)


def threads() -> int | None:
    """Return the number of OpenBLAS's threads; None where NumPy uses another library."""
    function = _function("get_num_threads")
    return None if function is None else int(function())


def _function(name: str) -> Any:
    """Return a function of the OpenBLAS that NumPy is linked with, or None."""
    names = ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath")
    path = next((sys.modules[n].__file__ for n in names if n in sys.modules), None)
    try:
        numpy = ctypes.CDLL(path)
    except OSError:
        return None
    # Looking up a name in a library looks it up in those that it is linked with, too.
    found = (getattr(numpy, f"{a}openblas_{name}{z}", None) for a, z in _AFFIXES)
    return next((function for function in found if function is not None), None)

"""The C library oneDNN: found, checked and called through ctypes.

The wheel ``onednn-cpu-gomp`` brings it; ``NETCFG_ONEDNN`` names another build. Numbers of
``dnnl_types.h`` stand here under their names there; they are the same in all versions 3.x.
"""

import ctypes
import enum
import functools
import os
import threading
from collections.abc import Iterator
from ctypes import c_int, c_void_p
from importlib import metadata
from pathlib import Path
from typing import Any

from netcfg.engines import threads
from netcfg.errors import NetError

VARIABLE = "NETCFG_ONEDNN"
"""The environment variable that names the library's file."""

WHEEL = "onednn-cpu-gomp"
OLDEST = (3, 1)
"""Versions before lack ``dnnl_softmax_accurate`` with these arguments."""

MAX_AXES = 12
Dims = ctypes.c_int64 * MAX_AXES


class Kind(enum.IntEnum):
    """What a primitive is for."""

    TRAINING = 64
    INFERENCE = 96
    BACKWARD = 128
    BACKWARD_DATA = 160


class Algorithm(enum.IntEnum):
    """The algorithm of a primitive that has several."""

    CONVOLUTION = 1
    RELU = 0x20
    TANH = 0x21
    ELU = 0x22
    LINEAR = 0x26
    SOFT_RELU = 0x27
    LOGISTIC = 0x29
    GELU_TANH = 0x2B
    SWISH = 0x2C
    CLIP = 0x2F  # version 2, whose gradient is that of ReLU6
    GELU_ERF = 0x31
    HARD_SWISH = 0x34
    MAX_POOL = 0x1FF
    AVE_POOL = 0x2FF
    AVE_POOL_INSIDE = 0x3FF
    LRN = 0xAFF
    ADD = 0x1FFF0
    MULTIPLY = 0x1FFF1
    SOFTMAX = 0x30000


class Arg(enum.IntEnum):
    """Which argument of a primitive a memory is."""

    SRC = 1
    SRC_1 = 2
    SRC_2 = 3
    DST = 17
    DST_1 = 18
    DST_2 = 19
    WEIGHTS = 33
    WEIGHTS_1 = 34
    BIAS = 41
    MEAN = 49
    VARIANCE = 50
    SCALE = 51
    SHIFT = 52
    WORKSPACE = 64
    SCRATCHPAD = 80
    DIFF_SRC = 129
    DIFF_DST = 145
    DIFF_WEIGHTS = 161
    DIFF_BIAS = 169
    DIFF_SCALE = 255
    DIFF_SHIFT = 256
    MULTIPLE_SRC = 1024
    POST_OP = 0x8000 + 2
    """The second source of the first post-op; later ones add 0x8000 each."""


class Query(enum.IntEnum):
    """What to ask a primitive descriptor for."""

    IMPLEMENTATION = 8
    SRC = 129
    DIFF_SRC = 130
    WEIGHTS = 131
    DIFF_WEIGHTS = 132
    DST = 133
    DIFF_DST = 134
    WORKSPACE = 135
    SCRATCHPAD = 136


class MissingError(NetError):
    """The library is not there, or not one that netcfg can use."""


class RefusedError(Exception):
    """oneDNN does not do what was asked; the caller does it another way."""


class _Version(ctypes.Structure):
    _fields_ = [("major", c_int), ("minor", c_int), ("patch", c_int), ("hash", ctypes.c_char_p)]


class ExecArg(ctypes.Structure):
    """One argument of an execution: ``Arg`` and memory."""

    _fields_ = [("arg", c_int), ("memory", c_void_p)]


class Library:
    """The loaded library with its CPU engine and stream.

    Attributes:
        version: (major, minor, patch).
    """

    def __init__(self, path: Path) -> None:
        try:
            self._dll = ctypes.CDLL(str(path))
        except OSError as error:
            raise MissingError(_cannot_load(path, error)) from error
        self.version = self._check(path)
        self.engine = self._new("engine_create", c_int(1), ctypes.c_size_t(0))
        self.stream = self._new("stream_create", self.engine, c_int(1))
        self.execute = self._dll.dnnl_primitive_execute
        self.execute.argtypes = [c_void_p, c_void_p, c_int, c_void_p]
        # Setting a handle takes no time: it keeps the interpreter's lock.
        self.set_handle = ctypes.PyDLL(str(path)).dnnl_memory_set_data_handle
        self.set_handle.argtypes = [c_void_p, c_void_p]
        self._query = self._dll.dnnl_primitive_desc_query_md
        self._query.restype = c_void_p
        self._query.argtypes = [c_void_p, c_int, c_int]
        self._size = self._dll.dnnl_memory_desc_get_size
        self._size.restype, self._size.argtypes = ctypes.c_size_t, [c_void_p]
        self._set_threads = self._dll.omp_set_num_threads
        self._local = threading.local()
        self._forked = False
        os.register_at_fork(after_in_child=self._note_fork)

    def _check(self, path: Path) -> tuple[int, int, int]:
        try:
            self._dll.dnnl_version.restype = ctypes.POINTER(_Version)
            found = self._dll.dnnl_version().contents
        except AttributeError as error:
            raise MissingError(f"'{path}' is not oneDNN: it has no dnnl_version") from error
        version = (found.major, found.minor, found.patch)
        if found.major != OLDEST[0] or version < OLDEST:
            text, oldest = ".".join(map(str, version)), ".".join(map(str, OLDEST))
            raise MissingError(
                f"'{path}' is oneDNN {text}; netcfg needs a version 3 from {oldest} on"
            )
        return version

    def _new(self, function: str, *args: Any) -> c_void_p:
        handle = c_void_p()
        self.call(function, ctypes.byref(handle), *args)
        return handle

    def call(self, function: str, *args: Any) -> None:
        """Call ``dnnl_<function>``.

        Raises:
            RefusedError: the status is not success.
        """
        status = getattr(self._dll, f"dnnl_{function}")(*args)
        if status:
            raise RefusedError(f"dnnl_{function} gave status {status}")

    def create(self, function: str, *args: Any) -> c_void_p:
        """Return what ``dnnl_<function>_create`` makes of the arguments."""
        return self._new(f"{function}_create", *args)

    def create_desc(self, how: str, *args: Any) -> c_void_p:
        """Return a memory descriptor made ``with_strides`` or ``with_tag``."""
        return self._new(f"memory_desc_create_{how}", *args)

    def primitive_desc(self, operation: str, *args: Any) -> c_void_p:
        """Return the primitive descriptor of an operation such as ``convolution_forward``."""
        return self._new(f"{operation}_primitive_desc_create", self.engine, *args)

    def destroy(self, kind: str, handle: c_void_p) -> None:
        """Free what ``create`` made."""
        getattr(self._dll, f"dnnl_{kind}_destroy")(handle)

    def query(self, desc: c_void_p, what: Query, index: int = 0) -> c_void_p:
        """Return a memory descriptor that belongs to a primitive descriptor."""
        return c_void_p(self._query(desc, what, index))

    def implementation(self, desc: c_void_p) -> str:
        """Return the name of the kernel that oneDNN has chosen."""
        name = ctypes.c_char_p()
        self.call("primitive_desc_query", desc, Query.IMPLEMENTATION, 0, ctypes.byref(name))
        return (name.value or b"").decode()

    def next_implementation(self, desc: c_void_p) -> None:
        """Have a primitive descriptor take oneDNN's second choice; its hint must still be there.

        Raises:
            RefusedError: there is no other.
        """
        self.call("primitive_desc_next_impl", desc)

    def size(self, memory_desc: c_void_p) -> int:
        """Return the bytes of a memory of that descriptor."""
        return int(self._size(memory_desc))

    def equal(self, a: c_void_p, b: c_void_p) -> bool:
        """Return whether two memory descriptors describe the same layout."""
        return bool(self._dll.dnnl_memory_desc_equal(a, b))

    def threads(self) -> int:
        """Return how many threads OpenMP may use: as ``netcfg.engines.threads`` says."""
        return 1 if self._forked else threads.count()

    def use_threads(self, count: int) -> None:
        """Have OpenMP use so many threads, for this thread.

        A primitive divides its work when it is made, so it wants as many when it runs.
        """
        if getattr(self._local, "count", None) != count:
            self._set_threads(c_int(count))
            self._local.count = count

    def has_bfloat16(self) -> bool:
        """Return whether the CPU multiplies 16-bit floats: it has AVX512-BF16 or AMX."""
        return bool(self._dll.dnnl_get_effective_cpu_isa() & 0x80)

    def threads_in_use(self) -> int:
        """Return how many threads OpenMP uses in this thread."""
        return int(self._dll.omp_get_max_threads())

    def _note_fork(self) -> None:
        """Keep to one thread in a forked child: it lacks the threads that OpenMP would wait for."""
        self._forked = True
        self._local = threading.local()


@functools.cache
def load() -> Library:
    """Return the library, loaded once.

    Raises:
        MissingError: it is not there; the message says how to get it.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).exists():
            raise MissingError(f"{VARIABLE} names '{named}', which does not exist")
        return Library(Path(named))
    path = next(_candidates(), None)
    if path is None:
        raise MissingError(
            f"oneDNN is not installed; `pip install {WHEEL}` brings it on Linux x86-64, and "
            f"{VARIABLE} names another libdnnl.so"
        )
    return Library(path)


def _candidates() -> Iterator[Path]:
    """Yield the library's files in the wheel; all are the same."""
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        path = Path(str(file.locate()))
        if path.name.startswith("libdnnl.so") and path.exists():
            yield path.resolve()


def _cannot_load(path: Path, error: OSError) -> str:
    if "libgomp" in str(error):
        return "oneDNN needs libgomp.so.1, GCC's OpenMP; `apt install libgomp1` brings it"
    return f"'{path}' cannot be loaded: {error}"

"""Matrix products through cuBLASLt: bias and ReLU on the way, batches, and nothing that waits.

cuBLAS counts columns first. A product in rows, d = a b, is dᵀ = bᵀ aᵀ to it, so that a and b change
places and a row of bias is a column.
"""

import ctypes
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from netcfg.types import Array, Shape

WORKSPACE = 32 << 20
"""Bytes of scratch memory, as NVIDIA advises for Hopper."""

TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}
"""cudaDataType_t by the names of dtypes."""

_RESULT = 96
"""Bytes of cublasLtMatmulHeuristicResult_t, which begins with the algorithm."""

COMPUTE_32F, COMPUTE_64F, COMPUTE_TF32 = 68, 70, 77
_TRANSA, _TRANSB, _EPILOGUE, _BIAS, _BIAS_TYPE = 3, 4, 7, 8, 26
_BATCH, _OFFSET = 5, 6
_MOST_WORKSPACE, _ALIGN = 1, (5, 6, 7, 8)
_PLAIN, _RELU, _WITH_BIAS = 1, 2, 4


class Matrix(NamedTuple):
    """How the matrices of an array lie.

    Attributes:
        turned: whether neighbours are those of a column.
        pitch: elements from one row, or column if turned, to the next.
        step: elements from one matrix to the next; 0 where all use the same.
        align: bytes by which its address can be divided, at most 256.
    """

    turned: bool
    pitch: int
    step: int
    align: int


@dataclass(frozen=True)
class Product:
    """What a plan is made for: d (count, m, n) = a (count, m, k) b (count, k, n) + bias (n)."""

    m: int
    n: int
    k: int
    count: int
    a: Matrix
    b: Matrix
    d: Matrix
    dtype: str
    result: str
    bias: bool
    relu: bool
    tf32: bool


def matrix(x: Array, address: int) -> Matrix | None:
    """Describe an array of two or three axes; None where no row and no column is dense."""
    item = x.itemsize
    row, column = (n // item for n in x.strides[-2:])
    rows, columns = x.shape[-2:]
    align = min(256, address & -address) if address else 256
    step = x.strides[0] // item if x.ndim > 2 and x.shape[0] > 1 else 0
    if any(n % item for n in x.strides) or step < 0:
        return None
    if (column == 1 or columns == 1) and (row >= columns or rows == 1):
        return Matrix(False, max(row if rows > 1 else columns, columns, 1), step, align)
    if (row == 1 or rows == 1) and (column >= rows or columns == 1):
        return Matrix(True, max(column if columns > 1 else rows, rows, 1), step, align)
    return None


class Products:
    """cuBLASLt on one device, with plans by shapes.

    Args:
        device: its stream, CuPy and scratch memory are used.

    Raises:
        ImportError: the binding is missing.
    """

    def __init__(self, device: Any) -> None:
        from nvmath.bindings import cublasLt

        self._lt = cublasLt
        self._device = device
        self._handle = cublasLt.create()
        self._plans: dict[Product, _Plan | None] = {}

    def __call__(
        self,
        a: Array,
        b: Array,
        out: Array,
        bias: Array | None = None,
        *,
        relu: bool = False,
        tf32: bool = True,
    ) -> bool:
        """Write the product of a and b to ``out``; return whether cuBLASLt can do that.

        Args:
            a: (m, k), or (count, m, k).
            b: (k, n), or (count, k, n), of a's type.
            out: (m, n) or (count, m, n), rows dense.
            bias: (n) of out's type, added to each row.
            relu: whether negative values become 0.
            tf32: whether products of float32 may be rounded to TF32.
        """
        lie = [matrix(x, int(x.data.ptr)) for x in (a, b, out)]
        if lie[0] is None or lie[1] is None or lie[2] is None or lie[2].turned:
            return False
        m, n = out.shape[-2:]
        count = out.shape[0] if out.ndim > 2 else 1
        types = a.dtype.name, out.dtype.name
        given = bias is not None, relu, tf32
        product = Product(m, n, a.shape[-1], count, lie[0], lie[1], lie[2], *types, *given)
        if product not in self._plans:
            self._plans[product] = _Plan.make(self._lt, self._handle, product)
        plan = self._plans[product]
        if plan is None:
            return False
        stream = self._device.stream.ptr
        workspace = self._device.workspace.address(WORKSPACE)
        addresses = [int(x.data.ptr) for x in (a, b, out)]
        plan.run(addresses, int(bias.data.ptr) if bias is not None else 0, workspace, stream)
        return True


class _Plan:
    """Descriptions and the algorithm of one product; they live as long as the process."""

    def __init__(self, lt: Any, handle: int, product: Product) -> None:
        self._lt, self._handle = lt, handle
        double = product.dtype == "float64"
        number = ctypes.c_double if double else ctypes.c_float
        self._one, self._zero = number(1), number(0)
        self._operation = lt.matmul_desc_create(
            _compute(product), TYPES["float64" if double else "float32"]
        )
        self._set_int(_TRANSA, int(product.b.turned))
        self._set_int(_TRANSB, int(product.a.turned))
        epilogue = _RELU * product.relu | _WITH_BIAS * product.bias or _PLAIN
        self._set_int(_EPILOGUE, epilogue)
        if product.bias:
            self._set_int(_BIAS_TYPE, TYPES[product.result])
            self._set_bias(1 << 8)  # any address for the search
        m, n, k, count = product.m, product.n, product.k, product.count
        self._a = self._layout(product.b, product.dtype, (k, n), count)
        self._b = self._layout(product.a, product.dtype, (m, k), count)
        self._d = self._layout(product.d, product.result, (m, n), count)
        self._algorithm = ctypes.create_string_buffer(_RESULT)

    @classmethod
    def make(cls, lt: Any, handle: int, product: Product) -> "_Plan | None":
        """Return a plan with the best algorithm by heuristics, None where there is none."""
        plan = cls(lt, handle, product)
        preference = lt.matmul_preference_create()
        try:
            size = ctypes.c_uint64(WORKSPACE)
            lt.matmul_preference_set_attribute(
                preference, _MOST_WORKSPACE, ctypes.addressof(size), 8
            )
            aligns = (product.b.align, product.a.align, product.d.align, product.d.align)
            for attribute, align in zip(_ALIGN, aligns, strict=True):
                value = ctypes.c_uint32(align)
                lt.matmul_preference_set_attribute(
                    preference, attribute, ctypes.addressof(value), 4
                )
            found = ctypes.c_int()
            lt.matmul_algo_get_heuristic(
                handle, plan._operation, plan._a, plan._b, plan._d, plan._d, preference, 1,
                ctypes.addressof(plan._algorithm), ctypes.addressof(found),
            )  # fmt: skip
        except lt.cuBLASLtError:
            return None
        finally:
            lt.matmul_preference_destroy(preference)
        return plan if found.value else None

    def run(self, addresses: list[int], bias: int, workspace: int, stream: int) -> None:
        """Queue the product."""
        a, b, out = addresses
        if bias:
            self._set_bias(bias)
        self._lt.matmul(
            self._handle, self._operation, ctypes.addressof(self._one), b, self._a, a, self._b,
            ctypes.addressof(self._zero), out, self._d, out, self._d,
            ctypes.addressof(self._algorithm), workspace, WORKSPACE, stream,
        )  # fmt: skip

    def _set_int(self, attribute: int, number: int) -> None:
        value = ctypes.c_int32(number)
        self._lt.matmul_desc_set_attribute(
            self._operation, attribute, ctypes.addressof(value), ctypes.sizeof(value)
        )

    def _set_bias(self, address: int) -> None:
        value = ctypes.c_void_p(address)
        self._lt.matmul_desc_set_attribute(
            self._operation, _BIAS, ctypes.addressof(value), ctypes.sizeof(value)
        )

    def _layout(self, x: Matrix, dtype: str, shape: Shape, count: int) -> int:
        """Describe (rows, columns) in rows as cuBLAS sees it, with its columns first."""
        rows, columns = shape if x.turned else shape[::-1]
        layout: int = self._lt.matrix_layout_create(TYPES[dtype], rows, columns, x.pitch)
        if count > 1:
            values: tuple[Any, ...] = (ctypes.c_int32(count), ctypes.c_int64(x.step))
            for attribute, value in zip((_BATCH, _OFFSET), values, strict=True):
                self._lt.matrix_layout_set_attribute(
                    layout, attribute, ctypes.addressof(value), ctypes.sizeof(value)
                )
        return layout


def _compute(product: Product) -> int:
    """Return how cuBLAS is to compute."""
    if product.dtype == "float64":
        return COMPUTE_64F
    tf32 = product.tf32 and product.dtype == "float32"
    return COMPUTE_TF32 if tf32 else COMPUTE_32F


def supported(*arrays: Array) -> bool:
    """Return whether all arrays have one type that cuBLASLt knows, and something to multiply."""
    return len({x.dtype for x in arrays}) == 1 and all(
        np.dtype(x.dtype).name in TYPES and x.size for x in arrays
    )

"""How matrices lie, and what cuBLASLt is told; products of memory read that way: test_engine.py."""

import ctypes
from typing import Any

import numpy as np
import pytest

from netcfg.engines.cuda.cublas import (
    COMPUTE_32F,
    COMPUTE_64F,
    COMPUTE_TF32,
    Matrix,
    Product,
    Products,
    _Plan,
    matrix,
    supported,
)

A = np.arange(24, dtype=np.float32).reshape(4, 6)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (A, Matrix(False, 6, 0, 64)),
        (A.T, Matrix(True, 6, 0, 64)),
        (A[:, 2:4], Matrix(False, 6, 0, 64)),
        (A[::2], Matrix(False, 12, 0, 64)),
        (A[:1], Matrix(False, 6, 0, 64)),
        (A[:, :1], Matrix(False, 6, 0, 64)),
        (A.reshape(2, 2, 6), Matrix(False, 6, 12, 64)),
        (A.reshape(2, 2, 6).swapaxes(1, 2), Matrix(True, 6, 12, 64)),
        (np.broadcast_to(A, (3, 4, 6)), Matrix(False, 6, 0, 64)),
        (A[:, ::2], None),
        (A[::-1], None),
        (np.broadcast_to(A[:1], (4, 6)), None),
    ],
)
def test_how_matrices_lie(x: Any, expected: Matrix | None) -> None:
    assert matrix(x, 64) == expected


def test_addresses_are_aligned_as_they_are() -> None:
    found = [matrix(A, at) for at in (4, 16, 512, 0)]
    assert [m.align for m in found if m] == [4, 16, 256, 256]


def test_what_is_supported() -> None:
    assert supported(A, A)
    assert not supported(A, A.astype(float))
    assert not supported(A[:0], A)
    assert not supported(A.astype(int), A.astype(int))


class Lt:
    """Notes what cuBLASLt is told."""

    class cuBLASLtError(Exception):  # noqa: N801 - the binding's name
        """Raised by calls."""

    def __init__(self, found: int = 1) -> None:
        self.found = found
        self.attributes: dict[int, int] = {}
        self.layouts: list[tuple[int, ...]] = []
        self.batches: list[tuple[int, int]] = []
        self.compute = 0
        self.runs: list[tuple[Any, ...]] = []

    def matmul_desc_create(self, compute: int, scale: int) -> int:
        self.compute = compute
        return 1

    def matmul_desc_set_attribute(self, desc: int, attribute: int, at: int, size: int) -> None:
        kind = ctypes.c_int32 if size == 4 else ctypes.c_int64
        self.attributes[attribute] = kind.from_address(at).value

    def matrix_layout_create(self, *values: int) -> int:
        self.layouts.append(values)
        return 10 + len(self.layouts)

    def matrix_layout_set_attribute(self, layout: int, attribute: int, at: int, size: int) -> None:
        kind = ctypes.c_int32 if size == 4 else ctypes.c_int64
        self.batches.append((attribute, kind.from_address(at).value))

    def matmul_preference_create(self) -> int:
        return 5

    def matmul_preference_set_attribute(self, *values: int) -> None:
        assert values[0] == 5

    def matmul_preference_destroy(self, preference: int) -> None:
        assert preference == 5

    def matmul_algo_get_heuristic(self, *values: int) -> None:
        ctypes.c_int.from_address(values[-1]).value = self.found

    def matmul(self, *values: Any) -> None:
        self.runs.append(values)


def product(**changes: Any) -> Product:
    rows, columns = Matrix(False, 6, 0, 256), Matrix(True, 6, 0, 256)
    values = {
        "m": 4, "n": 5, "k": 6, "count": 1, "a": rows, "b": columns,
        "d": Matrix(False, 5, 0, 256), "dtype": "float32", "result": "float32", "bias": True,
        "relu": True, "tf32": True,
    }  # fmt: skip
    return Product(**(values | changes))


def test_a_product_in_rows_is_its_transpose_in_columns() -> None:
    lt = Lt()
    plan = _Plan.make(lt, 7, product())
    assert plan is not None
    assert lt.compute == COMPUTE_TF32
    # b (k, n) lies in columns, so it is turned; a does not; bias and ReLU are 6.
    assert (lt.attributes[3], lt.attributes[4], lt.attributes[7]) == (1, 0, 6)
    assert lt.layouts == [(0, 6, 5, 6), (0, 6, 4, 6), (0, 5, 4, 5)]
    plan.run([100, 200, 300], 400, 500, 600)
    assert lt.attributes[8] == 400
    (run,) = lt.runs
    assert (run[0], run[3], run[5], run[8], run[10]) == (7, 200, 100, 300, 300)
    assert run[-3:] == (500, 32 << 20, 600)


def test_batches_and_types() -> None:
    lt = Lt()
    step = Matrix(False, 6, 24, 256)
    _Plan.make(lt, 7, product(count=3, a=step, bias=False, relu=False, tf32=False))
    assert lt.compute == COMPUTE_32F
    assert lt.attributes[7] == 1
    assert (5, 3) in lt.batches
    assert (6, 24) in lt.batches
    _Plan.make(lt, 7, product(dtype="float64", result="float64"))
    assert lt.compute == COMPUTE_64F
    assert lt.layouts[-1][0] == 1
    assert _Plan.make(Lt(found=0), 7, product()) is None


def test_products_keep_plans_and_refuse_what_lies_otherwise() -> None:
    class Data:
        def __init__(self, ptr: int) -> None:
            self.ptr = ptr

    class Array(np.ndarray):
        @property
        def data(self) -> Any:  # type: ignore[override]
            return Data(self.ctypes.data)

    class Device:
        stream = Data(6)

        class workspace:  # noqa: N801
            @staticmethod
            def address(size: int) -> int:
                return 5

    products = Products.__new__(Products)
    products._lt, products._device, products._handle, products._plans = Lt(), Device, 7, {}
    x, w, y = (np.ones(s, np.float32).view(Array) for s in ((4, 6), (6, 5), (4, 5)))
    assert products(x, w, y)
    assert products(x, w, y)
    assert len(products._plans) == 1
    assert len(products._lt.runs) == 2
    assert not products(x[:, ::2], w[:3], y)
    assert not products(x, w, np.asfortranarray(y).view(Array))

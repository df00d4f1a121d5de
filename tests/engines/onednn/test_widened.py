"""NumPy's primitives see float32 where blobs are 16-bit floats."""

import numpy as np
import pytest

from netcfg.engines.onednn.widened import Widened, widened

BFLOAT16 = pytest.importorskip("ml_dtypes", reason="needs netcfg[bf16]").bfloat16


def test_arrays_anywhere_in_the_arguments() -> None:
    x = np.arange(4.0).astype(BFLOAT16)
    found = widened((x, [x, 2], "text", np.arange(3)))
    assert found[0].dtype == found[1][0].dtype == np.float32
    assert found[0].tolist() == [0, 1, 2, 3]
    assert found[1][1:] == [2]
    assert found[2] == "text"
    assert found[3].dtype.kind == "i"


def test_float64_stays() -> None:
    x = np.zeros(3)
    assert widened(x) is x


def test_primitives_compute_in_float32() -> None:
    x = np.full((100, 3), 1.1, BFLOAT16)
    total = Widened().sum_to_axis(x, 1)
    assert total.dtype == np.float32
    np.testing.assert_allclose(total, 100 * np.float32(x[0, 0]), rtol=1e-6)
    assert Widened().to_numpy(x).dtype == np.float32

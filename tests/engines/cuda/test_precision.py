"""Names of precisions."""

import numpy as np
import pytest

from netcfg.engines.cuda.precision import Precision, precision
from netcfg.errors import NetError


def test_names() -> None:
    assert precision("float32") == Precision(tf32=False)
    assert precision("tf32") == Precision(tf32=True)
    assert precision("bfloat16").storage == "bfloat16"
    with pytest.raises(NetError, match="unknown precision 'float61'; did you mean 'float16'"):
        precision("float61")


def test_types_of_blobs() -> None:
    assert precision("float16").blobs(np.float32) == np.float16
    assert precision("tf32").blobs(np.float32) == np.float32
    assert precision("float16").blobs(np.float64) == np.float64
    assert precision("bfloat16").blobs(np.float32).name == "bfloat16"

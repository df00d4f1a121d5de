"""Kernels on the CPU for each storage type."""

import pytest

from netcfg.engines.cuda.compile import STORAGE
from tests.engines.cuda.host import HostKernels


@pytest.fixture(params=STORAGE)
def kernels(request: pytest.FixtureRequest) -> HostKernels:
    made = HostKernels(request.param)
    made.rising = request.param in ("float32", "float16")
    return made


@pytest.fixture(params=[True, False], ids=["rising", "falling"])
def exact(request: pytest.FixtureRequest) -> HostKernels:
    """Kernels that compute in float64, for what depends on no storage type; in both orders."""
    made = HostKernels("float64")
    made.rising = request.param
    return made

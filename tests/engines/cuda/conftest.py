"""Kernels on the CPU for each storage type, and cards where there are some."""

from typing import Any

import pytest

from netcfg.engines import get_engine
from netcfg.engines.cuda.compile import STORAGE
from netcfg.errors import NetError
from tests.engines.cuda.cards import Spy
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


@pytest.fixture
def card(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return an engine of a card with a precision, whose cuDNN is watched."""
    try:
        e: Any = get_engine("cuda", storage=request.param)
    except NetError as reason:
        pytest.skip(str(reason))
    if e.device.graphs is None:
        pytest.skip(e.device.reasons[-1])
    monkeypatch.setattr(e.device, "graphs", Spy(e.device.graphs))
    return e

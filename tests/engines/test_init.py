"""Choosing an engine."""

import sys

import numpy as np
import pytest

from netcfg.engines import ENGINES, Engine, _explain, get_engine
from netcfg.engines.cuda.device import find
from netcfg.errors import NetError


def test_auto_and_names() -> None:
    assert isinstance(get_engine(), Engine)
    assert get_engine("auto", np.float64).name == "numpy"
    assert get_engine().dtype == np.float32
    for name in set(ENGINES) - {"cuda"}:
        engine = get_engine(name, np.float64)
        assert engine.name == name
        assert engine.dtype == np.float64


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(NetError) as error:
        get_engine("nunpy")
    expected = "unknown engine 'nunpy'; did you mean 'numpy'? (known: auto, numpy"
    assert str(error.value).startswith(expected)


def test_without_a_card_the_message_says_what_is_missing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    find.cache_clear()
    _explain.cache_clear()
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(NetError, match=r"needs CuPy: pip install 'netcfg\[cuda13\]'"):
        get_engine("cuda")
    assert get_engine(gpu=0).name in ("onednn", "numpy")
    assert [r.getMessage()[:46] for r in caplog.records] == [
        "running on the CPU: engine cuda needs CuPy: pi"
    ]
    with pytest.raises(NetError, match="engine numpy stores float32 only; given 'tf32'"):
        get_engine("numpy", storage="tf32")

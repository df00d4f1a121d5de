"""Choosing an engine."""

import numpy as np
import pytest

from netcfg.engines import ENGINES, Engine, get_engine
from netcfg.errors import NetError


def test_auto_and_names() -> None:
    assert isinstance(get_engine(), Engine)
    assert get_engine("auto", np.float64).name == "numpy"
    assert get_engine().dtype == np.float32
    for name in ENGINES:
        engine = get_engine(name, np.float64)
        assert engine.name == name
        assert engine.dtype == np.float64


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(NetError) as error:
        get_engine("nunpy")
    expected = "unknown engine 'nunpy'; did you mean 'numpy'? (known: auto, numpy"
    assert str(error.value).startswith(expected)

"""Layers on arrays that are not NumPy's, as those of a GPU: they mix them with none of NumPy's."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine
from netcfg.layer import as_arrays
from netcfg.placement import DEVICE, RECORDED
from netcfg.testing import make_layer, top_shapes
from tests.elsewhere import Elsewhere, Module, There

WAIT = ("waits", "reads which rows", "as many items")
"""How reasons begin of layers that look at numbers of the device."""


def cases() -> Iterator[Any]:
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.name == Path(__file__).name:
            continue
        module = importlib.import_module(f"tests.layers.{path.stem}")
        for case in getattr(module, "CASES", []):
            if hasattr(case, "bottoms") and "type:" in getattr(case, "text", ""):
                yield case


def runs_there(case: Any) -> bool:
    kind = case.text.partition('type: "')[2].partition('"')[0]
    reason = DEVICE.get(kind, "")
    reads = "reads files" in reason or "fed by" in reason
    waits = any(word in reason for word in WAIT)
    return kind in RECORDED or (bool(reason) and not reads and not waits)


CHECKED = [case for case in cases() if runs_there(case)]


@pytest.mark.parametrize("case", CHECKED, ids=lambda c: c.name)
def test_passes_there_are_passes_here(case: Any) -> None:
    try:
        xs = case.arrays(np.float32)
    except TypeError:
        pytest.skip("its bottoms are of a form that its own tests know")
    results = []
    for engine in (Elsewhere(np.float32), Engine(np.float32)):
        layer = make_layer(case.text, [x.shape for x in xs], phase=case.phase, engine=engine)
        tops = top_shapes(layer, [x.shape for x in xs])
        found = list(as_arrays(layer.forward(*map(engine.asarray, xs))))
        if layer.differentiable and case.gradient:
            dys = [engine.asarray(np.ones(t)) for t in tops]
            found += as_arrays(layer.backward(*dys))
        results.append(found)
    for there, here in zip(*results, strict=True):
        assert (there is None) == (here is None)
        if here is not None:
            assert isinstance(there, There)
            np.testing.assert_array_equal(there.view(np.ndarray), here)


def test_what_is_refused() -> None:
    xp: Any = Module()
    x = xp.asarray([1.0, 2.0])
    with pytest.raises(TypeError, match="add is given a NumPy array"):
        x + np.ones(2)
    with pytest.raises(TypeError, match="where is given a NumPy array"):
        xp.where(np.array([True, False]), x, x)
    with pytest.raises(TypeError, match="is asked for"):
        bool(x.sum() > 0)
    with pytest.raises(TypeError, match="stored in an array"):
        x[...] = np.ones(2)
    assert isinstance(x * 2 + np.float32(1), There)

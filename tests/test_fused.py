"""Fused layers have the results and gradients of the layers they stand for."""

from typing import Any

import numpy as np
import pytest

from netcfg import Net
from netcfg.engines import get_engine
from netcfg.fused import Folded
from netcfg.schema import parse_net
from netcfg.types import Phase
from tests.test_fuse import BLOCK

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 6, 6))
ENGINES = [("numpy", np.float64, 1e-12), ("onednn", np.float32, 2e-5)]


def build(phase: Phase, engine: str, dtype: Any, keep: Any = ()) -> Net:
    net = Net(
        parse_net("\n".join(BLOCK)).message, phase, engine=get_engine(engine, dtype), keep=keep
    )
    rng = np.random.default_rng(1)
    for param in net.params:
        param.assign(rng.uniform(0.5, 1.5, param.shape).astype(dtype))
    return net


def close(found: Any, wanted: Any, tolerance: float) -> None:
    size = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * size)


@pytest.mark.parametrize(("engine", "dtype", "tolerance"), ENGINES)
def test_training(engine: str, dtype: Any, tolerance: float) -> None:
    fused = build(Phase.TRAIN, engine, dtype)
    single = build(Phase.TRAIN, engine, dtype, keep="all")
    assert len(fused.units) < len(single.units) == len(BLOCK)
    for _ in range(2):
        for net in (fused, single):
            net.clear_grads()
            net.forward({"x": X.astype(dtype)})
            net.backward()
        close(fused.loss, single.loss, tolerance)
        for p, q in zip(fused.params, single.params, strict=True):
            close(p.value, q.value, tolerance)  # statistics
            close(p.diff, q.diff, 10 * tolerance)
    assert [layer.step for layer in fused.layers] == [2] * len(BLOCK)


@pytest.mark.parametrize(("engine", "dtype", "tolerance"), ENGINES)
def test_inference(engine: str, dtype: Any, tolerance: float) -> None:
    fused, single = build(Phase.TEST, engine, dtype), build(Phase.TEST, engine, dtype, "all")
    for shape in (X.shape, (5, 3, 6, 6)):
        x = np.resize(X, shape).astype(dtype)
        fused.forward({"x": x})
        single.forward({"x": x})
        close(fused.loss, single.loss, tolerance)


@pytest.mark.parametrize(("engine", "dtype", "tolerance"), ENGINES)
def test_weights_are_folded_again_when_they_change(
    engine: str, dtype: Any, tolerance: float
) -> None:
    fused, single = build(Phase.TEST, engine, dtype), build(Phase.TEST, engine, dtype, "all")
    x = {"x": X.astype(dtype)}
    fused.forward(x)
    held = fused.layer("scale").params[0].data  # held, and written to later
    for change in (
        lambda net: net.layer("a").params[0].assign(net.layer("a").params[0].value * 2),
        lambda net: net.layer("norm2").params[1].assign(net.layer("norm2").params[1].value + 1),
    ):
        for net in (fused, single):
            change(net)
            net.forward(x)
        close(fused.loss, single.loss, tolerance)
    held *= 3
    single.layer("scale").params[0].data[...] *= 3
    for net in (fused, single):
        net.forward(x)
    close(fused.loss, single.loss, tolerance)


def test_unchanged_weights_are_folded_once() -> None:
    net = build(Phase.TEST, "onednn", np.float32)
    x = {"x": X.astype(np.float32)}
    net.forward(x)
    folded = [u.runs._weights for u in net.units if isinstance(u.runs, Folded)]
    net.forward(x)
    again = [u.runs._weights for u in net.units if isinstance(u.runs, Folded)]
    assert len(folded) == 3
    assert all(a is b for a, b in zip(folded, again, strict=True))


def test_frozen_scale_gets_no_gradient() -> None:
    net = build(Phase.TRAIN, "numpy", np.float64)
    for param in net.layer("scale").params:
        param.lr_mult = 0
    net.forward({"x": X})
    net.backward()
    assert not any(p.diff.any() for p in net.layer("scale").params)
    assert net.layer("a").params[0].diff.any()


def test_hooks_see_every_layer() -> None:
    net = build(Phase.TRAIN, "numpy", np.float64)
    seen: list[int] = []
    net.before_forward.append(seen.append)
    net.after_backward.append(seen.append)
    net.forward({"x": X})
    net.backward()
    assert seen == [*range(13), *reversed(range(1, 13))]

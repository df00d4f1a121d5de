"""Updates of flat parameters, kernel by kernel, against ``Updater``."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine
from netcfg.netcfg_pb2 import ParamSpec, SolverParameter
from netcfg.param import Param
from netcfg.solver.flat_rules import LOSS_SCALE, FlatUpdater, make_updater
from netcfg.solver.rules import Updater
from tests.engines.cuda.fake import engine

SHAPES = [(3, 2, 2, 3), (3,), (7, 5), (4,), (1,)]
MULTS = [(1, 1), (2, 0), (1, 1), (0, 0), (0.5, 1)]
SOLVERS: dict[str, dict[str, Any]] = {
    "sgd": {"type": "SGD", "momentum": 0.9, "weight_decay": 0.01},
    "l1": {"type": "SGD", "momentum": 0.9, "weight_decay": 0.01, "regularization_type": "L1"},
    "nesterov": {"type": "Nesterov", "momentum": 0.9, "weight_decay": 0.01, "iter_size": 3},
    "adagrad": {"type": "AdaGrad", "delta": 1e-4, "clip_gradients": 0.5},
    "rmsprop": {"type": "RMSProp", "rms_decay": 0.9, "delta": 1e-4},
    "adadelta": {"type": "AdaDelta", "momentum": 0.9, "delta": 1e-4},
    "adam": {"type": "Adam", "momentum": 0.9, "momentum2": 0.99, "clip_gradients": 2.0},
}


def params(dtype: Any = np.float64) -> list[Param]:
    rng = np.random.default_rng(1)
    specs = [ParamSpec(lr_mult=lr, decay_mult=decay) for lr, decay in MULTS]
    return [
        Param(rng.normal(size=shape).astype(dtype), spec, np.zeros_like)
        for shape, spec in zip(SHAPES, specs, strict=True)
    ]


def learn(mine: list[Param], rng: np.random.Generator) -> None:
    for p in mine:
        p.clear_grad()
        for _ in range(2 if p.lr_mult == 1 else 0):  # others get no gradient at all
            p.add_grad(rng.normal(size=p.shape).astype(p.value.dtype))


@pytest.mark.parametrize("name", SOLVERS)
def test_rules_are_those_of_the_updater(name: str) -> None:
    solver = SolverParameter(**SOLVERS[name])
    e = engine(np.float64)
    mine, theirs = params(), params()
    flat, plain = FlatUpdater(solver, mine, e), Updater(solver, theirs, Engine(np.float64))
    for t in range(1, 5):
        rng = [np.random.default_rng(t) for _ in range(2)]
        learn(mine, rng[0])
        learn(theirs, rng[1])
        if t == 3:  # a program may change them
            mine[0].lr_mult = theirs[0].lr_mult = 3.0
        flat.apply(0.1 / t, t)
        plain.apply(0.1 / t, t)
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.value, q.value, rtol=1e-12, atol=1e-14)
    assert len(flat.history) == len(plain.history)
    for h, k in zip(flat.history, plain.history, strict=True):
        np.testing.assert_allclose(h, k, rtol=1e-12, atol=1e-14)


def test_weights_become_views_that_keep_their_values() -> None:
    mine, before = params(np.float32), params(np.float32)
    flat = FlatUpdater(SolverParameter(type="SGD"), mine, engine())
    for p, q in zip(mine, before, strict=True):
        np.testing.assert_array_equal(p.value, q.value)
        assert np.shares_memory(p.value, flat._w)
        assert np.shares_memory(p.diff, flat._g)
    assert mine[0].value.transpose(0, 2, 3, 1).flags.c_contiguous
    mine[2].assign(np.ones((7, 5)))
    assert flat._w.sum() == pytest.approx(sum(float(p.value.sum()) for p in mine), rel=1e-5)


def test_steps_that_overflow_are_skipped_and_halve_the_loss_scale() -> None:
    mine = params(np.float32)
    flat = FlatUpdater(SolverParameter(type="SGD"), mine, engine(storage="float16"))
    assert flat.loss_scale is not None
    before = mine[0].value.copy()
    mine[0].add_grad(np.full(mine[0].shape, np.inf, np.float32))
    flat.apply(0.1, 1)
    np.testing.assert_array_equal(mine[0].value, before)
    assert flat.loss_scale[0] == LOSS_SCALE / 2
    mine[0].clear_grad()
    mine[0].add_grad(np.full(mine[0].shape, LOSS_SCALE / 2, np.float32))
    flat.apply(0.1, 2)
    np.testing.assert_allclose(mine[0].value, before - np.float32(0.1), rtol=1e-6)


def test_the_engine_chooses() -> None:
    solver = SolverParameter(type="SGD")
    assert isinstance(make_updater(solver, params(np.float32), Engine()), Updater)
    assert isinstance(make_updater(solver, params(np.float32), engine()), FlatUpdater)

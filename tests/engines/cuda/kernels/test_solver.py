"""Updates of flat parameters, against the rules of the solver."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.engines.cuda import launch
from netcfg.layer import Param
from netcfg.netcfg_pb2 import ParamSpec, SolverParameter
from netcfg.solver.rules import Updater
from tests.engines.cuda.host import HostKernels, check

SIZES, LR, DECAY = [50, 7, 20], [1.0, 2.0, 0.0], [1.0, 0.0, 1.0]
RULES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "SGD": ({"momentum": 0.75}, ("momentum",)),
    "Nesterov": ({"momentum": 0.75}, ("momentum",)),
    "AdaGrad": ({"delta": 0.0009765625}, ("delta",)),
    "RMSProp": ({"rms_decay": 0.5, "delta": 0.0009765625}, ("rms_decay", "delta")),
    "AdaDelta": ({"momentum": 0.75, "delta": 0.0009765625}, ("momentum", "delta")),
    "Adam": (
        {"momentum": 0.75, "momentum2": 0.875, "delta": 0.0009765625},
        ("momentum", "momentum2", "delta"),
    ),
}


class Flat:
    """Flat parameters on the kernels' side, and the same ones of the solver."""

    def __init__(self, kernels: HostKernels, param: SolverParameter) -> None:
        self.kernels, self.rng = kernels, np.random.default_rng(0)
        self.total = sum(SIZES)
        acc = kernels.acc
        self.w = kernels.array(self.rng.normal(size=self.total), acc)
        self.g, self.h0, self.h1 = (kernels.array(np.zeros(self.total), acc) for _ in range(3))
        self.copy = kernels.empty(self.total)
        self.tables = launch.chunks(SIZES, LR, DECAY, acc)
        self.rate, self.t = kernels.empty(1, acc), np.zeros(1, np.int64)
        self.factor, self.skip = kernels.empty(1, acc), np.zeros(1, np.int32)
        self.params = [
            Param(part.astype(np.float64), ParamSpec(lr_mult=lr, decay_mult=decay), np.zeros_like)
            for part, lr, decay in zip(self.split(self.w), LR, DECAY, strict=True)
        ]
        self.updater = Updater(param, self.params, Engine(np.float64))
        self.param = param

    def split(self, flat: np.ndarray) -> list[np.ndarray]:
        return np.split(flat, np.cumsum(SIZES)[:-1])

    def draw(self) -> None:
        """Give both sides the same gradients."""
        self.g[...] = self.rng.normal(size=self.total)
        for p, g in zip(self.params, self.split(self.g), strict=True):
            p.diff[...] = g

    def norm(self, loss_scale: Any = None, good: Any = None, interval: int = 100) -> None:
        start, length, lr_mult, _ = self.tables
        partial = self.kernels.empty(len(start), np.float64)
        args = (self.g, start, length, lr_mult, partial)
        self.kernels.run("square_sums", (len(start),), (64,), *args)
        settings = (self.param.clip_gradients, self.param.iter_size, loss_scale, good, interval)
        args = (partial, len(start), *settings, self.factor, self.skip)
        self.kernels.run("gradient_factor", (1,), (32,), *args)

    def update(self, kernel: str, t: int, rate: float, *settings: float, leave: int = 1) -> None:
        self.rate[0], self.t[0] = rate, t
        names = ("w", "g", "h0", "h1", "copy", "rate", "t", "factor", "skip")
        arrays = {name: getattr(self, name) for name in names}
        tables = dict(zip(("start", "length", "lr_mult", "decay_mult"), self.tables, strict=True))
        l1 = self.param.regularization_type == "L1"
        made = launch.update(self.param.weight_decay, l1, leave, **arrays, **tables)
        self.kernels.run(kernel, (len(self.tables[0]),), (64,), made, *settings)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "CHUNK", 16)


@pytest.mark.parametrize("norm", ["L1", "L2"])
@pytest.mark.parametrize("name", RULES)
def test_is_the_rule(kernels: HostKernels, name: str, norm: str) -> None:
    fields, settings = RULES[name]
    param = SolverParameter(
        type=name, weight_decay=0.125, regularization_type=norm, clip_gradients=3, iter_size=2
    )
    for field, value in fields.items():
        setattr(param, field, value)
    flat = Flat(kernels, param)
    for t in range(1, 4):
        flat.draw()
        flat.updater.apply(0.5 / t, t)
        flat.norm()
        flat.update(name.lower(), t, 0.5 / t, *(fields[s] for s in settings))
        for p, w, g in zip(flat.params, flat.split(flat.w), flat.split(flat.g), strict=True):
            check(kernels, w, p.data, 40)
            check(kernels, g, p.diff, 400)
        learned = slice(0, SIZES[0] + SIZES[1])
        check(kernels, flat.copy[learned], flat.w[learned].astype(np.float64))
    history = flat.updater.history
    for i, kept in enumerate((flat.h0, flat.h1)[: flat.updater.rule.histories]):
        for h, part in zip(history[3 * i :], flat.split(kept), strict=False):
            check(kernels, part, h, 100)


def test_what_is_left_in_the_gradients(exact: HostKernels) -> None:
    flat = Flat(exact, SolverParameter(momentum=0.5, iter_size=1))
    for leave in (0, 2):
        flat.draw()
        before = flat.g.copy()
        flat.norm()
        flat.update("sgd", 1, 0.5, 0.5, leave=leave)
        np.testing.assert_array_equal(flat.g, before if leave == 0 else 0)


def test_not_clipped_below_the_limit_and_without_one(exact: HostKernels) -> None:
    for limit in (-1, 1e6):
        flat = Flat(exact, SolverParameter(clip_gradients=limit, iter_size=4))
        flat.draw()
        flat.norm()
        assert flat.factor.tolist() == [0.25]


def test_a_loss_scale_is_taken_out_and_adapted(exact: HostKernels) -> None:
    flat = Flat(exact, SolverParameter(iter_size=1, clip_gradients=-1))
    scale, good = np.array([8.0]), np.array([0], np.int32)
    flat.draw()
    flat.norm(scale, good, 2)
    assert (flat.factor[0], scale[0], good[0], flat.skip[0]) == (0.125, 8, 1, 0)
    flat.norm(scale, good, 2)
    assert (flat.factor[0], scale[0], good[0], flat.skip[0]) == (0.125, 16, 0, 0)
    flat.g[3] = np.inf
    before = flat.w.copy()
    flat.norm(scale, good, 2)
    assert (scale[0], good[0], flat.skip[0]) == (8, 0, 1)
    flat.update("sgd", 1, 0.5, 0.9, leave=2)
    np.testing.assert_array_equal(flat.w, before)
    assert not flat.h0.any()
    assert not flat.g.any()


def test_clipping_is_of_unscaled_gradients(exact: HostKernels) -> None:
    flat = Flat(exact, SolverParameter(iter_size=1, clip_gradients=1))
    flat.draw()
    learned = flat.g[: SIZES[0] + SIZES[1]]
    scale, good = np.array([4.0]), np.array([0], np.int32)
    flat.norm(scale, good)
    np.testing.assert_allclose(flat.factor[0] * np.linalg.norm(learned), 1, rtol=1e-12)

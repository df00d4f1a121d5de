from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from netcfg.engines.base import Engine
from netcfg.errors import NetError
from netcfg.layer import Param
from netcfg.netcfg_pb2 import ParamSpec, SolverParameter
from netcfg.schema import parse_solver
from netcfg.solver import rules
from netcfg.solver.rules import RULES, Updater, make_rule

Vector = np.ndarray
Definition = Callable[[Vector, Vector, list[Vector], float, int], Vector]
DELTA = 2.0**-10
"""Settings are numbers that float32 fields hold exactly."""


def sgd(w: Vector, g: Vector, h: list[Vector], rate: float, t: int) -> Vector:
    h[0] = 0.75 * h[0] + rate * g
    return w - h[0]


def nesterov(w: Vector, g: Vector, h: list[Vector], rate: float, t: int) -> Vector:
    old, h[0] = h[0], 0.75 * h[0] + rate * g
    return w - ((1 + 0.75) * h[0] - 0.75 * old)


def adagrad(w: Vector, g: Vector, h: list[Vector], rate: float, t: int) -> Vector:
    h[0] = h[0] + g**2
    return w - rate * g / (np.sqrt(h[0]) + DELTA)


def rmsprop(w: Vector, g: Vector, h: list[Vector], rate: float, t: int) -> Vector:
    h[0] = 0.75 * h[0] + 0.25 * g**2
    return w - rate * g / (np.sqrt(h[0]) + DELTA)


def adadelta(w: Vector, g: Vector, h: list[Vector], rate: float, t: int) -> Vector:
    h[0] = 0.75 * h[0] + 0.25 * g**2
    step = g * np.sqrt((h[1] + DELTA) / (h[0] + DELTA))
    h[1] = 0.75 * h[1] + 0.25 * step**2
    return w - rate * step


def adam(w: Vector, g: Vector, h: list[Vector], rate: float, t: int) -> Vector:
    h[0] = 0.75 * h[0] + 0.25 * g
    h[1] = 0.875 * h[1] + 0.125 * g**2
    correction = np.sqrt(1 - 0.875**t) / (1 - 0.75**t)
    return w - rate * correction * h[0] / (np.sqrt(h[1]) + DELTA)


CASES: dict[str, tuple[Definition, str]] = {
    "SGD": (sgd, "momentum: 0.75"),
    "Nesterov": (nesterov, "momentum: 0.75"),
    "AdaGrad": (adagrad, ""),
    "RMSProp": (rmsprop, "rms_decay: 0.75"),
    "AdaDelta": (adadelta, "momentum: 0.75"),
    "Adam": (adam, "momentum: 0.75 momentum2: 0.875"),
}


def solver(text: str) -> SolverParameter:
    return text_format.Parse(text, SolverParameter())


def param(data: Any, lr_mult: float = 1, decay_mult: float = 1) -> Param:
    spec = ParamSpec(lr_mult=lr_mult, decay_mult=decay_mult)
    return Param(np.asarray(data, np.float64), spec, np.zeros_like)


def gradient(p: Param, g: Any) -> None:
    p.clear_grad()
    p.add_grad(np.array(g, np.float64))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("layout", ["plain", "channels last", "strided"])
def test_rule_against_its_definition(
    name: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "BLOCK", 7)  # 30 elements: several blocks, the last one smaller
    definition, fields = CASES[name]
    rng = np.random.default_rng(0)
    start = rng.normal(size=(2, 3, 5))
    values = start.copy()
    if layout == "channels last":
        values = np.ascontiguousarray(start.transpose(0, 2, 1)).transpose(0, 2, 1)
    elif layout == "strided":
        values = np.zeros((2, 3, 10))[:, :, ::2]
        values[...] = start
    p = param(values)
    updater = Updater(solver(f'type: "{name}" delta: {DELTA} {fields}'), [p], Engine(np.float64))
    w, h = start, [np.zeros_like(start) for _ in updater.history]
    for t in range(1, 6):
        g = rng.normal(size=w.shape)
        rate = 0.1 / t
        gradient(p, g)
        updater.apply(rate, t)
        before, w = w, definition(w, g, h, rate, t)
        assert np.allclose(p.data, w, rtol=1e-10, atol=1e-12)
        assert np.allclose(p.diff, before - w, rtol=1e-8, atol=1e-12)  # as in Caffe: the update
        for got, want in zip(updater.history, h, strict=True):
            assert np.allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_float32_stays_float32(name: str) -> None:
    p = Param(np.ones(5, np.float32), ParamSpec(), np.zeros_like)
    updater = Updater(solver(f'type: "{name}" weight_decay: 0.1 clip_gradients: 1'), [p], Engine())
    data = p.data
    p.add_grad(np.ones(5, np.float32))
    updater.apply(0.1, 1)
    assert p.data is data
    assert p.data.dtype == np.float32
    assert (p.data < 1).all()
    assert {h.dtype for h in updater.history} == {np.dtype(np.float32)}


def test_clip_then_normalise_then_regularise() -> None:
    a, b = param([1.0, 2.0]), param([4.0], lr_mult=2, decay_mult=0.5)
    text = "clip_gradients: 2.5 iter_size: 2 weight_decay: 0.1"
    updater = Updater(solver(text), [a, b], Engine(np.float64))
    gradient(a, [3.0, 0.0])
    gradient(b, [4.0])
    # the norm over both params is 5, before the division by iter_size: all gradients are halved
    updater.apply(0.1, 1)
    assert np.allclose(a.data, [1 - 0.1 * (3 / 2 / 2 + 0.1 * 1), 2 - 0.1 * (0.1 * 2)], rtol=1e-7)
    assert np.allclose(b.data, [4 - 0.2 * (4 / 2 / 2 + 0.1 * 0.5 * 4)], rtol=1e-7)


def test_a_norm_below_the_bound_is_not_clipped() -> None:
    p = param([0.0])
    updater = Updater(solver("clip_gradients: 2"), [p], Engine(np.float64))
    gradient(p, [1.9])
    updater.apply(1, 1)
    assert p.data[0] == -1.9


def test_l1_regularisation_is_the_sign() -> None:
    p = param([3.0, -2.0, 0.0])
    text = "weight_decay: 0.5 regularization_type: 'L1'"
    updater = Updater(solver(text), [p], Engine(np.float64))
    gradient(p, [0, 0, 0])
    updater.apply(0.1, 1)
    assert np.allclose(p.data, [2.95, -1.95, 0])


def test_frozen_params_stay_and_keep_their_place_in_the_history() -> None:
    frozen, free = param([1.0, 2.0], lr_mult=0), param([1.0])
    text = "type: 'Adam' momentum: 0.9 weight_decay: 1 clip_gradients: 1"
    updater = Updater(solver(text), [frozen, free], Engine(np.float64))
    gradient(frozen, [100, 100])
    gradient(free, [0.5])
    updater.apply(0.1, 1)
    assert frozen.data.tolist() == [1, 2]
    assert [h.shape for h in updater.history] == [(2,), (1,), (2,), (1,)]
    assert not updater.history[0].any()
    # not clipped: what is not learned does not count in the norm
    assert updater.history[1][0] == pytest.approx(0.1 * (0.5 + 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type: 'Adem'", "unknown solver type 'Adem'; did you mean 'Adam'"),
        ("type: 'AdaGrad' momentum: 0.5", "AdaGrad has no momentum; given momentum 0.5"),
        ("type: 'RMSProp' momentum: 0.5", "RMSProp has no momentum"),
        ("type: 'RMSProp' rms_decay: 1", r"rms_decay must lie in \[0, 1\); given 1"),
        ("type: 'Adam' momentum2: 1", r"momentum2 must lie in \[0, 1\); given 1"),
        ("momentum: 1", r"momentum must lie in \[0, 1\); given 1"),
        ("momentum: -0.1", r"momentum must lie in \[0, 1\)"),
    ],
)
def test_settings_out_of_range(text: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make_rule(solver(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("regularization_type: 'L3'", "regularization_type must be L1 or L2; given 'L3'"),
        ("iter_size: 0", "iter_size must be at least 1; given 0"),
    ],
)
def test_updater_settings_out_of_range(text: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        Updater(solver(text), [], Engine())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("base_lr: 1\ntype: 'Adem'", "2:1: unknown solver type"),
        ("base_lr: 1\nsolver_type: ADAGRAD\nmomentum: 0.5", "3:1: AdaGrad has no momentum"),
        ("type: 'RMSProp'\nrms_decay: 1", "2:1: rms_decay must"),
        ("type: 'Adam'\nmomentum2: 1", "2:1: momentum2 must"),
        ("base_lr: 1\n momentum: 1", "2:2: momentum must"),
        ("base_lr: 1\n regularization_type: 'L3'", "2:2: regularization_type must"),
        ("base_lr: 1\n iter_size: 0", "2:2: iter_size must"),
    ],
)
def test_settings_out_of_range_have_a_place(text: str, place: str) -> None:
    with pytest.raises(NetError, match=f"^s.prototxt:{place}"):
        make_rule(parse_solver(text, "s.prototxt").message)

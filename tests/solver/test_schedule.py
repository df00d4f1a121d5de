import math
from collections.abc import Callable

import pytest

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_solver
from netcfg.solver.schedule import POLICIES, current_step, make_schedule

CLOSED: dict[str, tuple[str, Callable[[int], float]]] = {
    "fixed": ("", lambda i: 0.5),
    "step": ("gamma: 0.25 stepsize: 10", lambda i: 0.5 * 0.25 ** math.floor(i / 10)),
    "exp": ("gamma: 0.5", lambda i: 0.5 * 0.5**i),
    "inv": ("gamma: 0.125 power: 0.75", lambda i: 0.5 * (1 + 0.125 * i) ** -0.75),
    "multistep": (
        "gamma: 0.25 stepvalue: 3 stepvalue: 11",
        lambda i: 0.5 * 0.25 ** ((i >= 3) + (i >= 11)),
    ),
    "poly": ("power: 1.5 max_iter: 40", lambda i: 0.5 * (1 - i / 40) ** 1.5),
    "sigmoid": ("gamma: 0.25 stepsize: 8", lambda i: 0.5 / (1 + math.exp(-0.25 * (i - 8)))),
}


def solver(text: str) -> SolverParameter:
    from google.protobuf import text_format

    return text_format.Parse(text, SolverParameter())


def of(policy: str, fields: str = "") -> SolverParameter:
    return solver(f'base_lr: 0.5 lr_policy: "{policy}" {fields}')


@pytest.mark.parametrize("policy", POLICIES)
def test_closed_form(policy: str) -> None:
    fields, formula = CLOSED[policy]
    rate = make_schedule(of(policy, fields))
    for i in (0, 1, 2, 3, 7, 9, 10, 11, 20, 39):
        assert rate(i) == pytest.approx(formula(i), rel=1e-12)


def test_multistep_is_caffes_counter() -> None:
    """Caffe keeps a counter and moves it by one at most in each iteration."""
    param = of("multistep", "gamma: 0.5 stepvalue: 2 stepvalue: 5 stepvalue: 9")
    rate = make_schedule(param)
    counter = 0
    for i in range(15):
        if counter < len(param.stepvalue) and i >= param.stepvalue[counter]:
            counter += 1
        assert rate(i) == 0.5 * 0.5**counter
        assert current_step(param, i + 1) == counter


def test_current_step_of_step_is_that_of_the_last_update() -> None:
    param = of("step", "gamma: 0.5 stepsize: 4")
    assert [current_step(param, n) for n in (0, 1, 4, 5, 8, 9)] == [0, 0, 0, 1, 1, 2]
    assert current_step(of("fixed"), 100) == 0


def test_poly_ends_at_zero_and_stays_there() -> None:
    rate = make_schedule(of("poly", "power: 0.5 max_iter: 10"))
    assert rate(10) == rate(15) == 0


def test_sigmoid_far_from_its_step() -> None:
    assert make_schedule(of("sigmoid", "gamma: 1 stepsize: 100000"))(0) == 0
    assert make_schedule(of("sigmoid", "gamma: -1 stepsize: 0"))(100000) == 0


def test_warm_up_is_a_line_to_base_lr() -> None:
    rate = make_schedule(of("exp", "gamma: 0.5 warmup_iter: 4 warmup_start_lr: 0.25"))
    assert [rate(i) for i in range(6)] == [0.25, 0.3125, 0.375, 0.4375, 0.5**5, 0.5**6]


NEEDED = [(policy, name) for policy, p in POLICIES.items() for name in ("base_lr", *p.needs)]


@pytest.mark.parametrize(("policy", "name"), NEEDED)
def test_a_field_that_is_needed(policy: str, name: str) -> None:
    param = of(policy, CLOSED[policy][0])
    param.ClearField(name)
    with pytest.raises(NetError, match=f"lr_policy '{policy}' needs {name}, which is not given"):
        make_schedule(param)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base_lr: 1", "lr_policy is missing; one of: fixed, step"),
        ('base_lr: 1 lr_policy: "stp"', "unknown lr_policy 'stp'; did you mean 'step'"),
        ('base_lr: 1 lr_policy: "step" gamma: 1 stepsize: 0', "stepsize must be at least 1"),
        ('base_lr: 1 lr_policy: "poly" power: 1 max_iter: 0', "max_iter of at least 1"),
        (
            'base_lr: 1 lr_policy: "multistep" gamma: 1 stepvalue: 5 stepvalue: 3',
            "stepvalue must ascend; given 5, 3",
        ),
        ('base_lr: 1 lr_policy: "inv" gamma: -1 power: 1', "gamma of at least 0; given -1"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        make_schedule(solver(text))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("base_lr: 1", "1:1: lr_policy is missing"),
        ("base_lr: 1\nlr_policy: 'stp'", "2:1: unknown lr_policy"),
        ("base_lr: 1\nlr_policy: 'step' stepsize: 1", "2:1: lr_policy 'step' needs gamma"),
        ("base_lr: 1 lr_policy: 'step' gamma: 1\nstepsize: 0", "2:1: stepsize must"),
        ("max_iter: 0\nbase_lr: 1 lr_policy: 'poly' power: 1", "1:1: lr_policy 'poly' needs"),
        (
            "base_lr: 1 lr_policy: 'multistep' gamma: 1\n stepvalue: 5 stepvalue: 3",
            "2:2: stepvalue must ascend",
        ),
        ("base_lr: 1 lr_policy: 'inv'\ngamma: -1 power: 1", "2:1: lr_policy 'inv' needs gamma"),
    ],
)
def test_mistakes_have_a_place(text: str, place: str) -> None:
    with pytest.raises(NetError, match=f"^s.prototxt:{place}"):
        make_schedule(parse_solver(text, "s.prototxt").message)

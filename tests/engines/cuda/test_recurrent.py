"""LSTM over whole sequences, on a card that is none, against the layer on NumPy."""

from typing import Any

import numpy as np
import pytest

from netcfg.engines import Engine, get_engine
from netcfg.engines.cuda.device import MissingError
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_net
from netcfg.solver import Solver
from netcfg.testing import make_layer, top_shapes
from tests.engines.cuda.fake import engine

T, N, K, D = 5, 3, 4, 6
TEXT = f"""type: "LSTM" recurrent_param {{ num_output: {D}
  weight_filler {{ type: "uniform" min: -0.5 max: 0.5 }} bias_filler {{ type: "uniform" }} }}"""
CONT = {
    "all begin at once": [[0] * N] + [[1] * N] * (T - 1),
    "some begin within": [[0, 1, 1], [1, 0, 1], [1, 1, 1], [0, 1, 0], [1, 1, 1]],
    "none begins": [[1] * N] * T,
    "in part": [[0.5, 1, 0]] * T,
}


def passes(e: Any, cont: Any, count: int = 2) -> list[np.ndarray]:
    """Run passes that follow each other; return tops, gradients of x and of the parameters."""
    rng = np.random.default_rng(1)
    layer = make_layer(TEXT, ((T, N, K), (T, N)), engine=e)
    layer.need[:] = [True, False]
    top_shapes(layer, ((T, N, K), (T, N)))
    found = []
    for _ in range(count):
        x, dy = rng.normal(size=(T, N, K)), rng.normal(size=(T, N, D))
        y = layer.forward(e.asarray(x), e.asarray(np.asarray(cont, np.float64)))[0]
        dx = layer.backward(e.asarray(dy))[0]
        found += [y, dx, *layer.state().values()]
    return [*found, *(p.diff for p in layer.params)]


@pytest.mark.parametrize("cont", CONT.values(), ids=CONT)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_the_layer_step_by_step(cont: Any, dtype: Any) -> None:
    found, wanted = passes(engine(dtype), cont), passes(Engine(np.float64), cont)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1, abs(other).max()))


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
def test_16_bit_floats_are_multiplied_only(storage: str) -> None:
    cont = CONT["some begin within"]
    found, wanted = passes(engine(storage=storage), cont), passes(Engine(np.float64), cont)
    tolerance = 1e-2 if storage == "float16" else 6e-2
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(
            one.astype(np.float64), other, rtol=0, atol=tolerance * max(1, abs(other).max())
        )
    assert found[0].dtype == np.float32


def test_a_product_for_all_inputs_and_one_a_step() -> None:
    e: Any = engine()
    layer = make_layer(TEXT, ((T, N, K), (T, N)), engine=e)
    top_shapes(layer, ((T, N, K), (T, N)))
    layer.need[:] = [True, False]
    layer.forward(np.ones((T, N, K), np.float32), np.ones((T, N), np.float32))
    assert e.device.products.calls == 1 + T
    layer.backward(np.ones((T, N, D), np.float32))
    assert e.device.products.calls == (1 + T) + (T - 1) + 3


def test_what_kernels_cannot_count_goes_step_by_step() -> None:
    e: Any = engine()
    weights = np.ones((4 * D, 0)), np.ones(4 * D), np.ones((4 * D, D))
    first = (np.zeros((N, D)),) * 2
    assert e.lstm(np.ones((T, N, 0), np.float32), np.ones((T, N)), first, weights) is None


def test_states_stay_where_they_are() -> None:
    layer = make_layer(TEXT, ((T, N, K), (T, N)), engine=engine())
    top_shapes(layer, ((T, N, K), (T, N)))
    x, cont = np.ones((T, N, K), np.float32), np.ones((T, N), np.float32)
    layer.forward(x, cont)
    first = layer.state()
    before = {name: h.copy() for name, h in first.items()}
    layer.forward(x, cont)
    again = layer.state()
    assert all(again[name] is first[name] for name in ("h", "c"))
    assert not any(np.array_equal(before[name], first[name]) for name in ("h", "c"))
    layer.restore(1, before)
    layer.forward(x, cont)
    assert layer.state()["h"] is not before["h"]  # what was handed over stays as it was
    np.testing.assert_array_equal(layer.state()["h"], again["h"])


# On a card ---------------------------------------------------------------------------------------

NET = f"""
layer {{ name: "in" type: "Input" top: "data" top: "cont" top: "wanted"
  input_param {{ shape {{ dim: {T} dim: {N} dim: {K} }} shape {{ dim: {T} dim: {N} }}
    shape {{ dim: {T} dim: {N} dim: {D} }} }} }}
layer {{ name: "lstm" bottom: "data" bottom: "cont" top: "h" {TEXT} }}
layer {{ name: "rnn" bottom: "h" bottom: "cont" top: "y" {TEXT.replace("LSTM", "RNN")} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "wanted" top: "loss" }}
"""


def card(storage: str = "float32") -> Any:
    try:
        return get_engine("cuda", storage=storage)
    except MissingError as error:
        pytest.skip(str(error))


@pytest.mark.gpu
def test_on_a_card_it_is_the_layer_on_the_cpu() -> None:
    e = card()
    found = [e.to_numpy(a) for a in passes(e, CONT["some begin within"])]
    for one, other in zip(
        found, passes(Engine(np.float64), CONT["some begin within"]), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * max(1, abs(other).max()))


def trained(e: Any, steps: int = 8) -> tuple[list[float], list[np.ndarray]]:
    param = SolverParameter(
        net_param=parse_net(NET).message,
        base_lr=0.1,
        lr_policy="fixed",
        momentum=0.9,
        random_seed=2,
    )
    solver = Solver(param, engine=e)
    rng = np.random.default_rng(0)
    cont = np.array(CONT["some begin within"], np.float32)
    losses = []
    for _ in range(steps):
        solver.train_net._feed("data", rng.normal(size=(T, N, K)).astype(np.float32))
        solver.train_net._feed("cont", cont)
        solver.train_net._feed("wanted", rng.normal(size=(T, N, D)).astype(np.float32))
        solver.step(1)
        losses.append(float(solver.losses[-1]))
    return losses, [a for arrays in solver.train_net.weights().values() for a in arrays]


def test_training_on_a_card_that_is_none_is_training() -> None:
    losses, weights = trained(engine())
    wanted, others = trained(Engine())
    assert losses == pytest.approx(wanted, rel=1e-4)
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_recorded_training_on_a_card_is_training(
    storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = trained(card(storage))
    monkeypatch.setenv("NETCFG_GRAPHS", "off")
    eager = trained(card(storage))
    assert recorded[0] == eager[0]
    for one, other in zip(recorded[1], eager[1], strict=True):
        np.testing.assert_array_equal(one, other)

"""Whole sequences in one call, against the layer's single steps in float64."""

import numpy as np
import pytest

from netcfg.engines import Engine, get_engine
from netcfg.layer import Layer
from netcfg.testing import make_layer

pytest.importorskip("netcfg.engines.onednn.library").load()
T, N, K, D = 24, 3, 5, 4
BEGINS = {
    "at the start": [(0, 0), (0, 1), (0, 2)],
    "never": [],
    "one in the middle": [(0, 0), (9, 1)],
    "two, one after the other": [(15, 2), (16, 0)],
}


def passes(engine: Engine, cont: np.ndarray) -> list[np.ndarray]:
    """Return y of two passes, the second from the states of the first, and its gradients."""
    rng = np.random.default_rng(1)
    layer: Layer = make_layer(
        'type: "LSTM" recurrent_param { num_output: 4 weight_filler { type: "gaussian" std: 0.5 } '
        'bias_filler { type: "gaussian" std: 0.5 } }',
        [(T, N, K), cont],
        engine=engine,
    )
    for param in layer.params:
        param.assign(engine.asarray(rng.standard_normal(param.shape) / 2))
    found = []
    for _ in range(2):
        x, dy = rng.standard_normal((T, N, K)), rng.standard_normal((T, N, D))
        (y,) = layer.forward(engine.asarray(x), engine.asarray(cont))
        found.append(y)
    dx = layer.backward(engine.asarray(dy))[0]
    return [*found, dx, *(param.diff for param in layer.params)]


@pytest.mark.parametrize("begins", BEGINS.values(), ids=BEGINS)
def test_gives_what_single_steps_give(begins) -> None:
    cont = np.ones((T, N))
    for t, n in begins:
        cont[t, n] = 0
    engine = get_engine("onednn")
    assert engine.lstm(**whole(cont)) is not None
    for found, wanted in zip(passes(engine, cont), passes(Engine(np.float64), cont), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5 * max(1, abs(wanted).max()))


def whole(cont: np.ndarray) -> dict:
    """Return arguments of ``Engine.lstm``."""
    zeros = [np.zeros(s, np.float32) for s in ((T, N, K), (N, D), (4 * D, K), (4 * D,), (4 * D, D))]
    x, state, *weights = zeros
    first, floats = (state, state), cont.astype(np.float32)
    return {"x": x, "cont": floats, "first": first, "weights": tuple(weights)}


def test_goes_step_by_step_where_sequences_begin_often() -> None:
    cont = np.ones((T, N))
    cont[::4] = 0
    assert get_engine("onednn").lstm(**whole(cont)) is None
    for found, wanted in zip(
        passes(get_engine("onednn"), cont), passes(Engine(np.float64), cont), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5 * max(1, abs(wanted).max()))

"""Layers that oneDNN computes value by value."""

from typing import Any

import numpy as np
import pytest

from netcfg import Net, Phase
from netcfg.engines import Engine, get_engine
from netcfg.engines.onednn.functions import FUNCTIONS, OneFunction, form_of
from netcfg.layers.gated_activation import GELU
from netcfg.schema import parse_net
from netcfg.testing import make_layer

LAYERS = {
    "BNLL": "type: 'BNLL'",
    "ELU": "type: 'ELU' elu_param { alpha: 0.7 }",
    "GELU": "type: 'GELU'",
    "GELU by tanh": "type: 'GELU' gelu_param { approximate: true }",
    "HardSwish": "type: 'HardSwish'",
    "ReLU": "type: 'ReLU' relu_param { relu6: true }",
    "ReLU6": "type: 'ReLU6'",
    "SiLU": "type: 'SiLU'",
    "Swish": "type: 'Swish' swish_param { beta: 1.5 }",
}


def both(text: str, x: np.ndarray, engine: Any) -> list[list[np.ndarray]]:
    """Return y and dx by the definition, and by the engine's form."""
    found = []
    for layer in (make_layer(text, [x.shape], engine=e) for e in (Engine(np.float64), engine)):
        runs = form_of(engine, layer) if layer.engine is engine else layer
        assert runs is not None
        y = runs.forward(x.astype(layer.engine.dtype))
        dy = np.linspace(-1, 1, x.size, dtype=layer.engine.dtype).reshape(x.shape)
        found.append([y, runs.backward(dy)])
    return found


def test_all_are_tested() -> None:
    assert {name.partition(" ")[0] for name in LAYERS} == set(FUNCTIONS)


@pytest.mark.parametrize("text", LAYERS.values(), ids=LAYERS)
def test_values_are_those_of_the_layer(text: str) -> None:
    engine = get_engine("onednn")
    x = np.random.default_rng(0).normal(0, 4, (3, 5, 7, 6)).astype(np.float32)
    want, found = both(text, x, engine)
    for one, other in zip(found, want, strict=True):
        np.testing.assert_allclose(one, other, atol=4e-6, rtol=1e-5)
        assert one.dtype == np.float32


@pytest.mark.parametrize("text", LAYERS.values(), ids=LAYERS)
def test_other_floats_are_left_to_the_layer(text: str) -> None:
    engine = get_engine("onednn", np.float64)
    x = np.random.default_rng(0).normal(0, 4, (3, 5)).astype(np.float64)
    want, found = both(text, x, engine)
    for one, other in zip(found, want, strict=True):
        np.testing.assert_array_equal(one, other)


def test_relu6_keeps_what_the_next_layer_keeps() -> None:
    engine = get_engine("onednn")
    runs = form_of(engine, make_layer("type: 'ReLU6'", [(2, 3)], engine=engine))
    assert runs is not None
    y = runs.forward(np.array([[-1, 1, 7], [6, 0, 5]], np.float32))
    assert runs.saved is y
    runs.saved = None
    assert runs.saved is None


def test_what_has_no_form() -> None:
    engine = get_engine("onednn")
    leaky = "type: 'ReLU' relu_param { relu6: true negative_slope: 0.1 }"
    for text in ("type: 'ReLU'", leaky, "type: 'TanH'"):
        assert form_of(engine, make_layer(text, [(2, 3)], engine=engine)) is None
    layer = make_layer("type: 'GELU'", [(2, 3)], engine=engine)
    layer.__class__ = type("GELU", (GELU,), {"__module__": "my.layers"})
    assert form_of(engine, layer) is None


def test_nets_run_the_form() -> None:
    text = """
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2, 8, 6, 6] } } }
    layer { name: "a" type: "GELU" bottom: "x" top: "x" }
    layer { name: "b" type: "ReLU6" bottom: "x" top: "y" } """
    with Net(parse_net(text).message, Phase.TEST, engine=get_engine("onednn")) as net:
        assert [type(unit.runs) for unit in net.units][1:] == [OneFunction, OneFunction]
        x = np.random.default_rng(0).normal(0, 4, (2, 8, 6, 6)).astype(np.float32)
        first = net.forward({"x": x})["y"]
        for _ in range(3):  # noted, then prepared
            np.testing.assert_array_equal(net.forward({"x": x})["y"], first)
    assert first.min() == 0
    assert first.max() == 6

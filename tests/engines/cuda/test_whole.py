"""Layers with floats of their own, as NVCaffe's fields say, on a card that is none."""

from typing import Any

import numpy as np
import pytest

from netcfg.carried import runs
from netcfg.engines import Engine
from netcfg.engines.cuda.functions import OneFunction
from netcfg.engines.cuda.whole import Typed
from netcfg.errors import NetError
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.testing import make_layer, top_shapes
from netcfg.types import Phase
from tests.engines.cuda.fake import engine

NET = """
%s
layer { name: "in" type: "Input" top: "x" top: "label"
  input_param { shape { dim: 2 dim: 3 dim: 6 dim: 6 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" %s
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "tanh" type: "TanH" bottom: "conv" top: "tanh" %s }
layer { name: "pool" type: "Pooling" bottom: "tanh" top: "pool"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip" %s
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" %s }
"""
RNG = np.random.default_rng(0)
X, LABEL = RNG.normal(size=(2, 3, 6, 6)).astype(np.float32), np.array([2, 0], np.float32)


def train(storage: str, *fields: str) -> Net:
    """Return a net after both passes."""
    given = (*fields, "", "", "", "", "")[:5]
    config = parse_net(NET % given).message
    e = Engine() if storage == "cpu" else engine(storage=storage)
    net = Net(config, Phase.TRAIN, engine=e, keep="all", seed=1)
    net.forward({"x": X, "label": LABEL})
    net.backward()
    return net


def types(net: Net) -> dict[str, tuple[str, str]]:
    """Return the types of blobs and of their gradients."""
    return {
        name: (net.blobs[name].dtype.name, net.diffs[name].dtype.name)
        for name in ("conv", "tanh", "pool", "ip")
    }


SHORT, LONG = ("float16", "float16"), ("float32", "float32")
HALF = "forward_type: FLOAT16"
FULL = "forward_type: FLOAT"


@pytest.mark.parametrize(
    ("storage", "fields", "expected"),
    [
        ("tf32", (), (LONG, LONG, LONG, LONG)),
        ("float16", (), (SHORT, SHORT, SHORT, ("float32", "float32"))),
        ("tf32", ("default_forward_type: FLOAT16",), (SHORT, SHORT, SHORT, LONG)),
        ("tf32", ("", HALF), (("float16", "float32"), LONG, LONG, LONG)),
        ("tf32", ("", "", HALF), (("float32", "float16"), ("float16", "float32"), LONG, LONG)),
        (
            "float16",
            ("", FULL),
            (("float32", "float16"), SHORT, SHORT, ("float16", "float32")),
        ),
        ("bfloat16", ("", "", HALF), (("bfloat16",) * 2,) * 3 + (LONG,)),
        ("tf32", ("", "", "", HALF), (LONG, LONG, ("float32", "float16"), ("float16", "float32"))),
    ],
)  # fmt: skip
def test_blobs_have_the_type_that_is_asked_for(
    storage: str, fields: tuple[str, ...], expected: Any
) -> None:
    net, plain = train(storage, *fields), train("cpu")
    assert tuple(types(net).values()) == expected
    loss = net.blobs["loss"]
    assert loss.dtype == np.float32
    np.testing.assert_allclose(loss, plain.blobs["loss"], rtol=0.02)
    for got, wanted in zip(net.params, plain.params, strict=True):
        assert got.diff.dtype == np.float32
        size = float(np.abs(wanted.diff).max())
        np.testing.assert_allclose(got.diff, wanted.diff, atol=0.05 * size)


def test_gradients_may_have_another_type() -> None:
    net = train("tf32", "default_forward_type: FLOAT16 default_backward_type: FLOAT")
    assert [pair for name, pair in types(net).items() if name != "ip"] == [
        ("float16", "float32")
    ] * 3
    assert not net.engine.floats.scaled  # type: ignore[attr-defined]
    mixed = train("tf32", "", "backward_type: FLOAT16")
    assert mixed.engine.floats.scaled  # type: ignore[attr-defined]
    assert types(mixed)["conv"] == LONG


def test_losses_are_scaled_where_one_layer_has_float16() -> None:
    assert not train("tf32").engine.floats.scaled  # type: ignore[attr-defined]
    assert train("tf32", "", HALF).engine.floats.scaled  # type: ignore[attr-defined]


@pytest.mark.parametrize("field", ["forward_type", "backward_math"])
def test_what_no_card_stores_is_refused(field: str) -> None:
    message = f"layer 'conv' .*: {field}: a GPU computes in FLOAT or FLOAT16; given DOUBLE"
    with pytest.raises(NetError, match=message):
        train("tf32", "", f"{field}: DOUBLE")


def test_sums_are_float32_whatever_the_fields_say() -> None:
    assert types(train("tf32", "", "forward_math: FLOAT16"))["conv"][0] == "float32"


def test_losses_keep_their_type() -> None:
    net = train("tf32", "", "", "", "", HALF)
    assert net.blobs["loss"].dtype == np.float32
    assert not net.engine.floats.mixed  # type: ignore[attr-defined]


def test_what_stands_for_a_layer() -> None:
    net = train("tf32", "", "", HALF)
    unit = next(u for u in net.units if u.name == "tanh")
    assert isinstance(unit.runs, Typed)
    assert isinstance(unit.runs.runs, OneFunction)


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "text",
    [
        'type: "Pooling" pooling_param { kernel_size: 3 stride: 2 pad_b: 1 pad_r: 1 }',
        'type: "MVN"',
        'type: "Reduction" reduction_param { operation: SUMSQ axis: 1 }',
        'type: "Scale" scale_param { axis: 0 num_axes: 2 filler { value: 3 } }',
    ],
)
def test_layers_whose_sums_might_overflow_compute_in_float32(text: str, storage: str) -> None:
    e = engine(storage=storage)
    x = (100 * RNG.normal(size=(2, 3, 40, 40))).astype(e.store)
    slopes = np.random.default_rng(5)
    dy: Any = None
    found = []
    for each in (Engine(np.float64), e):
        layer = make_layer(text, [x.shape], engine=each)
        (top,) = top_shapes(layer, [x.shape])
        unit = runs(layer)
        y = unit.forward(x if each is e else x.astype(float))
        dy = slopes.normal(size=top).astype(e.store) if dy is None else dy
        dx = unit.backward(dy if each is e else dy.astype(float))
        found.append((y, dx, *(p.diff for p in layer.params)))
        assert isinstance(unit, Typed) == (each is e)
    assert {a.dtype for a in found[1][:2]} == {e.store}
    limit = np.finfo(np.float16).max if storage == "float16" else np.inf
    for a, b in zip(*found, strict=True):
        close = np.abs(a) < limit  # a sum itself may be more than float16 holds
        size = np.abs(a[close]).max(initial=0)
        np.testing.assert_allclose(b[close].astype(float), a[close], rtol=0.05, atol=0.02 * size)

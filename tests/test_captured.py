"""Recorded passes at TEST give what single layers give, on a stream that replays on NumPy."""

import logging
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from netcfg.captured import TRIES, VARIES
from netcfg.engines import get_engine
from netcfg.engines.cuda.device import MissingError
from netcfg.errors import NetError
from netcfg.net import Net
from netcfg.netcfg_pb2 import NetParameter
from netcfg.prepared import SHAPES
from netcfg.schema import parse_net
from netcfg.trace import Trace
from netcfg.types import Phase
from tests.engines.cuda.fake import engine
from tests.test_recorded import CUTS, SameArrays, config, feed

VARYING = """
layer { name: "in" type: "Input" top: "data" top: "which"
  input_param { shape { dim: 4 dim: 3 } shape { dim: 4 } } }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "some" type: "Filter" bottom: "a" bottom: "which" top: "some" }
layer { name: "b" type: "InnerProduct" bottom: "some" top: "b"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "exp" type: "Exp" bottom: "a" top: "exp" }
layer { name: "c" type: "TanH" bottom: "b" top: "c" }
"""


def pair(message: NetParameter, **options: Any) -> tuple[Net, Net, SameArrays]:
    """Return a net whose passes are recorded, the same layers one by one, and the stream."""
    stream, e = SameArrays(), engine()
    e.stream = lambda: stream  # type: ignore[assignment, method-assign, return-value]
    net = Net(message, Phase.TEST, engine=e, seed=3, **options)
    stream.net = net
    single = Net(message, Phase.TEST, engine=e, seed=3, share=net, **options)
    single.before_forward.append(lambda _: None)
    return net, single, stream


def check(net: Net, single: Net) -> dict[str, Any]:
    """Run both, compare what is left, and return copies of the outputs."""
    found, wanted = net.forward(), single.forward()
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-5)
    assert float(net.loss) == pytest.approx(float(single.loss), rel=1e-5)
    assert net.blobs.keys() == single.blobs.keys()
    assert [layer.step for layer in net.layers] == [layer.step for layer in single.layers]
    return found


def both(net: Net, single: Net, k: int, batch: int = 4) -> dict[str, Any]:
    feed(net, k, batch)
    feed(single, k, batch)
    return check(net, single)


@pytest.mark.parametrize("cut", CUTS)
def test_replayed_passes_are_passes(cut: str) -> None:
    net, single, stream = pair(config(cut))
    launches = []
    for k in range(7):
        both(net, single, k)
        launches.append(stream.launches)
    # A recurrent layer has its state after the first pass: the next one begins anew.
    first = 2 if cut == "recurrent" else 1
    each = 1 if cut in ("none", "recurrent") else 2
    assert launches == [max(0, each * (k + 1 - first)) for k in range(7)]


def test_outputs_are_not_written_again() -> None:
    net, single, _ = pair(config("one"), keep=["conv", "order"])
    kept, wanted = [], []
    for k in range(5):
        both(net, single, k)
        kept.append(net.blobs)
        wanted.append({name: array.copy() for name, array in single.blobs.items()})
    for one, other in zip(kept, wanted, strict=True):
        assert {"conv", "order", "loss", "acc"} <= set(one)
        for name, array in other.items():
            np.testing.assert_allclose(one[name], array, rtol=1e-5, atol=1e-5)


def test_follows_shapes() -> None:
    net, single, stream = pair(config("none"))
    for k in range(4):
        for batch in (2, 4, 6):
            both(net, single, k, batch)
    assert stream.launches == 3 * 3
    for k, batch in enumerate(range(1, SHAPES + 2)):
        both(net, single, k, batch)
    assert len(net._prepared._passes) == SHAPES  # type: ignore[union-attr]


def test_follows_weights() -> None:
    net, single, stream = pair(config("none"))
    rng = np.random.default_rng(0)
    for k in range(10):
        if k in (3, 5):
            weights = net.layer("conv").params[0]
            weights.assign(rng.normal(size=weights.shape).astype(np.float32))
        if k >= 7:  # from now on somebody holds them
            net.layer("ip").params[0].data[...] += 1
        both(net, single, k)
    assert stream.launches == (3 - 1) + (5 - 3 - 1) + (7 - 5 - 1) + (10 - 7 - 1)


def test_shapes_that_change_behind_a_layer() -> None:
    net, single, stream = pair(parse_net(VARYING).message)
    rng = np.random.default_rng(0)

    def run(which: list[int]) -> None:
        x = rng.normal(size=(4, 3)).astype(np.float32)
        for each in (net, single):
            each._feed("data", x)
            each._feed("which", np.array(which, np.float32))
        check(net, single)

    for k in range(4 * TRIES):
        run([[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 1]][k % 3])
    captures: Any = net._prepared._captures  # type: ignore[union-attr]
    assert captures.end == 3
    before = stream.launches
    for k in range(5):
        run([1] * (1 + k % 3) + [0] * (3 - k % 3))
    (recorded,) = net._prepared._passes.values()  # type: ignore[union-attr]
    segments: Any = recorded.tape.segments  # type: ignore[union-attr]
    assert [a.reason for s in segments for a in s.actions][3:] == [VARIES] * 3
    assert stream.launches > before + 2


def test_the_state_of_a_recurrent_layer_goes_on() -> None:
    net, single, stream = pair(config("recurrent"))
    for k in range(4):
        both(net, single, k)
    state, before = net.state(), stream.launches
    both(net, single, 4)
    assert stream.launches == before + 1
    for each in (net, single):
        each.restore(state)
    for k in range(5, 8):
        both(net, single, k)
    assert stream.launches == before + 1 + 2


def test_a_pass_that_cannot_be_recorded_runs_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    net, single, stream = pair(config("none"))
    layer: Any = net.layer("ip")
    forward = layer.forward

    def refuse(*_: Any, **__: Any) -> None:
        raise NotImplementedError("no products today")

    def failing(work: Callable[[], None]) -> Any:
        layer.forward = refuse
        try:
            work()
        finally:
            layer.forward = forward

    stream.capture = failing  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING):
        for k in range(5):
            both(net, single, k)
    assert [r.getMessage() for r in caplog.records] == [
        "layer 'ip' cannot be recorded, so that passes run as ever: no products today"
    ]
    assert stream.launches == 0
    assert not net._prepared._passes  # type: ignore[union-attr]


def test_what_a_layer_refuses_is_said(caplog: pytest.LogCaptureFixture) -> None:
    net, single, _ = pair(config("none"))
    both(net, single, 0)
    feed(net, 1)
    net._feed("label", np.zeros(3, np.float32))
    with pytest.raises(NetError, match="layer 'loss'"):
        net.forward()
    assert not caplog.records


def test_a_traced_pass_runs_as_ever() -> None:
    net, single, stream = pair(config("none"))
    for k in range(3):
        both(net, single, k)
    before = stream.launches
    net.engine.trace = Trace()
    both(net, single, 3)
    assert stream.launches == before
    net.engine.trace = None
    both(net, single, 4)
    assert stream.launches == before + 1


def test_arrays_that_a_layer_has_for_a_shape_outlive_the_next_shape() -> None:
    net, single, _ = pair(config("none"))
    layer: Any = net.layer("conv")
    reshape, made = layer.reshape, []

    def reshape_and_keep(*shapes: Any) -> Any:
        layer.table = np.ones(shapes[0])
        made.append(weakref.ref(layer.table))
        return reshape(*shapes)

    layer.reshape = reshape_and_keep
    for k, batch in enumerate((2, 2, 2, 6, 6, 2, 6)):
        both(net, single, k, batch)
    assert all(table() is not None for table in made[:2])  # graphs read them


# On a card ---------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
@pytest.mark.parametrize("cut", CUTS)
def test_a_card_replays_what_it_runs(
    cut: str, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        card = get_engine("cuda", storage=storage)
    except MissingError as error:
        pytest.skip(str(error))
    if card.stream() is None:
        pytest.skip("needs cuBLASLt and cuDNN")
    net = Net(config(cut), Phase.TEST, engine=card, seed=3)
    monkeypatch.setenv("NETCFG_GRAPHS", "off")
    eager = Net(config(cut), Phase.TEST, engine=card, seed=3, share=net)
    for k in range(6):
        for batch in (4, 6) if cut == "none" else (4,):
            for each in (net, eager):
                feed(each, k, batch)
            found, wanted = net.forward(), eager.forward()
            for name, array in wanted.items():
                one, other = card.to_numpy(found[name]), card.to_numpy(array)
                np.testing.assert_array_equal(one, other, err_msg=name)
    passes: Any = net._prepared
    assert all(p.tape for p in passes._passes.values())
    assert not passes._captures.refused

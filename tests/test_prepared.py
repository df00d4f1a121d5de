"""Passes as prepared steps give what single layers give, whatever happens in between."""

from typing import Any

import numpy as np
import pytest

from netcfg import Net, Phase
from netcfg.engines import get_engine
from netcfg.engines.onednn.engine import OneDNN
from netcfg.prepared import SHAPES, TRIES
from netcfg.schema import parse_net

NET = """
layer { name: "in" type: "Input" top: "data" input_param { shape: { dim: [2, 3, 12, 12] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "a" type: "Convolution" bottom: "pool" top: "a"
  convolution_param { num_output: 8 kernel_size: 1 weight_filler { type: "xavier" } } }
%s
layer { name: "both" type: "Concat" bottom: "a" bottom: "pool" top: "both" }
layer { name: "ave" type: "Pooling" bottom: "both" top: "ave"
  pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
"""
BETWEEN = {
    "nothing": "",
    "an identity": 'layer { name: "drop" type: "Dropout" bottom: "a" top: "a" }',
    "NumPy": 'layer { name: "abs" type: "AbsVal" bottom: "a" top: "a" }',
    "NumPy that writes": 'layer { name: "six" type: "ReLU" bottom: "a" top: "a" relu_param '
    "{ relu6: true negative_slope: 0.1 } }",
    "a function": 'layer { name: "gelu" type: "GELU" bottom: "a" top: "a" }',
    "a view": 'layer { name: "flat" type: "Reshape" bottom: "a" top: "a" reshape_param '
    "{ shape: { dim: [0, 8, 5, 5] } } }",
}


def pair(between: str = "") -> tuple[Net, Net]:
    """Return a net, and the same layers run one by one."""
    config = parse_net(NET % between).message
    engine = get_engine("onednn")
    if not isinstance(engine, OneDNN):
        pytest.skip("only oneDNN prepares steps")
    net = Net(config, Phase.TEST, engine=engine)
    single = Net(config, Phase.TEST, engine=engine, share=net)
    single.before_forward.append(lambda _: None)
    return net, single


def batch(seed: int, shape: tuple[int, ...] = (2, 3, 12, 12)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def check(net: Net, single: Net, x: np.ndarray) -> dict[str, Any]:
    """Run both, compare what is left, and return the outputs."""
    found, wanted = net.forward({"data": x}), single.forward({"data": x})
    assert found.keys() == wanted.keys() == {"ave"}
    np.testing.assert_allclose(found["ave"], wanted["ave"], rtol=0, atol=1e-5)
    assert found["ave"].flags.writeable
    assert net.blobs.keys() == single.blobs.keys()
    assert [layer.step for layer in net.layers] == [layer.step for layer in single.layers]
    return found


def calls(net: Net) -> list[int]:
    """Return the numbers of units in groups of calls of each prepared pass."""
    assert net._prepared
    passes = net._prepared._passes.values()
    return [sum(len(s.units) for s in p._steps if s.calls) for p in passes if p.tape]


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_gives_what_single_layers_give(between: str) -> None:
    net, single = pair(between)
    for seed in range(6):
        check(net, single, batch(seed))
    assert calls(net) == [6 if "GELU" in between else 5]


def test_outputs_are_not_written_again() -> None:
    net, single = pair()
    found = [check(net, single, batch(seed))["ave"] for seed in range(5)]
    again = [single.forward({"data": batch(seed)})["ave"] for seed in range(5)]
    np.testing.assert_allclose(found, again, rtol=0, atol=1e-5)


def test_kept_blobs_are_those_of_their_pass() -> None:
    config = parse_net(NET % "").message
    engine = get_engine("onednn")
    net = Net(config, Phase.TEST, engine=engine, keep=["pool"])
    plain = Net(config, Phase.TEST, engine=engine, keep="all", share=net)
    kept = []
    for seed in range(4):
        net.forward({"data": batch(seed)})
        kept.append(net.blobs["pool"])
    for seed in range(4):
        plain.forward({"data": batch(seed)})
        np.testing.assert_allclose(kept[seed], plain.blobs["pool"], rtol=0, atol=1e-5)


def test_follows_shapes_and_layouts() -> None:
    net, single = pair()
    shapes = [(n, 3, s, s) for n in (1, 2, 3) for s in (12, 16)]
    for turn in range(4):
        for shape in shapes[: SHAPES + 1]:
            check(net, single, batch(turn, shape))
            last = batch(turn, shape).transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
            check(net, single, last)
    assert net._prepared
    assert len(net._prepared._passes) == SHAPES


def test_follows_weights() -> None:
    net, single = pair()
    for seed in range(8):
        if seed in (3, 5):
            net.layer("conv").params[0].assign(batch(seed, (8, 3, 3, 3)))
        if seed == 6:
            net.layer("a").params[0].data[...] += 1
        check(net, single, batch(seed))


def test_weights_that_somebody_holds_count_as_they_are() -> None:
    net, single = pair()
    held = net.layer("conv").params[0].data
    for seed in range(5):
        held[...] = batch(seed, (8, 3, 3, 3))
        check(net, single, batch(seed))


def test_a_layer_that_fails_does_not_spoil_the_next_pass() -> None:
    net, single = pair(BETWEEN["NumPy"])
    layer = net.layer("abs")
    forward, failing = layer.forward, [1, 3]

    def sometimes(x: Any) -> Any:
        if layer.step in failing:
            failing.remove(layer.step)
            raise ValueError("not today")
        return forward(x)

    layer.forward = sometimes  # type: ignore[method-assign]
    check(net, single, batch(0))
    check(net, single, batch(1))  # noted, and run again
    check(net, single, batch(2))
    with pytest.raises(ValueError, match="not today"):
        net.forward({"data": batch(3)})
    for made, alone in zip(net.layers, single.layers, strict=True):
        made.step = alone.step
    check(net, single, batch(4))


def test_an_array_of_another_shape_in_between_ends_what_was_prepared() -> None:
    net, single = pair('layer { name: "abs" type: "AbsVal" bottom: "a" top: "a" }')
    rows = [2]

    def first(x: Any) -> Any:
        return x[: rows[0]]

    for n in (net, single):
        pool = n.layer("pool")
        pool.forward = _then(first, pool.forward)  # type: ignore[method-assign]
    for seed in range(3):
        check(net, single, batch(seed))
    rows[0] = 1
    for seed in range(4):
        check(net, single, batch(seed))


def test_shapes_that_nobody_prepared_for_do_not_matter() -> None:
    net, single = pair()
    rows = [2]
    for n in (net, single):
        last = n.layer("ave")
        last.forward = _then(lambda x: x[: rows[0]], last.forward)  # type: ignore[method-assign]
    for seed in range(8):
        rows[0] = 1 + seed % 2
        check(net, single, batch(seed))
    assert calls(net) == [4]


def test_a_net_whose_shapes_change_again_and_again_is_left_as_it_is() -> None:
    net, single = pair('layer { name: "abs" type: "AbsVal" bottom: "a" top: "a" }')
    rows = [2]
    for n in (net, single):
        pool = n.layer("pool")
        pool.forward = _then(lambda x: x[: rows[0]], pool.forward)  # type: ignore[method-assign]
    for seed in range(16):
        rows[0] = 1 + seed // 3 % 2
        check(net, single, batch(seed))
    assert net._prepared
    assert net._prepared._surprises == TRIES


def _then(change: Any, forward: Any) -> Any:
    return lambda x: change(forward(x)).copy()


def test_a_net_that_may_go_back_is_not_prepared() -> None:
    assert Net(parse_net(NET % "").message, Phase.TRAIN)._prepared is None

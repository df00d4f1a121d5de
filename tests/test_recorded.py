"""Recorded passes against passes as ever, on a stream that replays on the same arrays."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from netcfg.engines.cuda.graphs import WARM_UP
from netcfg.net import Net
from netcfg.recorded import ChangedError, RecordedPasses, cuts
from netcfg.schema import parse_net
from netcfg.types import Phase
from tests.engines.cuda.fake import engine

FILL = 'weight_filler { type: "gaussian" std: 0.3 }'
NET = f"""
layer {{ name: "data" type: "Input" top: "data" top: "label"
  input_param {{ shape {{ dim: 4 dim: 3 dim: 6 dim: 6 }} shape {{ dim: 4 }} }} }}
layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 5 kernel_size: 3 pad: 1 {FILL} }} }}
layer {{ name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }}
layer {{ name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param {{ bias_term: true }} }}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
CUT
DROP
layer {{ name: "ip" type: "InnerProduct" bottom: "mid" top: "ip"
  inner_product_param {{ num_output: 3 {FILL} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }}
layer {{ name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" }}
"""
CUTS = {
    "none": 'layer { name: "split" type: "Split" bottom: "conv" top: "mid" }',
    "one": 'layer { name: "swap" type: "BatchReindex" bottom: "conv" bottom: "order" top: "mid" }',
    "branches": """
layer { name: "swap" type: "BatchReindex" bottom: "conv" bottom: "order" top: "swapped" }
layer { name: "sum" type: "Eltwise" bottom: "swapped" bottom: "conv" top: "mid" }""",
    "learned": """
layer { name: "flat" type: "Reshape" bottom: "conv" top: "rows"
  reshape_param { shape { dim: 2 dim: 2 dim: -1 } } }
layer { name: "lstm" type: "LSTM" bottom: "rows" bottom: "cont" top: "steps"
  recurrent_param { num_output: 6 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "back" type: "Reshape" bottom: "steps" top: "mid"
  reshape_param { shape { dim: 4 dim: 6 } } }""",
}
DROP = 'layer { name: "drop" type: "Dropout" bottom: "mid" top: "mid" }'
MORE = """
layer { name: "order" type: "Input" top: "order" input_param { shape { dim: 4 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 2 dim: 2 } } }
layer { name: "unused" type: "Silence" bottom: "order" bottom: "cont" }
"""


class SameArrays:
    """A stream whose graphs write to the arrays that they were recorded with, as a card's do."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.launches = 0

    @contextmanager
    def memory(self) -> Iterator[None]:
        yield

    def capture(self, work: Callable[[], None]) -> Any:
        return Again(self, work)


class Again:
    def __init__(self, stream: SameArrays, work: Callable[[], None]) -> None:
        self.stream, self.work = stream, work
        self.fixed: dict[Any, np.ndarray] | None = None

    def launch(self) -> None:
        net = self.stream.net
        self.stream.launches += 1
        steps = [layer.step for layer in net.layers]
        self.work()
        written = {("value", k): v for k, v in net._values.items()}
        written |= {("grad", k): v for k, v in net._grads.items()}
        if self.fixed is None:
            self.fixed = written
            return
        for layer, step in zip(net.layers, steps, strict=True):
            layer.step = step  # Python does not run when a graph is launched
        for (kind, blob), array in written.items():
            fixed = self.fixed.get((kind, blob))
            if fixed is not None:
                fixed[...] = array
                (net._values if kind == "value" else net._grads)[blob] = fixed


class Way:
    def __init__(self, target: np.ndarray) -> None:
        self.target = target

    def send(self, values: np.ndarray) -> None:
        self.target[...] = values


def make(cut: str, drop: bool = True) -> Net:
    text = MORE + NET.replace("CUT", CUTS[cut]).replace("DROP", DROP if drop else "")
    return Net(parse_net(text).message, Phase.TRAIN, engine=engine(), seed=3)


def feed(net: Net, k: int, batch: int = 4) -> None:
    rng = np.random.default_rng(k)
    net._feed("data", rng.normal(size=(batch, 3, 6, 6)).astype(np.float32))
    net._feed("label", rng.integers(0, 3, batch).astype(np.float32))
    net._feed("order", rng.permutation(batch).astype(np.float32))
    net._feed("cont", np.array([[0, 1], [1, 1]], np.float32))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("cut", CUTS)
def test_replayed_steps_are_steps(cut: str, count: int) -> None:
    # Passes count on the card; here the layers do, which does not tell two passes of a step apart.
    plain, net = (make(cut, drop=count == 1) for _ in range(2))
    stream = SameArrays(net)
    recorded = RecordedPasses(net, stream, Way, count)
    for k in range(WARM_UP + 4):
        feed(plain, k)
        feed(net, k)
        plain.clear_grads()
        wanted = 0.0
        for _ in range(count):
            plain.forward()
            plain.backward()
            wanted += plain.loss / count
        loss = recorded.step()
        assert loss == pytest.approx(wanted, rel=1e-5)
        for p, q in zip(plain.params, net.params, strict=True):
            np.testing.assert_allclose(q.diff, p.diff, rtol=1e-5, atol=1e-7)
            np.testing.assert_allclose(q.value, p.value, rtol=1e-5, atol=1e-7)
            q.assign(q.value - 0.1 * q.diff)
            p.assign(p.value - 0.1 * p.diff)
        assert [x.step for x in net.layers] == [x.step for x in plain.layers]
    assert recorded.recorder.recorded
    assert stream.launches == len([s for s in recorded.recorder.segments if s.recordable]) * 4


def test_what_cuts_and_why() -> None:
    assert cuts(make("learned")) == [
        "order (Input) is fed by the program",
        "cont (Input) is fed by the program",
        "data (Input) is fed by the program",
        "lstm (LSTM) hands its state from pass to pass",
    ]


def test_other_shapes_are_recorded_anew() -> None:
    plain, net = make("none"), make("none")
    recorded = RecordedPasses(net, SameArrays(net), Way)
    for k, batch in enumerate([4] * 5 + [2] * 5):
        for each in (plain, net):
            feed(each, k, batch)
        plain.clear_grads()
        plain.forward()
        plain.backward()
        assert recorded.step() == pytest.approx(plain.loss, rel=1e-5)
        for p, q in zip(plain.params, net.params, strict=True):
            np.testing.assert_allclose(q.diff, p.diff, rtol=1e-5, atol=1e-7)
    assert recorded.recorder.recorded


def test_a_shape_that_changes_behind_recorded_layers_is_an_error() -> None:
    net = make("one")
    recorded = RecordedPasses(net, SameArrays(net), Way)
    for k in range(WARM_UP + 1):
        feed(net, k)
        recorded.step()
    feed(net, 9)
    crossing = recorded.recorder.segments
    (swap,) = [s.actions[0] for s in crossing if s.actions[0].name == "swap"][:1]
    swap.arrive.__self__.writes = {  # type: ignore[union-attr]
        k: np.zeros((1, 1), np.float32)
        for k in swap.arrive.__self__.writes  # type: ignore[union-attr]
    }
    with pytest.raises(ChangedError, match="a blob in its middle has changed"):
        recorded.step()


def test_losses_are_scaled_for_small_floats() -> None:
    plain, net = make("none"), make("none")
    recorded = RecordedPasses(net, SameArrays(net), Way, 1, np.full(1, 8, np.float32))
    for each in (plain, net):
        feed(each, 0)
    plain.forward()
    plain.backward()
    assert recorded.step() == pytest.approx(plain.loss, rel=1e-5)
    for p, q in zip(plain.params, net.params, strict=True):
        np.testing.assert_allclose(q.diff, 8 * p.diff, rtol=1e-4, atol=1e-6)

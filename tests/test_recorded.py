"""Recorded passes against passes as ever, on a stream that replays on the same arrays."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from netcfg.captured import ChangedError
from netcfg.engines.cuda.graphs import WARM_UP
from netcfg.net import Net
from netcfg.netcfg_pb2 import NetParameter
from netcfg.recorded import RecordedPasses, report, segments
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
layer { name: "norm" type: "MarginInnerProduct" bottom: "conv" bottom: "label" top: "mid"
  margin_inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }""",
    "recurrent": """
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
"""
UNUSED = 'layer { name: "unused" type: "Silence" bottom: "order" bottom: "cont" }'


def config(cut: str, drop: bool = True) -> NetParameter:
    text = MORE + NET.replace("CUT", CUTS[cut]).replace("DROP", DROP if drop else "") + UNUSED
    return parse_net(text).message


class Way:
    def __init__(self, target: np.ndarray) -> None:
        self.target = target

    def send(self, values: np.ndarray) -> None:
        self.target[...] = values


class SameArrays:
    """A stream whose graphs write to the arrays that they were recorded with, as a card's do."""

    net: Any
    way = Way

    def __init__(self, net: Net | None = None) -> None:
        self.net = net
        self.launches = 0

    @contextmanager
    def memory(self) -> Iterator[None]:
        yield

    def capture(self, work: Callable[[], None]) -> Any:
        return Again(self, work)

    def places(self) -> list[dict[Any, np.ndarray]]:
        """Return where arrays are that graphs write."""
        prepared = self.net._prepared
        passes = list(prepared._passes.values())[-1:] if prepared else []
        return [self.net._values, self.net._grads, *(p._made for p in passes)]


class Again:
    def __init__(self, stream: SameArrays, work: Callable[[], None]) -> None:
        self.stream, self.work = stream, work
        self.fixed: dict[Any, np.ndarray] | None = None

    def launch(self) -> None:
        net, stream = self.stream.net, self.stream
        stream.launches += 1
        steps = [layer.step for layer in net.layers]
        places = [(place, dict(place)) for place in stream.places()]
        grads, before = net._grads, self.arrays()
        self.work()
        written = {k: v for k, v in self.arrays().items() if v is not before.get(k)}
        if self.fixed is None:
            self.fixed = written
            return
        for key, array in written.items():
            if key in self.fixed:
                self.fixed[key][...] = array
        # Python does not run when a graph is launched.
        for layer, step in zip(net.layers, steps, strict=True):
            layer.step = step
        net._grads = grads
        for place, held in places:
            place.clear()
            place.update(held)

    def arrays(self) -> dict[Any, np.ndarray]:
        return {(i, k): v for i, place in enumerate(self.stream.places()) for k, v in place.items()}


def make(cut: str, drop: bool = True, phase: Phase = Phase.TRAIN) -> Net:
    return Net(config(cut, drop), phase, engine=engine(), seed=3)


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
    recorded = RecordedPasses(net, stream, count)
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
    fed = [f"{name} (Input) is fed by the program" for name in ("order", "cont", "data")]
    assert segments(make("one")) == [
        *fed,
        "a launch of 2 units: conv to bn + scale + relu",
        "swap (BatchReindex) reads which rows to take",
        "a launch of 9 units: drop to drop backward",
        "swap backward (BatchReindex) reads which rows to take",
        "a launch of 2 units: bn + scale + relu backward to conv backward",
    ]
    assert segments(make("recurrent")) == [*fed, "a launch of 19 units: conv to conv backward"]


def test_what_is_recorded_at_test() -> None:
    assert segments(make("one", phase=Phase.TEST))[3:] == [
        "a launch of a unit: conv + bn + scale + relu",
        "swap (BatchReindex) reads which rows to take",
        "a launch of 5 units: drop to unused",
    ]


def test_a_report_says_when_nothing_is_recorded() -> None:
    net = make("none", phase=Phase.TEST)
    assert report(net).startswith("nothing is recorded: NETCFG_GRAPHS is off, or ")
    net.engine.stream = lambda: SameArrays(net)  # type: ignore[method-assign]
    lines = report(net).splitlines()
    assert lines[:2] == ["a recorded pass is", "  order (Input) is fed by the program"]
    assert report_of_training().startswith("a recorded training step is\n")


def report_of_training() -> str:
    net = make("none")
    net.engine.stream = lambda: SameArrays(net)  # type: ignore[method-assign]
    return report(net)


def test_other_shapes_are_recorded_anew() -> None:
    plain, net = make("none"), make("none")
    recorded = RecordedPasses(net, SameArrays(net))
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
    recorded = RecordedPasses(net, SameArrays(net))
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
    recorded = RecordedPasses(net, SameArrays(net), 1, np.full(1, 8, np.float32))
    for each in (plain, net):
        feed(each, 0)
    plain.forward()
    plain.backward()
    assert recorded.step() == pytest.approx(plain.loss, rel=1e-5)
    for p, q in zip(plain.params, net.params, strict=True):
        np.testing.assert_allclose(q.diff, 8 * p.diff, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("cut", "name", "where", "segment"),
    [
        ("none", "ip", "forward", 0),
        ("none", "ip", "backward", 0),
        ("one", "ip", "backward", 1),
        ("one", "conv", "backward", 2),
    ],
)
def test_a_step_that_cannot_be_recorded_is_run(
    cut: str, name: str, where: str, segment: int, caplog: pytest.LogCaptureFixture
) -> None:
    plain, net = make(cut), make(cut)
    stream = SameArrays(net)
    recorded = RecordedPasses(net, stream)
    layer: Any = net.layer(name)
    whole, capture, captures = getattr(layer, where), stream.capture, list[int]()

    def refuse(*_: Any, **__: Any) -> None:
        raise NotImplementedError("no products today")

    def failing(work: Callable[[], None]) -> Any:
        captures.append(len(captures))
        if captures[-1] != segment:
            return capture(work)
        setattr(layer, where, refuse)
        before = [(a, a.copy()) for a in (recorded.loss, *(p.value for p in net.params))]
        try:
            work()
        finally:
            setattr(layer, where, whole)
            for array, values in before:
                array[...] = values  # nothing was queued
        return None

    stream.capture = failing  # type: ignore[method-assign]
    for k in range(WARM_UP + 1):
        feed(plain, k)
        feed(net, k)
        plain.clear_grads()
        plain.forward()
        plain.backward()
        assert recorded.step() == pytest.approx(plain.loss, rel=1e-5)
        for p, q in zip(plain.params, net.params, strict=True):
            np.testing.assert_allclose(q.diff, p.diff, rtol=1e-5, atol=1e-7)
            np.testing.assert_allclose(q.value, p.value, rtol=1e-5, atol=1e-7)
        assert recorded.refused == (k == WARM_UP)
    assert [x.step for x in net.layers] == [x.step for x in plain.layers]
    (record,) = caplog.records
    assert "cannot be recorded, so that passes run as ever: no products" in record.getMessage()

"""Times of layers, measured with a clock that the test moves."""

import numpy as np

from netcfg.engines import get_engine
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.timing import LayerTime, Timing, measure, trace
from netcfg.types import Phase

TEXT = """
input: "x" input_shape { dim: 5 dim: 4 }
input: "t" input_shape { dim: 5 dim: 3 }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""


class Clock:
    """Moves on by one second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def build() -> Net:
    return Net(parse_net(TEXT).message, Phase.TRAIN, engine=get_engine("numpy", np.float64))


def test_medians() -> None:
    net = build()
    timing = measure(net, 3, warm_up=1, clock=Clock())
    named = {layer.name: layer for layer in timing.layers}
    assert (named["ip"].forward, named["ip"].backward) == (1, 1)
    assert (named["input"].forward, named["input"].backward) == (1, 0)
    # whole passes run without the hooks: one reading from their start to their end
    assert (timing.forward, timing.backward) == (1, 1)
    assert (timing.images, timing.iterations) == (5, 3)
    assert timing.images_per_second == 5 / timing.total


def test_leaves_the_net_as_it_was() -> None:
    net = build()
    before = net.weights()["ip"][0].copy()
    measure(net, 1)
    hooks = (net.before_forward, net.after_forward, net.before_backward, net.after_backward)
    assert not any(hooks)
    assert (net.params[0].diff == 0).all()
    assert (net.weights()["ip"][0] == before).all()


def test_passes_that_are_counted() -> None:
    net = build()
    runs: list[int] = []
    net.after_forward.append(runs.append)
    timing = measure(net, 4, backward=False, warm_up=2)
    assert runs.count(0) == 12, "six for the layers, six for whole passes"
    assert timing.backward == 0


def test_table() -> None:
    layers = (LayerTime("a", "ReLU", 0.001, 0.002), LayerTime("b", "TanH", 0.001, 0))
    lines = str(Timing(layers, 0.0021, 0.0022, 8, 3)).splitlines()
    assert lines[2].split() == ["a", "ReLU", "1.000", "2.000", "75.0%"]
    assert lines[3].split() == ["b", "TanH", "1.000", "0.000", "25.0%"]
    assert lines[5].split() == ["total", "2.100", "2.200"]


def test_a_trace_names_fused_layers_and_primitives() -> None:
    text = """
    input: "x" input_shape { dim: 2 dim: 3 dim: 8 dim: 8 }
    layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
            convolution_param { num_output: 4 kernel_size: 3 } }
    layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
    """
    with Net(parse_net(text).message, Phase.TEST, engine=get_engine("onednn")) as net:
        events = trace(net, 2, backward=False).events
        assert net.engine.trace is None
    names = [event["name"] for event in events]
    assert names.count("conv + relu") == names.count("conv") == 2
    (first, *_) = [event for event in events if event["name"] == "conv"]
    assert first["cat"] == "primitive"
    assert first["args"]["shapes"][0] == "(2, 3, 8, 8)"

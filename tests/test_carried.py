"""A layer on the CPU within a net whose arrays are elsewhere."""

from typing import Any

import numpy as np
import pytest

from netcfg import layer as layers
from netcfg.carried import Carried
from netcfg.engines import Engine
from netcfg.net import Net
from netcfg.schema import parse_net
from netcfg.types import Phase

TEXT = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "gaussian" std: 1 } } }
layer { name: "py" type: "AbsVal" bottom: "ip" top: "py" }
layer { name: "loss" type: "Reduction" bottom: "py" top: "loss" loss_weight: 1 }
"""


class Elsewhere:
    """NumPy under another name: the array module of a device."""

    ndarray = np.ndarray

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class Device(Engine):
    """An engine whose arrays are marked, so that a layer on the CPU would notice."""

    xp = Elsewhere()

    def __init__(self) -> None:
        super().__init__()
        self.carried: list[str] = []

    def asarray(self, array: Any) -> Any:
        self.carried.append("there")
        return np.asarray(array, self.dtype)

    def to_numpy(self, array: Any) -> np.ndarray:
        self.carried.append("back")
        return np.asarray(array)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    monkeypatch.setattr(
        layers, "place_of", lambda kind, name: "host" if name == "AbsVal" else "recorded"
    )
    return Net(parse_net(TEXT).message, Phase.TRAIN, engine=Device(), seed=1)


def test_the_layer_has_an_engine_of_the_cpu(net: Net) -> None:
    absolute = net.layer("py")
    assert absolute.xp is np
    assert absolute.context.outer is net.engine
    assert net.layer("ip").engine is net.engine
    (unit,) = [u for u in net.units if u.name == "py"]
    assert isinstance(unit.runs, Carried)


def test_passes_are_those_of_a_net_on_one_engine(net: Net) -> None:
    plain = Net(parse_net(TEXT).message, Phase.TRAIN, engine=Engine(), seed=1)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    net.engine.carried.clear()  # type: ignore[attr-defined]
    for each in (plain, net):
        each.forward({"data": x})
        each.backward()
    assert net.engine.carried == ["there", "back", "there", "back", "there"]  # type: ignore[attr-defined]
    assert float(net.loss) == pytest.approx(plain.loss)
    for p, q in zip(net.params, plain.params, strict=True):
        np.testing.assert_allclose(p.diff, q.diff)
    assert net.layer("py").saved is None


def test_what_is_saved_is_the_layers() -> None:
    inner = Net(parse_net(TEXT).message, Phase.TRAIN, engine=Engine()).layer("py")
    carried = Carried(inner, Engine())
    carried.saved = 3
    assert (inner.saved, carried.saved) == (3, 3)

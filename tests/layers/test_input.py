import re

import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.errors import DataError, NetError, ShapeError
from netcfg.layer import Context, Layer, as_arrays, layer_type
from netcfg.layers.input import DummyData, Input, MemoryData
from netcfg.net import Net
from netcfg.netcfg_pb2 import LayerParameter
from netcfg.schema import parse, parse_net
from netcfg.types import Phase
from tests.data.databases import images
from tests.layers.cases import Case, check

MEMORY = 'type: "MemoryData" memory_data_param { batch_size: 4 channels: 3 height: 6 width: 5 } '
CASES = [
    Case("input", 'type: "Input" input_param { shape { dim: 2 dim: 3 } }', gradient=False),
    Case("dummy", 'type: "DummyData" dummy_data_param { shape { dim: 2 } }', gradient=False),
    Case(
        "dummy_old",
        'type: "DummyData" top: "a" top: "b" dummy_data_param { num: 2 channels: 3 height: 4 '
        'width: 5 width: 6 height: 4 channels: 3 num: 1 data_filler { type: "gaussian" } }',
        gradient=False,
    ),
    Case("memory", MEMORY + 'top: "data" top: "label"', gradient=False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contract(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = MemoryData.setup

    def filled(self: MemoryData) -> None:
        empty(self)
        self.set_arrays(images(4))

    monkeypatch.setattr(MemoryData, "setup", filled)
    check(case)


def make(text: str, ntops: int = 1, phase: Phase = Phase.TRAIN, seed: int = 1) -> Layer:
    config = parse(text, LayerParameter).message
    config.name = "data"
    layer = layer_type(config.type)(config, Context(Engine(np.float32), phase, seed), ntops)
    layer.setup()
    return layer


def batch(layer: Layer) -> tuple[np.ndarray, ...]:
    tops = as_arrays(layer.forward())
    assert tuple(top.shape for top in tops) == as_arrays(layer.reshape())
    layer.step += 1
    return tops


# DummyData -------------------------------------------------------------------------------------


def dummy(body: str, ntops: int = 1, seed: int = 1) -> DummyData:
    layer = make(f'type: "DummyData" dummy_data_param {{ {body} }}', ntops, seed=seed)
    assert isinstance(layer, DummyData)
    return layer


SHAPE = "shape { dim: 2 dim: 3 } "
UNIFORM = 'data_filler { type: "uniform" min: -1 max: 1 } '


def test_dummies_are_zero_without_a_filler() -> None:
    assert batch(dummy(SHAPE))[0].tolist() == [[0, 0, 0], [0, 0, 0]]


def test_constant_dummies_are_filled_once() -> None:
    layer = dummy(SHAPE + "data_filler { value: 7 } ")
    first = batch(layer)[0]
    assert (first == 7).all()
    assert batch(layer)[0] is first


def test_other_dummies_are_filled_in_every_pass_from_the_seed() -> None:
    layer = dummy(SHAPE + UNIFORM)
    one, two = batch(layer)[0], batch(layer)[0]
    assert np.abs(one).max() <= 1
    assert not np.array_equal(one, two)
    layer.restore(1, {})
    assert np.array_equal(batch(layer)[0], two)
    assert np.array_equal(batch(dummy(SHAPE + UNIFORM))[0], one)
    assert not np.array_equal(batch(dummy(SHAPE + UNIFORM, seed=2))[0], one)


def test_one_shape_and_filler_serve_all_tops() -> None:
    a, b = batch(dummy(SHAPE + UNIFORM, 2))
    assert a.shape == b.shape == (2, 3)
    assert not np.array_equal(a, b)


def test_each_top_can_have_its_own() -> None:
    a, b = batch(dummy(SHAPE + "shape { dim: 4 } data_filler { value: 2 } " + UNIFORM, 2))
    assert (a.shape, b.shape) == ((2, 3), (4,))
    assert (a == 2).all()
    assert (b != 2).all()


def test_old_sizes() -> None:
    assert batch(dummy("num: 2 channels: 3 height: 4 width: 5"))[0].shape == (2, 3, 4, 5)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (SHAPE + SHAPE, "shape must be given once or for each of 3 tops, not 2x"),
        ("", "shape must be given once"),
        (SHAPE + UNIFORM + UNIFORM, "data_filler must be given once or for each of 3 tops"),
        (SHAPE + "num: 1", "shape excludes num"),
        ("num: 1 channels: 2 height: 3", "each of num, channels, height and width"),
        ("shape { dim: -1 }", "must not be negative"),
    ],
)
def test_refused_dummies(body: str, message: str) -> None:
    with pytest.raises(NetError, match=re.escape(message)):
        dummy(body, 3)


# MemoryData ------------------------------------------------------------------------------------


def memory(extra: str = "", ntops: int = 2) -> MemoryData:
    layer = make(MEMORY + extra, ntops)
    assert isinstance(layer, MemoryData)
    return layer


def test_memory_goes_round() -> None:
    layer = memory()
    x = images(12)
    layer.set_arrays(x, np.arange(12))
    for k in range(7):
        data, label = batch(layer)
        want = (4 * k + np.arange(4)) % 12
        assert np.array_equal(data, x[want])
        assert np.array_equal(label, want)


def test_new_arrays_begin_at_their_beginning() -> None:
    layer = memory()
    layer.set_arrays(images(8), np.arange(8))
    batch(layer)
    layer.set_arrays(images(8), np.arange(8).reshape(8, 1, 1, 1) + 50)
    assert batch(layer)[1].tolist() == [50, 51, 52, 53]


def test_memory_without_labels() -> None:
    layer = memory(ntops=1)
    layer.set_arrays(images(4))
    assert len(batch(layer)) == 1


def test_memory_before_data() -> None:
    with pytest.raises(DataError, match="no data yet; give some with set_arrays"):
        memory().forward()


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        (images(6), np.zeros(6), "n a multiple of batch_size 4; given (6, 3, 6, 5)"),
        (images(0), np.zeros(0), "given (0, 3, 6, 5)"),
        (images(4, (1, 6, 5)), np.zeros(4), "shape (n, 3, 6, 5)"),
        (np.array(1.0), np.zeros(4), "given ()"),
        (images(4), np.zeros(3), "labels must have shape (4,); given (3,)"),
    ],
)
def test_refused_memory(data: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(message)):
        memory().set_arrays(data, labels)


def test_memory_needs_sizes() -> None:
    with pytest.raises(NetError, match="must be at least 1; given 0, 0, 0, 0"):
        make('type: "MemoryData"', 2)


def test_images_in_memory_are_transformed() -> None:
    text = MEMORY.replace("height: 6", "height: 5")
    layer = make(text + "transform_param { crop_size: 5 scale: 2 mean_value: 1 }", 2, Phase.TEST)
    assert isinstance(layer, MemoryData)
    x = images(4, (3, 9, 9))
    layer.add_images(list(x), [1, 2, 3, 4])
    data, label = batch(layer)
    assert np.array_equal(data, (x[:, :, 2:7, 2:7] - 1.0) * 2)
    assert label.tolist() == [1, 2, 3, 4]
    with pytest.raises(ShapeError, match=re.escape("image 0 becomes (1, 5, 5)")):
        layer.add_images(list(images(4, (1, 9, 9))), [0] * 4)


def test_mirrored_images_in_memory() -> None:
    layer = memory("transform_param { mirror: true }")
    x = images(1)[0]
    layer.add_images([x] * 40, [0] * 40)
    straight = sum(np.array_equal(y, x) for _ in range(10) for y in batch(layer)[0])
    assert 5 < straight < 35


# Input -----------------------------------------------------------------------------------------


def test_inputs_are_zero_until_fed() -> None:
    layer = make('type: "Input" input_param { shape { dim: 2 dim: 3 } }')
    assert isinstance(layer, Input)
    assert not batch(layer)[0].any()
    layer.feed(0, np.ones((2, 3), np.float32))
    assert batch(layer)[0].all()
    layer.array = np.zeros((5, 3), np.float32)
    assert layer.array.shape == batch(layer)[0].shape == (5, 3)


def test_inputs_with_several_tops() -> None:
    layer = make('type: "Input" input_param { shape { dim: 2 } shape { dim: 3 } }', 2)
    assert [top.shape for top in batch(layer)] == [(2,), (3,)]
    same = make('type: "Input" input_param { shape { dim: 2 } }', 3)
    assert [top.shape for top in batch(same)] == [(2,)] * 3


@pytest.mark.parametrize("body", ["", "shape { dim: 1 } shape { dim: 1 }", "shape { dim: -2 }"])
def test_refused_inputs(body: str) -> None:
    with pytest.raises(NetError, match=r"shape must be given once|must not be negative"):
        make(f'type: "Input" input_param {{ {body} }}', 3)


def test_a_net_feeds_its_inputs() -> None:
    text = 'layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }'
    net = Net(parse_net(text).message)
    assert net.forward({"x": np.ones((4, 3))})["x"].shape == (4, 3)

"""The contract: sharing by name, randomness, places in messages, the registry."""

import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.errors import NetError, ShapeError
from netcfg.layer import Context, Layer, layer_type, located, register, registry
from netcfg.netcfg_pb2 import FillerParameter, LayerParameter, ParamSpec, Source
from netcfg.types import Phase

ONES = FillerParameter(value=1)


def layer(name: str = "a", seed: int = 0, **fields: object) -> Layer:
    context = Context(Engine(np.float64), Phase.TRAIN, seed)
    return Layer(LayerParameter(name=name, type="Test", **fields), context)  # type: ignore[arg-type]


def test_fields_of_param_reach_the_parameter() -> None:
    made = layer(param=[ParamSpec(lr_mult=2, decay_mult=0), ParamSpec(name="w")])
    first, second = made.param((2,), ONES), made.param((3,), ONES)
    assert (first.lr_mult, first.decay_mult) == (2, 0)
    assert (second.lr_mult, second.decay_mult, second.name) == (1, 1, "w")
    assert made.params == [first, second]
    assert made.context.shared == {"w": second}


def test_one_name_is_one_parameter() -> None:
    first = layer(param=[ParamSpec(name="w")])
    second = Layer(first.config, first.context)
    assert second.param((2,), ONES) is first.param((2,), ONES)
    with pytest.raises(ShapeError, match=r"shape \(2,\) where it was declared, \(3,\) here"):
        Layer(first.config, first.context).param((3,), ONES)


def test_initial_values_depend_on_seed_name_and_index_alone() -> None:
    gaussian = FillerParameter(type="gaussian")
    values = [
        layer("a", 1).param((4,), gaussian).data,
        layer("b", 1).param((4,), gaussian).data,
        layer("a", 2).param((4,), gaussian).data,
    ]
    two = layer("a", 1)
    np.testing.assert_array_equal(two.param((4,), gaussian).data, values[0])
    values.append(two.param((4,), gaussian).data)
    assert len({tuple(v) for v in values}) == 4


def test_random_numbers_depend_on_the_pass() -> None:
    one = layer()
    first = one.random().random(3)
    np.testing.assert_array_equal(one.random().random(3), first)
    one.step = 1
    assert not np.array_equal(one.random().random(3), first)
    one.restore(0, {})
    np.testing.assert_array_equal(one.random().random(3), first)
    assert not np.array_equal(layer("b").random().random(3), first)


@pytest.mark.parametrize(("index", "axis"), [(0, 0), (2, 2), (-1, 2), (-3, 0)])
def test_axes_count_from_either_end(index: int, axis: int) -> None:
    assert layer().axis(index, 3) == axis


@pytest.mark.parametrize("index", [3, -4])
def test_an_axis_must_be_there(index: int) -> None:
    with pytest.raises(ShapeError, match=rf"^axis {index} must lie in \[-3, 3\) for 3 axes$"):
        layer().axis(index, 3)


def test_places_in_messages() -> None:
    config = LayerParameter(name="a", type="T", source=Source(file="n.prototxt", line=3, column=1))
    error = located(NetError("x"), config)
    assert str(error) == "n.prototxt:3:1: layer 'a' (T): x"
    assert located(error, config) is error
    inner = NetError("n.prototxt:5:9: layer 'a' (T): y")
    assert located(inner, config) is inner


def test_registering_a_name_twice_is_refused() -> None:
    @register("TestOnly")
    class TestOnly(Layer):
        pass

    try:
        assert layer_type("TestOnly") is TestOnly
        assert TestOnly.type == "TestOnly"
        with pytest.raises(NetError, match=r"^layer type 'TestOnly' is registered already, by "):
            register("TestOnly")(Layer)
    finally:
        del registry["TestOnly"]


def test_an_unknown_type_names_the_nearest() -> None:
    import netcfg.layers  # noqa: F401 - fills the registry

    with pytest.raises(NetError, match=r"unknown layer type 'Convoluton'; did you mean 'Conv"):
        layer_type("Convoluton")

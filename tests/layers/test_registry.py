"""Every layer type is named by some ``CASES`` list, so that it passes ``check``."""

import importlib
import pkgutil
import re
from typing import Any

import pytest

import netcfg.layers  # noqa: F401 - fills the registry
import tests.layers
from netcfg.fork_use import set_by_forks
from netcfg.layer import Layer, registry
from netcfg.netcfg_pb2 import LayerParameter
from tests.layers.cases import Case

OWN = {name: cls for name, cls in registry.items() if cls.__module__.startswith("netcfg.")}


ONE, TWO, ANY = (1, 1), (2, 2), (1, None)
CAFFE: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "Accuracy": (TWO, (1, 2), (0, 1)),
    "ArgMax": (ONE, ONE, (0,)),
    "BatchReindex": (TWO, ONE, (1,)),
    "Concat": (ANY, ONE, ()),
    "ContrastiveLoss": ((3, 3), ONE, (2,)),
    "Crop": (TWO, ONE, (1,)),
    "Eltwise": ((2, None), ONE, ()),
    "Embed": (ONE, ONE, (0,)),
    "EuclideanLoss": (TWO, ONE, ()),
    "Filter": ((2, None), ANY, (-1,)),
    "Flatten": (ONE, ONE, ()),
    "HingeLoss": (TWO, ONE, (1,)),
    "InfogainLoss": ((2, 3), (1, 2), (1, 2)),
    "LSTM": ((2, 5), (1, 3), (1,)),
    "LSTMUnit": ((3, 3), TWO, (2,)),
    "MultinomialLogisticLoss": (TWO, ONE, (1,)),
    "RNN": ((2, 4), (1, 2), (1,)),
    "Reduction": (ONE, ONE, ()),
    "Reshape": (ONE, ONE, ()),
    "SigmoidCrossEntropyLoss": (TWO, ONE, (1,)),
    "Silence": (ANY, (0, 0), ()),
    "Slice": (ONE, ANY, ()),
    "Softmax": (ONE, ONE, ()),
    "SoftmaxWithLoss": (TWO, (1, 2), (1,)),
    "Split": (ONE, ANY, ()),
    "Tile": (ONE, ONE, ()),
}
"""Bottoms, tops and the bottoms without gradient, as Caffe's headers have them."""


def all_cases() -> list[Case]:
    names = [m.name for m in pkgutil.iter_modules(tests.layers.__path__)]
    modules = [importlib.import_module(f"tests.layers.{n}") for n in names if n.startswith("test_")]
    return [case for module in modules for case in getattr(module, "CASES", [])]


def test_every_type_has_a_case():
    types = {re.search(r"""type: ["'](\w+)["']""", case.text)[1] for case in all_cases()}
    assert sorted(set(OWN) - types) == []


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_type_is_described_by_what_is_there(name):
    cls = OWN[name]
    assert cls.__name__ == name == cls.type
    assert cls.__doc__
    assert set(cls.reads) <= set(LayerParameter.DESCRIPTOR.fields_by_name)
    for least, most in (cls.bottoms, cls.tops):
        assert least >= 0
        assert most is None or most >= least
    assert cls.differentiable == (cls.backward is not Layer.backward)


@pytest.mark.parametrize("name", sorted(OWN))
def test_what_a_type_implements_of_forks_is_theirs(name):
    for key in OWN[name].forks:
        block, field, value = re.fullmatch(r"(\w+)\.(\w+)(?:: (\w+))?", key).groups()
        assert block in OWN[name].reads
        config = LayerParameter()
        inner = getattr(config, block)
        number = inner.DESCRIPTOR.fields_by_name[field].default_value
        message = inner.DESCRIPTOR.fields_by_name[field].message_type is not None
        if value:
            number = inner.DESCRIPTOR.fields_by_name[field].enum_type.values_by_name[value].number
        if message and isinstance(number, list):
            getattr(inner, field).add()
        elif message:
            getattr(inner, field).SetInParent()
        elif isinstance(number, list):
            getattr(inner, field).append(1)
        else:
            setattr(inner, field, number)
        assert [found.key for found in set_by_forks(config, OWN[name].reads)] == [key]


@pytest.mark.parametrize("name", CAFFE)
def test_bottoms_and_tops_are_those_of_caffe(name):
    cls = OWN[name]
    assert (cls.bottoms, cls.tops, cls.constant_bottoms) == CAFFE[name]
    loss = name.endswith("Loss")
    assert (cls.auto_tops, cls.default_loss_weight) == (loss, float(loss))
    assert cls.differentiable == (name not in ("Accuracy", "ArgMax"))

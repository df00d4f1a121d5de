"""Nets written in Python: ``n.conv = L.Convolution(n.data, num_output=20, kernel_size=5)``.

``L`` makes layers of any type, ``P`` names the enums of parameters, and a ``NetSpec`` collects
tops under names and turns them into a net's message.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import LayerParameter, NetParameter
from netcfg.pycaffe.proto import caffe_pb2

Made = dict["Function", LayerParameter]
Names = dict[Any, str]


class Top:
    """One output of a layer, which other layers may take as input."""

    def __init__(self, fn: "Function", n: int) -> None:
        self.fn = fn
        self.n = n

    def to_proto(self) -> NetParameter:
        """Return the net that computes this top."""
        return to_proto(self)

    def _to_proto(self, layers: Made, names: Names, autonames: Counter[str]) -> None:
        self.fn._to_proto(layers, names, autonames)


class Function:
    """A layer with its inputs and parameters, which has tops but no name yet.

    Args:
        type_name: of the layer.
        inputs: tops of other layers.
        params: fields of the layer or of its own parameter message; besides these ``ntop``, the
            number of tops, and ``in_place``, whether they are the bottoms.
    """

    def __init__(self, type_name: str, inputs: Sequence[Top], params: dict[str, Any]) -> None:
        self.type_name = type_name
        for i, given in enumerate(inputs):
            if not isinstance(given, Top):
                raise TypeError(f"{type_name} input {i} is not a Top (type is {type(given)})")
        self.inputs = tuple(inputs)
        self.params = dict(params)
        self.ntop: int = self.params.pop("ntop", 1)
        self.in_place: bool = self.params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def _get_name(self, names: Names, autonames: Counter[str]) -> str:
        if self not in names:
            if self.tops:
                names[self] = self._get_top_name(self.tops[0], names, autonames)
            else:
                names[self] = _new_name(self.type_name, autonames)
        return names[self]

    def _get_top_name(self, top: Top, names: Names, autonames: Counter[str]) -> str:
        if top not in names:
            names[top] = _new_name(self.type_name, autonames)
        return names[top]

    def _to_proto(self, layers: Made, names: Names, autonames: Counter[str]) -> None:
        """Add this layer after those that it takes its inputs from."""
        if self in layers:
            return
        for given in self.inputs:
            given._to_proto(layers, names, autonames)
        layer = LayerParameter(type=self.type_name)
        layer.bottom.extend(layers[given.fn].top[given.n] for given in self.inputs)
        if self.in_place:
            layer.top.extend(layer.bottom)
        else:
            layer.top.extend(self._get_top_name(top, names, autonames) for top in self.tops)
        layer.name = self._get_name(names, autonames)
        for name, value in self.params.items():
            own = PARAM_FIELDS.get(self.type_name)
            message: Any = getattr(layer, own) if own else layer
            if name.endswith("param") or name not in message.DESCRIPTOR.fields_by_name:
                message = layer
            assign_proto(message, name, value)
        layers[self] = layer


class NetSpec:
    """Tops under names, as attributes or items; ``to_proto`` makes a net of them."""

    tops: "OrderedDict[str, Top | Function]"

    def __init__(self) -> None:
        super().__setattr__("tops", OrderedDict())

    def __setattr__(self, name: str, value: "Top | Function") -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.tops:
            raise AttributeError(f"the net has no top '{name}'")
        return self.tops[name]

    def __delattr__(self, name: str) -> None:
        del self.tops[name]

    def __setitem__(self, name: str, value: "Top | Function") -> None:
        self.tops[name] = value

    def __getitem__(self, name: str) -> Any:
        return self.tops[name]

    def __delitem__(self, name: str) -> None:
        del self.tops[name]

    def to_proto(self) -> NetParameter:
        """Return the net of all tops and of the layers that these need."""
        layers: Made = OrderedDict()
        names: Names = {top: name for name, top in self.tops.items()}
        autonames: Counter[str] = Counter()
        for top in self.tops.values():
            top._to_proto(layers, names, autonames)
        return NetParameter(layer=layers.values())


class Layers:
    """``L.ReLU(bottom)`` makes a layer: returns its top, a tuple of several, or the layer."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def make(*inputs: Top, **params: Any) -> Any:
            fn = Function(name, inputs, params)
            if not fn.tops:
                return fn
            return fn.tops[0] if len(fn.tops) == 1 else fn.tops

        return make


class _Enums:
    """The enums of one parameter message."""

    def __init__(self, name: str) -> None:
        self._message = getattr(caffe_pb2, f"{name}Parameter")

    def __getattr__(self, name: str) -> int:
        return getattr(self._message, name)


class Parameters:
    """``P.Pooling.MAX`` is a value of an enum of PoolingParameter."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(caffe_pb2, f"{name}Parameter"):
            raise AttributeError(f"there is no {name}Parameter")
        return _Enums(name)


layers = Layers()
params = Parameters()


def to_proto(*tops: Top) -> NetParameter:
    """Return the net that computes some tops; all names are made up."""
    made: Made = OrderedDict()
    names: Names = {}
    autonames: Counter[str] = Counter()
    for top in tops:
        top._to_proto(made, names, autonames)
    return NetParameter(layer=made.values())


def param_name_dict() -> dict[str, str]:
    """Return the parameter field of each layer type that has one of its own name.

    >>> param_name_dict()["InnerProduct"]
    'inner_product'
    """
    fields: Any = LayerParameter.DESCRIPTOR.fields
    return {
        field.message_type.name.removesuffix("Parameter"): field.name.removesuffix("_param")
        for field in fields[::-1]  # the oldest field counts
        if field.name.endswith("_param") and field.message_type is not None
    }


PARAM_FIELDS = {name: f"{field}_param" for name, field in param_name_dict().items()}


def assign_proto(proto: Any, name: str, val: Any) -> None:
    """Set a field of a message: a list extends it, a dict fills the message within.

    Raises:
        NetError: there is no such field.
    """
    field = proto.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        raise NetError(f"{proto.DESCRIPTOR.name} has no field '{name}'")
    val = val.tolist() if isinstance(val, np.ndarray | np.generic) else val
    target = getattr(proto, name)
    if hasattr(target, "extend"):
        for item in val if isinstance(val, list | tuple) else [val]:
            if isinstance(item, dict):
                _assign_all(target.add(), item)
            else:
                target.extend([_number(field, item)])
    elif isinstance(val, dict):
        _assign_all(target, val)
    elif field.message_type is not None:
        target.CopyFrom(val)
    else:
        setattr(proto, name, _number(field, val))


def _assign_all(message: Any, values: dict[str, Any]) -> None:
    message.SetInParent()
    for name, value in values.items():
        assign_proto(message, name, value)


def _number(field: Any, value: Any) -> Any:
    """Return the number of an enum's value that is given by name; anything else as it is."""
    if field.enum_type is not None and isinstance(value, str):
        return field.enum_type.values_by_name[value].number
    return value.item() if isinstance(value, np.generic) else value


def _new_name(type_name: str, autonames: Counter[str]) -> str:
    autonames[type_name] += 1
    return f"{type_name}{autonames[type_name]}"

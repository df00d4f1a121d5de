"""Messages as prototxt: how it looks, and that reading it gives the message again."""

from typing import Any

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netcfg.netcfg_pb2 import (
    BlobProto,
    LayerParameter,
    NetParameter,
    SolverParameter,
    Source,
    UnknownField,
    V1LayerParameter,
)
from netcfg.prototxt_printer import to_text
from netcfg.prototxt_values import fields_of, is_repeated
from netcfg.schema import parse


def test_looks_as_users_write_it() -> None:
    text = """\
name: "net"
layer {
  name: "conv"
  type: "Convolution"
  bottom: "data"
  top: "conv"
  param {
    lr_mult: 0.1
    decay_mult: 0
  }
  include {
    phase: TRAIN
  }
  convolution_param {
    num_output: 20
    kernel_size: 5
    weight_filler {
      type: "xavier"
    }
  }
}
layer {
  name: "relu"
  type: "ReLU"
  relu_param { }
}
layer {
  type: "Input"
  input_param {
    shape { dim: 1 dim: 3 dim: 227 dim: 227 }
  }
}
"""
    assert to_text(parse(text, NetParameter).message) == text


def test_fields_stand_in_the_order_of_the_schema() -> None:
    solver = SolverParameter(base_lr=0.01, net="a", max_iter=9, type="Adam", lr_policy="fixed")
    solver.source.file = "s.prototxt"
    assert to_text(solver) == (
        'net: "a"\nbase_lr: 0.01\nmax_iter: 9\nlr_policy: "fixed"\ntype: "Adam"\n'
    )


def test_unknown_fields_stand_in_the_block_they_were_in() -> None:
    text = """\
layer {
  name: "a"
  param { }
  param {
    lr_mult: 1
    zip: [1, 2]
  }
  transform_param {
    distort_param {
      zap: "x" 'y'
    }
  }
  pooling_param {
    pool: LOWRES
  }
  swirl_param {
    angle: 2  # degrees
    deep { a: 1 }
  }
  swirl_param < >
  scalar: -1.50
}
zip { }
"""
    message = parse(text, NetParameter).message
    assert to_text(message) == text
    assert "LOWRES" not in to_text(LayerParameter(name="b"))


def test_unknown_blocks_move_with_their_depth() -> None:
    text = "layer{ swirl_param\n{\n      angle: 2\n        deep: 1\n    } }"
    expected = "layer {\n  swirl_param {\n      angle: 2\n        deep: 1\n    }\n}\n"
    printed = to_text(parse(text, NetParameter).message)
    assert printed == expected.replace("      angle", "    angle").replace(
        "        deep", "      deep"
    ).replace("    }\n}", "  }\n}")


def test_unknown_fields_of_blocks_that_are_gone_keep_a_block() -> None:
    layer = LayerParameter(name="a")
    layer.unknown.add(path="pooling_param.zip", text="1")
    layer.unknown.add(path="pooling_param.zap", text="{ }")
    layer.unknown.add(path="transform_param.resize_param[3].zip", text="2")
    assert to_text(layer) == (
        'name: "a"\n'
        "pooling_param {\n  zip: 1\n  zap { }\n}\n"
        "transform_param {\n  resize_param {\n    zip: 2\n  }\n}\n"
    )


def test_nothing_prints_as_nothing() -> None:
    assert to_text(NetParameter()) == ""


# Printing and reading again --------------------------------------------------------------------

_INTS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.type in _INTS:
        return st.integers(*_INTS[field.type])
    return {
        FieldDescriptor.TYPE_FLOAT: st.floats(width=32, allow_nan=False),
        FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False),
        FieldDescriptor.TYPE_BOOL: st.booleans(),
        FieldDescriptor.TYPE_STRING: _TEXTS,
        FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
    }[field.type]


CLASSES = [NetParameter, SolverParameter, LayerParameter, V1LayerParameter, BlobProto]
VALUES = ["1", "-2.5e3f", "LOUD", "\"a b\" 'c'", "[1, 2]", "{ }", "{ a: 1 # }\n  }", "< b { } >"]


def fill(message: Any, draw: st.DrawFn, keeper: Any, path: str, depth: int) -> None:
    """Set some fields of a message to anything they can hold, and make up some unknown ones."""
    descriptor: Descriptor = message.DESCRIPTOR
    if "unknown" in descriptor.fields_by_name and fields_of(descriptor).get("unknown") is None:
        keeper, path = message, ""
    names = sorted(fields_of(descriptor))
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=4)):
        field = descriptor.fields_by_name[name]
        for i in range(draw(st.integers(1, 3)) if is_repeated(field) else 1):
            if field.message_type is None:
                value = draw(scalars(field))
                if is_repeated(field):
                    getattr(message, name).append(value)
                else:
                    setattr(message, name, value)
            elif depth:
                inner = (
                    getattr(message, name).add() if is_repeated(field) else getattr(message, name)
                )
                inner.SetInParent()
                index = f"[{i}]" if is_repeated(field) else ""
                fill(inner, draw, keeper, f"{path}{name}{index}.", depth - 1)
    if keeper is not None and draw(st.booleans()):
        keeper.unknown.add(
            path=f"{path}zz_{draw(st.integers(0, 2))}", text=draw(st.sampled_from(VALUES))
        )


@st.composite
def messages(draw: st.DrawFn) -> Any:
    message_class = draw(
        st.sampled_from(
            [NetParameter, SolverParameter, LayerParameter, V1LayerParameter, BlobProto]
        )
    )
    message = message_class()
    fill(message, draw, None, "", 3)
    return message


def strip(message: Any) -> Any:
    """Return a message without places, its unknown fields sorted and their spaces made even."""
    copy = type(message)()
    copy.CopyFrom(message)
    _strip(copy)
    return copy


def _strip(message: Any) -> None:
    for field, value in message.ListFields():
        if field.message_type is Source.DESCRIPTOR:
            message.ClearField(field.name)
        elif field.message_type is UnknownField.DESCRIPTOR:
            unknown = sorted((u.path, " ".join(u.text.split())) for u in value)
            del value[:]
            value.extend(UnknownField(path=path, text=text) for path, text in unknown)
        elif field.message_type is not None:
            for inner in value if is_repeated(field) else [value]:
                _strip(inner)


def test_a_comment_in_a_shape_keeps_its_line() -> None:
    message = LayerParameter()
    message.dummy_data_param.shape.add(dim=[2])
    message.unknown.add(path="dummy_data_param.shape[0].zz", text="{ a: 1 # }\n  }")
    assert to_text(message).splitlines() == [
        "dummy_data_param {",
        "  shape {",
        "    dim: 2",
        "    zz { a: 1 # }",
        "    }",
        "  }",
        "}",
    ]


SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@SETTINGS
@given(messages())
def test_reading_what_was_printed_gives_the_message(message: Any) -> None:
    text = to_text(message)
    parsed = parse(text, type(message))
    assert strip(parsed.message) == strip(message)
    assert to_text(parsed.message) == text


@SETTINGS
@given(messages())
def test_protobuf_reads_what_is_printed(message: Any) -> None:
    """Without unknown fields; the other way round, protobuf's own text is read alike."""
    bare = strip(message)
    for inner in _keepers(bare):
        inner.ClearField("unknown")
    assert text_format.Parse(to_text(bare), type(bare)()) == bare
    assert strip(parse(text_format.MessageToString(bare), type(bare)).message) == bare


def _keepers(message: Any) -> list[Any]:
    found = [message] if "unknown" in message.DESCRIPTOR.fields_by_name else []
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if is_repeated(field) else [value]:
                found += _keepers(inner)
    return found

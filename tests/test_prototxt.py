"""What the parser accepts, keeps, reports and refuses."""

from typing import Any

import pytest
from google.protobuf import text_format

from netcfg.errors import SchemaError
from netcfg.netcfg_pb2 import (
    BlobProto,
    Datum,
    LayerParameter,
    LRNParameter,
    NetParameter,
    PoolingParameter,
    SolverParameter,
)
from netcfg.prototxt import Parser, plain
from netcfg.prototxt_tokens import Text
from netcfg.schema import Parsed, parse


def layer(text: str, **given: Any) -> LayerParameter:
    return parse(text, LayerParameter, **given).message


def refusal(text: str, message_class: type = NetParameter) -> str:
    with pytest.raises(SchemaError) as caught:
        parse(text, message_class, "net.prototxt")
    return str(caught.value)


def kept(message: Any) -> list[tuple[str, str]]:
    return [(unknown.path, unknown.text) for unknown in message.unknown]


def told(parsed: Parsed[Any]) -> list[str]:
    return [f"{finding.severity} {finding}" for finding in parsed.findings]


# Forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "convolution_param { kernel_size: 3 kernel_size: 5 }",
        "convolution_param: { kernel_size: 3; kernel_size: 5; }",
        "convolution_param < kernel_size: 3, kernel_size: 5 >",
        "convolution_param: < kernel_size: [3, 5] >;",
        "convolution_param { kernel_size: [3, 0x5,] }",
        "convolution_param { kernel_size: [3.0] kernel_size: [] kernel_size: 05 },",
        "convolution_param{kernel_size:3,kernel_size:5}",
        "# a\nconvolution_param // b }\n{\r\n\tkernel_size # c\n:3 kernel_size:\n5}#d",
        "\ufeffconvolution_param\n{ kernel_size: 3\rkernel_size: 5 }",
    ],
)
def test_forms_of_blocks_and_lists(text: str) -> None:
    parsed = parse(text, LayerParameter)
    assert list(parsed.message.convolution_param.kernel_size) == [3, 5]
    assert parsed.findings == ()


def test_lists_of_blocks() -> None:
    text = "include: [{ phase: TEST }, < stage: 'a' >] include [] include { level_: 1 }"
    parsed = parse("include: [{ phase: TEST }, < stage: 'a' >] include: []", LayerParameter)
    assert [rule.phase for rule in parsed.message.include] == [1, 0]
    assert list(parsed.message.include[1].stage) == ["a"]
    assert kept(layer(text)) == [("include[2].level_", "1")]


def test_strings_join_and_escape() -> None:
    message = layer(r"""name: "a" 'b' "\"c\n" top: "\303" "\251" """)
    assert message.name == 'ab"c\n'
    assert list(message.top) == ["é"]


def test_bytes() -> None:
    assert parse(r'data: "\xff\000a"', Datum).message.data == b"\xff\x00a"


def test_enums_and_bools() -> None:
    message = layer("pooling_param { pool: 1 global_pooling: True } propagate_down: [t, 0, false]")
    assert message.pooling_param.pool == PoolingParameter.AVE
    assert message.pooling_param.global_pooling is True
    assert list(message.propagate_down) == [True, False, False]


def test_an_empty_block_is_there() -> None:
    message = layer("relu_param { } dropout_param <>")
    assert message.HasField("relu_param")
    assert message.HasField("dropout_param")
    assert not message.HasField("lrn_param")


def test_an_empty_text() -> None:
    parsed = parse(" # nothing\n", NetParameter)
    assert parsed.findings == ()
    assert not parsed.message.layer


def test_agrees_with_protobuf_on_what_protobuf_reads() -> None:
    text = """
      name: "n" layer { name: 'c' type: "Convolution" top: "a" top: "b" loss_weight: 0.1
      param { lr_mult: 1e-1 } param { lr_mult: .5 name: "w" share_mode: PERMISSIVE }
      convolution_param { num_output: 0x10 pad: 010 weight_filler { std: 1.5f sparse: -1 } }
      transform_param: < mean_value: [104, 117.5, 123] mirror: true crop_size: 227 >
      blobs { shape { dim: 1 dim: -2 } data: [1, inf, -inf] double_data: 1e300 } }
    """
    expected = text_format.Parse(text, NetParameter())
    got = parse(text, NetParameter).message
    got.ClearField("source")
    got.layer[0].ClearField("source")
    assert got == expected


def test_sources() -> None:
    text = "name: 'n'\nlayer {\n}\n  layer\n  {}"
    net = parse(text, NetParameter, "a/net.prototxt").message
    sources = [net.source, *(one.source for one in net.layer)]
    assert [(s.file, s.line, s.column) for s in sources] == [
        ("a/net.prototxt", 1, 1),
        ("a/net.prototxt", 2, 1),
        ("a/net.prototxt", 4, 3),
    ]


def test_sources_of_nets_in_solvers_and_v1_layers() -> None:
    text = "base_lr: 1\nnet_param {\n layers {} }"
    solver = parse(text, SolverParameter, "s").message
    assert (solver.source.line, solver.source.column) == (1, 1)
    assert (solver.net_param.source.line, solver.net_param.source.column) == (2, 1)
    assert (solver.net_param.layers[0].source.line, solver.net_param.layers[0].source.column) == (
        3,
        2,
    )


# What the schema lacks -------------------------------------------------------------------------


def test_unknown_fields_stay_in_the_nearest_message_that_keeps_them() -> None:
    text = """layer { name: "a"
  pooling_param { frobnicate: 3 pool: MAX }
  param { } param { zip: "x" 'y' }
  swirl { a: { b: [1, 2] } }
  list: [1, {a: 1}]
}
wibble < >"""
    parsed = parse(text, NetParameter, "net.prototxt")
    net = parsed.message
    assert kept(net) == [("wibble", "< >")]
    assert kept(net.layer[0]) == [
        ("pooling_param.frobnicate", "3"),
        ("param[1].zip", "\"x\" 'y'"),
        ("swirl", "{ a: { b: [1, 2] } }"),
        ("list", "[1, {a: 1}]"),
    ]
    source = net.layer[0].unknown[1].source
    assert (source.file, source.line, source.column) == ("net.prototxt", 3, 21)
    assert told(parsed) == [
        "warning net.prototxt:2:19: unknown field 'pooling_param.frobnicate' (known from no fork)",
        "warning net.prototxt:3:21: unknown field 'param.zip' (known from no fork)",
        "warning net.prototxt:4:3: unknown field 'swirl' (known from no fork)",
        "warning net.prototxt:5:3: unknown field 'list' (known from no fork)",
        "warning net.prototxt:7:1: unknown field 'wibble' (known from no fork)",
    ]


def test_the_text_of_a_value_is_kept_as_it_was_written() -> None:
    message = layer("swirl : {\n  angle: 2 # why {\n  }\nnext: -1.50f")
    assert kept(message) == [("swirl", "{\n  angle: 2 # why {\n  }"), ("next", "-1.50f")]


def test_a_fork_that_knows_the_field_is_named() -> None:
    parsed = parse("pooling_param {\n  torch_pooling: true }", LayerParameter, "net.prototxt")
    assert parsed.message.unknown[0].origin == "NVCaffe"
    assert told(parsed) == [
        "warning net.prototxt:2:3: unknown field 'pooling_param.torch_pooling' (known from NVCaffe)"
    ]


def test_fields_that_steer_speed_only_are_notes() -> None:
    parsed = parse("cudnn_math_override: 0", LayerParameter, "f")
    assert told(parsed) == ["note f:1:1: unknown field 'cudnn_math_override' (known from NVCaffe)"]


def test_each_name_is_told_once() -> None:
    text = "layer { x: 1 }\nlayer { x: 2 x: 3 relu_param { x: 4 } }\nlayer { y: 1 }"
    parsed = parse(text, NetParameter, "f")
    assert [kept(one) for one in parsed.message.layer] == [
        [("x", "1")],
        [("x", "2"), ("x", "3"), ("relu_param.x", "4")],
        [("y", "1")],
    ]
    assert told(parsed) == [
        "warning f:1:9: unknown field 'x' (known from no fork); 3 times",
        "warning f:2:32: unknown field 'relu_param.x' (known from no fork)",
        "warning f:3:9: unknown field 'y' (known from no fork)",
    ]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            "convolution_param { kernal_size: 3 }",
            "error f:1:21: unknown field 'convolution_param.kernal_size'; "
            "did you mean 'kernel_size'?",
        ),
        ("botom: 'a'", "error f:1:1: unknown field 'botom'; did you mean 'bottom'?"),
        (
            # A layer type from outside may have it: the layer decides, not the parser.
            "convolution_parm { }",
            "warning f:1:1: unknown field 'convolution_parm'; did you mean 'convolution_param'?",
        ),
        ("swirl_param { }", "warning f:1:1: unknown field 'swirl_param' (known from no fork)"),
        (
            "pooling_param { pool: AVG_ }",
            "warning f:1:17: unknown value 'AVG_' of field 'pooling_param.pool' (known: "
            f"{', '.join(PoolingParameter.PoolMethod.keys())})",
        ),
        (
            "pooling_param { pool: STOCASTIC }",
            "error f:1:17: unknown value 'STOCASTIC' of field 'pooling_param.pool'; "
            "did you mean 'STOCHASTIC'?",
        ),
        (
            "pooling_param { pool: LOWRES }",
            "warning f:1:17: unknown value 'LOWRES' of field 'pooling_param.pool' "
            "(known from caffe-windows)",
        ),
        (
            "lrn_param { engine: TENSORRT }",
            "note f:1:13: unknown value 'TENSORRT' of field 'lrn_param.engine' (known: "
            f"{', '.join(LRNParameter.Engine.keys())})",
        ),
        (
            "pooling_param { kernel_h: [3, 5] }",
            "warning f:1:17: unknown value [3, 5] of field 'pooling_param.kernel_h': "
            "it holds one value",
        ),
    ],
)
def test_verdicts(text: str, finding: str) -> None:
    assert told(parse(text, LayerParameter, "f")) == [finding]


def test_unknown_values_of_known_fields_are_kept() -> None:
    message = layer("pooling_param { pool: LOWRES pad: 1 kernel_h: [3, 5] } type: 'Pooling'")
    assert kept(message) == [("pooling_param.pool", "LOWRES"), ("pooling_param.kernel_h", "[3, 5]")]
    assert not message.pooling_param.HasField("pool")
    assert not message.pooling_param.HasField("kernel_h")
    assert message.pooling_param.pad == 1


def test_values_a_solver_cannot_hold_are_errors_as_no_layer_would_refuse_them() -> None:
    parsed = parse("solver_type: SAG snapshot_format: 9", SolverParameter, "f")
    assert told(parsed) == [
        "error f:1:1: unknown value 'SAG' of field 'solver_type' (known from NVCaffe)",
        "error f:1:18: unknown value '9' of field 'snapshot_format' (known: HDF5, BINARYPROTO)",
    ]


def test_a_message_that_keeps_nothing_still_tells() -> None:
    parsed = parse("num: 3 zip: 1", BlobProto, "f")
    assert parsed.message.num == 3
    assert told(parsed) == ["warning f:1:8: unknown field 'zip' (known from no fork)"]


def test_netcfg_s_own_fields_cannot_be_given() -> None:
    parsed = parse("source { file: 'x' } unknown: 'y'", LayerParameter, "f")
    assert kept(parsed.message) == [("source", "{ file: 'x' }"), ("unknown", "'y'")]
    assert parsed.message.source.file == "f"


@pytest.mark.parametrize("name", ["kernal_size", "convolution_param.kernal_size"])
def test_ignored_fields_are_dropped(name: str) -> None:
    text = "convolution_param { kernal_size: 3 stride: 2 }"
    parsed = parse(text, LayerParameter, "f", ignore=[name])
    assert kept(parsed.message) == []
    assert list(parsed.message.convolution_param.stride) == [2]
    assert told(parsed) == [
        "note f:1:21: field 'convolution_param.kernal_size' is ignored, as asked"
    ]


# Errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer {\n  name 'a' }", "2:8: expected ':' after 'name', found 'a'"),
        ("layer: 3", "1:8: expected '{' after 'layer', found '3'"),
        ("layer { name: }", "1:15: expected a value for 'name', found '}'"),
        (
            "layer { name: 'a }",
            "1:15: expected a value for 'name', found a string that lacks its closing '",
        ),
        ("{ }", "1:1: expected a field, found '{'"),
        ("layer { : }", "1:9: expected a field or '}', found ':'"),
        ("layer { > }", "1:9: expected a field or '}', found '>'"),
        ("layer { } }", "1:11: expected a field, found '}'; every block is closed before it"),
        ("foo", "1:4: expected ':' or '{' after 'foo', found the end of the text"),
        ("foo [1]", "1:5: expected ':' or '{' after 'foo', found '['"),
        ("foo: }", "1:6: expected a value, found '}'"),
        ("name: $#name#$", "1:7: expected a value for 'name', found '$#name#$'"),
        ("input: ['a' ; 'b']", "1:13: expected ',' or ']', found ';'"),
        ("layer: [{} {}]", "1:12: expected ',' or ']', found '{'"),
        ("state: [{}]", "1:1: field 'state' holds one block; given a list"),
        ("foo { a: [ } ]", "1:12: expected ']' of '[' at 1:10, found '}'"),
        ("foo {\n a {", "2:5: expected '}' of '{' at 2:4, found the end of the text"),
        ("name: 'a'\nname: 'b'", "2:1: field 'name' holds one value; it has one from 1:1"),
        (
            "layer { relu_param {} relu_param {} }",
            "1:23: field 'relu_param' holds one value; it has one from 1:9",
        ),
        (
            "layer {\n  lrn_param {\n    k: 1\n  }\n",
            "5:1: expected '}' of 'layer', opened at 1:1; found the end of the text",
        ),
        (
            "layer {\n  lrn_param {\n    k: 1\n}\nlayer {\n}\n",
            "5:1: expected '}' of 'layer', opened at 1:1; found 'layer'",
        ),
        (
            "layers {\n  lrn_param {\n}\nlayers: {\n}\n",
            "4:1: expected '}' of 'layers', opened at 1:1; found 'layers'",
        ),
        (
            "name: 'C:\\data'",
            "1:7: string 'C:\\data': \\d is no escape; write \\\\ for a backslash",
        ),
        ("name: LeNet", "1:7: field 'name' must be a quoted string; given LeNet"),
        (
            "input_dim: 1.5",
            "1:12: field 'input_dim' must be an integer from -2147483648 to 2147483647; given 1.5",
        ),
        (
            "input_dim: -2147483649",
            "1:12: field 'input_dim' must be an integer from -2147483648 to 2147483647; "
            "given -2147483649",
        ),
        (
            "layer { convolution_param { pad: [0,\n-1] } }",
            "2:1: field 'pad' must be an integer from 0 to 4294967295; given -1",
        ),
        ("force_backward: yes", "1:17: field 'force_backward' must be true or false; given yes"),
        (
            "layer { loss_weight: 'a' 'b' }",
            "1:22: field 'loss_weight' must be a number; given 'a' 'b'",
        ),
        (
            "layer { loss_weight: 1e39 }",
            "1:22: field 'loss_weight' must be a number of float32, up to 3.4e38; given 1e39",
        ),
    ],
)
def test_refusals(text: str, message: str) -> None:
    assert refusal(text) == f"net.prototxt:{message}"


def test_text_must_be_utf8_where_it_counts() -> None:
    text = "# \udcb5\udcd8\nname: 'a' zip: '\udcb5' zap { # \udcd8\n}"
    net = parse(text, NetParameter).message
    assert net.name == "a"
    assert kept(net) == [("zip", r"'\265'"), ("zap", "{ # \\330\n}")]
    expected = r"net.prototxt:1:7: field 'name' must be text in UTF-8; given '\265'"
    assert refusal("name: '\udcb5'") == expected
    data = parse("data: '\udcb5é'", Datum).message.data
    assert data == b"\xb5" + "é".encode()


def test_reading_into_a_message_adds_to_it() -> None:
    message = LayerParameter(name="a", top=["x"])
    parser = Parser(Text("top: 'y' relu_param { }", "f"))
    parser.read(message)
    assert list(message.top) == ["x", "y"]
    assert message.name == "a"


def test_plain() -> None:
    assert plain("a[0].b[12].c") == "a.b.c"

"""Values of prototxt ↔ Python values."""

import math
from typing import Any

import pytest
from google.protobuf import wrappers_pb2

from netcfg.netcfg_pb2 import (
    BlobProto,
    ConvolutionParameter,
    DataParameter,
    Datum,
    LayerParameter,
    NetParameter,
    ParamSpec,
    PoolingParameter,
    SolverParameter,
)
from netcfg.prototxt_values import (
    RefusedError,
    UnlistedError,
    boolean,
    converter,
    double,
    fields_of,
    guess,
    integer,
    is_repeated,
    octets,
    print_scalar,
    quote,
    single,
    string,
    unescape,
)

UINT32 = integer(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("12", 12),
        ("0x1F", 31),
        ("0X1f", 31),
        ("017", 15),
        ("09", 9),
        ("3.0", 3),
        ("1e3", 1000),
        ("4294967295", 2**32 - 1),
    ],
)
def test_integers(text: str, value: int) -> None:
    got = UINT32("number", text)
    assert got == value
    assert isinstance(got, int)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("number", "-1"),
        ("number", "4294967296"),
        ("number", "0.5"),
        ("number", "-inf"),
        ("number", "9" * 5000),
        ("word", "inf"),
        ("word", "three"),
        ("string", "3"),
    ],
)
def test_what_is_no_uint32(kind: str, text: str) -> None:
    with pytest.raises(RefusedError, match=r"^an integer from 0 to 4294967295$"):
        UINT32(kind, text)


def test_signed_integers_reach_their_bounds() -> None:
    convert = converter(BlobProto.DESCRIPTOR.fields_by_name["num"])
    assert convert("number", "-2147483648") == -(2**31)
    assert convert("number", "-0x10") == -16
    with pytest.raises(RefusedError, match="an integer from -2147483648 to 2147483647"):
        convert("number", "2147483648")
    seed = converter(SolverParameter.DESCRIPTOR.fields_by_name["random_seed"])
    assert seed("number", "9223372036854775807") == 2**63 - 1
    with pytest.raises(RefusedError, match=r"^an integer of 64 bits$"):
        seed("number", "9223372036854775808")


@pytest.mark.parametrize(
    ("message", "low", "high"),
    [
        (wrappers_pb2.Int32Value, -(2**31), 2**31 - 1),
        (wrappers_pb2.UInt32Value, 0, 2**32 - 1),
        (wrappers_pb2.Int64Value, -(2**63), 2**63 - 1),
        (wrappers_pb2.UInt64Value, 0, 2**64 - 1),
    ],
)
def test_bounds_of_integers(message: Any, low: int, high: int) -> None:
    convert = converter(message.DESCRIPTOR.fields_by_name["value"])
    assert [convert("number", str(value)) for value in (low, high)] == [low, high]
    for value in (low - 1, high + 1):
        with pytest.raises(RefusedError, match=r"^an integer"):
            convert("number", str(value))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "0.1", 0.1),
        ("number", "1.", 1.0),
        ("number", "-.5", -0.5),
        ("number", "1e-5f", 1e-5),
        ("number", "3F", 3.0),
        ("number", "010", 10.0),
        ("number", "0x10", 16.0),
        ("number", "0x1F", 31.0),
        ("number", "-inf", -math.inf),
        ("number", "-Infinity", -math.inf),
        ("word", "inf", math.inf),
        ("word", "INFINITY", math.inf),
    ],
)
def test_floats(kind: str, text: str, value: float) -> None:
    assert double(kind, text) == value
    assert single(kind, text) == value


def test_nan() -> None:
    assert math.isnan(double("word", "nan"))


def test_what_is_no_float() -> None:
    for kind, text in [("word", "abc"), ("string", "1"), ("number", "0x" + "f" * 300)]:
        with pytest.raises(RefusedError, match=r"^a number$"):
            double(kind, text)


def test_float32_has_a_largest_number() -> None:
    assert single("number", "3.4028235e38") == 3.4028235e38
    for text in ("3.4028236e38", "-1e39"):
        assert double("number", text) == float(text)
        with pytest.raises(RefusedError, match=r"^a number of float32, up to 3.4e38$"):
            single("number", text)


@pytest.mark.parametrize("text", ["true", "True", "t", "1"])
def test_true(text: str) -> None:
    assert boolean("word", text) is True


@pytest.mark.parametrize("text", ["false", "False", "f", "0"])
def test_false(text: str) -> None:
    assert boolean("word", text) is False


@pytest.mark.parametrize(("kind", "text"), [("word", "yes"), ("number", "2"), ("string", "true")])
def test_what_is_no_bool(kind: str, text: str) -> None:
    with pytest.raises(RefusedError, match=r"^true or false$"):
        boolean(kind, text)


def test_strings_must_be_quoted_text() -> None:
    assert string("string", "añ") == "añ"
    with pytest.raises(RefusedError, match=r"^a quoted string$"):
        string("word", "Convolution")
    with pytest.raises(RefusedError, match=r"^text in UTF-8$"):
        string("string", "a\udcff")


def test_bytes_may_be_anything() -> None:
    assert octets("string", "a\udcff") == b"a\xff"
    with pytest.raises(RefusedError, match=r"^a quoted string$"):
        octets("number", "1")


def test_enums_by_name_and_number() -> None:
    convert = converter(PoolingParameter.DESCRIPTOR.fields_by_name["pool"])
    assert convert("word", "AVE") == PoolingParameter.AVE
    assert convert("number", "1") == PoolingParameter.AVE
    for kind, text in [("word", "AVG"), ("number", "77"), ("number", "0.5"), ("string", "AVE")]:
        with pytest.raises(UnlistedError):
            convert(kind, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"a\n\t\r\a\b\f\v\\\'\"\?", b"a\n\t\r\a\b\f\v\\'\"?"),
        (r"\101\x42\X4a\0", b"ABJ\0"),
        (r"\u00e9\U0001F600", "é😀".encode()),
        ("plain é", "plain é".encode()),
        ("raw \udcff", b"raw \xff"),
    ],
)
def test_unescape(text: str, value: bytes) -> None:
    assert unescape(text) == value


@pytest.mark.parametrize(("text", "escape"), [(r"C:\data", r"\d"), (r"\U00110000", r"\U")])
def test_a_backslash_must_escape_something(text: str, escape: str) -> None:
    with pytest.raises(RefusedError) as caught:
        unescape(text)
    assert str(caught.value) == rf"{escape} is no escape; write \\ for a backslash"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "3", 3),
        ("number", "3.0", 3.0),
        ("number", "-1e2", -100.0),
        ("word", "true", True),
        ("word", "false", False),
        ("word", "LEFT", "LEFT"),
        ("string", "3", "3"),
    ],
)
def test_guess(kind: str, text: str, value: Any) -> None:
    got = guess(kind, text)
    assert got == value
    assert type(got) is type(value)


def field(message: Any, name: str) -> Any:
    return message.DESCRIPTOR.fields_by_name[name]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1, "1"),
        (-2.5, "-2.5"),
        (1e-5, "1e-05"),
        (1e20, "1e+20"),
        (65536, "65536"),
        (1 / 3, "0.33333334"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
    ],
)
def test_floats_print_as_short_as_float32_allows(value: float, text: str) -> None:
    held = ParamSpec(lr_mult=value).lr_mult
    assert print_scalar(field(ParamSpec, "lr_mult"), held) == text


def test_other_scalars_print_as_users_write_them() -> None:
    assert print_scalar(field(BlobProto, "double_data"), 0.1) == "0.1"
    assert print_scalar(field(BlobProto, "double_data"), 2.0) == "2"
    assert print_scalar(field(ConvolutionParameter, "num_output"), 96) == "96"
    assert print_scalar(field(ConvolutionParameter, "bias_term"), False) == "false"
    assert print_scalar(field(ConvolutionParameter, "bias_term"), True) == "true"
    assert print_scalar(field(PoolingParameter, "pool"), 1) == "AVE"
    assert print_scalar(field(LayerParameter, "name"), 'a"\\\n\té\x01') == r'"a\"\\\n\té\001"'
    assert print_scalar(field(Datum, "data"), b'\xff"a\x001') == r'"\377\"a\0001"'


@pytest.mark.parametrize(
    "value", ["", "a'b", 'a"b', "\\n", "\r\n\x7f", "é😀\u2028", b"\x00\xff\\1"]
)
def test_quote_and_unescape_are_inverse(value: str | bytes) -> None:
    expected = value.encode() if isinstance(value, str) else value
    assert unescape(quote(value)[1:-1]) == expected


def test_fields_of_leaves_out_what_netcfg_adds() -> None:
    fields = fields_of(LayerParameter.DESCRIPTOR)
    assert "source" not in fields
    assert "unknown" not in fields
    assert "source" in fields_of(DataParameter.DESCRIPTOR)
    assert fields["bottom"].repeated
    assert not fields["name"].repeated
    assert not fields["convolution_param"].keeps
    assert fields_of(NetParameter.DESCRIPTOR)["layer"].keeps


def test_is_repeated() -> None:
    assert is_repeated(field(LayerParameter, "param"))
    assert is_repeated(field(LayerParameter, "loss_weight"))
    assert not is_repeated(field(LayerParameter, "transform_param"))
    assert not is_repeated(field(LayerParameter, "name"))

"""Reading and printing files, and fields that layers declare themselves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.errors import NetError, SchemaError
from netcfg.netcfg_pb2 import LayerParameter, NetParameter, SolverParameter
from netcfg.schema import (
    HARMLESS,
    Finding,
    Parsed,
    ignore_fields,
    kind_of,
    own_fields,
    parse,
    parse_net,
    parse_solver,
    read_net,
    read_solver,
    refuse,
    to_text,
)
from tests.shared import shared


def file(folder: Path, text: str | bytes, name: str = "net.prototxt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# Files -----------------------------------------------------------------------------------------


def test_read_net(tmp_path: Path) -> None:
    path = file(tmp_path, "\ufeffname: 'é'\r\nlayers { type: RELU }\r\n")
    net, findings = read_net(path)
    assert net.name == "é"
    assert net.layer[0].type == "ReLU"
    assert net.layer[0].source.file == str(path)
    assert findings == (Finding("note", f"{path}:2:1", "1 V1 'layers' read as 'layer'"),)
    assert read_net(str(path)) == Parsed(net, findings)


def test_read_solver(tmp_path: Path) -> None:
    path = file(tmp_path, "base_lr: 0.5\nsolver_type: ADAM\nlarc_turbo: true", "s.prototxt")
    solver, findings = read_solver(path)
    assert (solver.base_lr, solver.type) == (0.5, "Adam")
    assert list(map(str, findings)) == [
        f"{path}:3:1: unknown field 'larc_turbo' (known from NVCaffe)",
        f'{path}:2:1: solver_type: ADAM read as type: "Adam"',
    ]


@pytest.mark.parametrize("read", [read_net, read_solver, kind_of])
def test_files_that_cannot_be_read(read: Any, tmp_path: Path) -> None:
    file(tmp_path, "", "net.prototxt")
    with pytest.raises(NetError) as caught:
        read(tmp_path / "nte.prototxt")
    assert str(caught.value) == (
        f"file '{tmp_path}/nte.prototxt' not found; looked in '{tmp_path}'; "
        "did you mean 'net.prototxt'?"
    )
    with pytest.raises(NetError, match=f"cannot read '{tmp_path}': Is a directory"):
        read(tmp_path)
    binary = file(tmp_path, b"\x0a\x03abc\0", "net.caffemodel")
    with pytest.raises(SchemaError) as caught:
        read(binary)
    assert str(caught.value) == f"{binary}: must be text in UTF-8; it holds binary data"


def test_comments_need_not_be_utf8(tmp_path: Path) -> None:
    path = file(tmp_path, b"name: 'a' # " + "网络".encode("gbk"))
    assert read_net(path).message.name == "a"


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = file(tmp_path, "layer {\n  name: 3 }")
    with pytest.raises(SchemaError) as caught:
        read_net(path)
    assert str(caught.value) == f"{path}:2:9: field 'name' must be a quoted string; given 3"


def test_ignoring_while_reading(tmp_path: Path) -> None:
    path = file(tmp_path, "layer { botom: 'a' }")
    assert [f.severity for f in read_net(path).findings] == ["error"]
    net, findings = read_net(path, ignore=["botom"])
    assert not net.layer[0].unknown
    assert list(map(str, findings)) == [f"{path}:1:9: field 'botom' is ignored, as asked"]
    assert [f.severity for f in read_solver(file(tmp_path, "nett: 'a'"), ["nett"]).findings] == [
        "note"
    ]


@pytest.mark.parametrize(
    ("field", "severity"),
    [("momentun: 0.9", "error"), ("base_Ir: 1", "error"), ("larc_turbo: true", "warning")],
)
def test_a_solver_is_refused_for_what_looks_misspelt(field: str, severity: str) -> None:
    assert [f.severity for f in parse_solver(field).findings] == [severity]


def test_a_solver_is_no_net_and_a_net_no_solver() -> None:
    with pytest.raises(SchemaError) as caught:
        parse_net("# solver\nnet: 'a'\nbase_lr: 0.1", "s.prototxt")
    assert str(caught.value) == "s.prototxt:2:1: must hold a net; 'net' belongs to a solver"
    with pytest.raises(SchemaError) as caught:
        parse_solver("name: 'a'\nlayer { }", "n.prototxt")
    assert str(caught.value) == "n.prototxt:1:1: must hold a solver; 'name' belongs to a net"
    assert parse_net("layer { } base_lr: 1").message.unknown[0].path == "base_lr"
    assert parse_solver("base_lr: 1 layer { }").message.unknown[0].path == "layer"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("name: 'a' layer { }", "net"),
        ("layers: { }", "net"),
        ("input: 'data'", "net"),
        ("name: 'a'", "net"),
        ("net: 'a'", "solver"),
        ("base_lr: 0.1 # layer {", "solver"),
        ("net_param { layer { } }", "solver"),
        ("net_param < layer { } >", "solver"),
        ("zip: ['layer:', {layer: 1}] max_iter: 3", "solver"),
        ("debug_info: true type: 'SGD'", "solver"),
        ("base_lr: 1 layer { }", "net"),
    ],
)
def test_kind_of(text: str, kind: str, tmp_path: Path) -> None:
    assert kind_of(file(tmp_path, text)) == kind


@pytest.mark.parametrize("text", ["", "# layer { }", "item { name: 'cat' }", "a { layer: 1 }"])
def test_kind_of_something_else(text: str, tmp_path: Path) -> None:
    path = file(tmp_path, text)
    with pytest.raises(SchemaError) as caught:
        kind_of(path)
    assert str(caught.value) == (
        f"{path}:1:1: must hold a net (layer, …) or a solver (net, base_lr, …)"
    )


# Findings --------------------------------------------------------------------------------------


def test_refuse() -> None:
    note, warning = Finding("note", "f:1:1", "n"), Finding("warning", "f:2:1", "w")
    refuse([])
    refuse([note, warning])
    errors = [Finding("error", "f:3:1", "first"), Finding("error", "g:1:1", "second")]
    with pytest.raises(SchemaError) as caught:
        refuse([errors[0], note, errors[1], warning])
    assert str(caught.value) == "f:3:1: first\ng:1:1: second"


def test_ignore_fields() -> None:
    text = """
    zip: 1
    layer { zip: 1 zap: 2 pooling_param { zip: 3 } param { } param { zap: 4 } zip: 5 }
    layer { pooling_param { zap: 6 } }
    """
    net = parse(text, NetParameter).message
    assert ignore_fields(net, ["zip", "pooling_param.zap", "other"]) == {"zip", "pooling_param.zap"}
    assert not net.unknown
    assert [(u.path, u.text) for u in net.layer[0].unknown] == [("zap", "2"), ("param[1].zap", "4")]
    assert not net.layer[1].unknown
    assert ignore_fields(net, ["param.zap"]) == {"param.zap"}
    assert [u.path for u in net.layer[0].unknown] == ["zap"]
    assert ignore_fields(net, []) == frozenset()


def test_ignore_fields_of_forks() -> None:
    text = "layer { pooling_param { pool: AVE_EXC_PAD pad_l: 1 pad_r: 1 zip: 1 stride: 2 } }"
    net = parse(text, NetParameter).message
    names = ["pool", "pooling_param.pad_l", "zip", "stride", "other"]
    assert ignore_fields(net, names) == {"pool", "pooling_param.pad_l", "zip"}
    assert to_text(net.layer[0].pooling_param) == "stride: 2\npad_r: 1\n"


def test_ignoring_fields_of_forks_while_reading(tmp_path: Path) -> None:
    text = "layer { name: 'a' pooling_param { pad_l: 1 pad_t: 1 } }\nlayer { permute_param { } }"
    net, findings = read_net(file(tmp_path, text, "n.prototxt"), ["pad_l", "permute_param", "x"])
    assert [f.name for f, _ in net.layer[0].pooling_param.ListFields()] == ["pad_t"]
    assert not net.layer[1].HasField("permute_param")
    assert [str(f).removeprefix(f"{tmp_path}/") for f in findings] == [
        "n.prototxt:1:1: field 'pooling_param.pad_l' is ignored, as asked",
        "n.prototxt:2:1: field 'permute_param' is ignored, as asked",
    ]
    assert [f.ignored for f in findings] == [{"pad_l"}, {"permute_param"}]


def test_findings_tell_which_names_were_ignored() -> None:
    text = "layer { zip: 1 pooling_param { zip: 2 zip: 3 } }"
    findings = parse(text, NetParameter, "f", ["zip", "pooling_param.zip"]).findings
    assert [f.ignored for f in findings] == [{"zip"}, {"zip", "pooling_param.zip"}]
    assert [f.message for f in findings] == [
        "field 'zip' is ignored, as asked",
        "field 'pooling_param.zip' is ignored, as asked; 2 times",
    ]


def test_ignore_fields_within_solvers() -> None:
    solver = parse("net_param { layer { zip: 1 } }", SolverParameter).message
    assert ignore_fields(solver, {"zip"}) == {"zip"}
    assert not solver.net_param.layer[0].unknown


# Fields that layers declare --------------------------------------------------------------------

SWIRL: dict[str, dict[str, Any]] = {
    "swirl_param": {
        "angle": 1.0,
        "count": 3,
        "on": False,
        "name": "left",
        "sizes": [1, 2],
        "any": None,
        "inner": {"deep": 0.5, "list": []},
    }
}


def layer(text: str) -> LayerParameter:
    header = "\n layer { name: 'a' type: 'Swirl'\n"
    return parse_net(f"{header}  {text} }}", "net.prototxt").message.layer[0]


def own(text: str) -> dict[str, Any]:
    return own_fields(layer(f"swirl_param {text}"), SWIRL)["swirl_param"]


def own_refusal(text: str, declared: dict[str, dict[str, Any]] | None = None) -> str:
    with pytest.raises(SchemaError) as caught:
        own_fields(layer(text), SWIRL if declared is None else declared)
    message = str(caught.value)
    assert message.startswith("net.prototxt:")
    return message.removeprefix("net.prototxt:")


def test_defaults() -> None:
    assert own_fields(LayerParameter(), {}) == {}
    values = own_fields(LayerParameter(), SWIRL)
    assert values == SWIRL
    values["swirl_param"]["sizes"].append(3)
    values["swirl_param"]["inner"]["list"].append(3)
    assert SWIRL["swirl_param"]["sizes"] == [1, 2]
    assert SWIRL["swirl_param"]["inner"]["list"] == []
    assert own("{ }") == SWIRL["swirl_param"]


def test_values_are_typed_like_the_default() -> None:
    values = own(
        "{ angle: 2 count: 0x10; on: true, name: 'a' 'b' sizes: 7 sizes: [8, 9] "
        "any: -1 inner < deep: 2.5f list: 1 list: 'x' > }"
    )
    assert values == {
        "angle": 2.0,
        "count": 16,
        "on": True,
        "name": "ab",
        "sizes": [7, 8, 9],
        "any": -1,
        "inner": {"deep": 2.5, "list": [1, "x"]},
    }
    assert isinstance(values["angle"], float)
    assert own("< angle: inf sizes: [] inner: { } >")["sizes"] == []
    assert own("{ any: LOUD }")["any"] == "LOUD"


def test_own_fields_of_known_blocks() -> None:
    declared = {"pooling_param": {"frob": 1, "frobs": [1]}}
    config = layer("pooling_param { pool: AVE frob: 2 frobs: 3 frobs: [4] }")
    assert own_fields(config, declared) == {"pooling_param": {"frob": 2, "frobs": [3, 4]}}
    assert own_fields(layer("pooling_param { }"), declared)["pooling_param"]["frob"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "swirl_param { angel: 1 }",
            "3:17: layer 'a' (Swirl): unknown field 'angel'; did you mean 'angle'?",
        ),
        (
            "swirl_param {\n\n   zip: 1 }",
            "5:4: layer 'a' (Swirl): unknown field 'zip' "
            "(known: angle, count, on, name, sizes, any, inner)",
        ),
        (
            "swirl_param { inner { dep: 1 } }",
            "3:25: layer 'a' (Swirl): unknown field 'dep'; did you mean 'deep'?",
        ),
        (
            "swirl_param { count: 1.5 }",
            "3:24: layer 'a' (Swirl): field 'count' must be an integer of 64 bits; given 1.5",
        ),
        (
            "swirl_param { count: 9223372036854775808 }",
            "3:24: layer 'a' (Swirl): field 'count' must be an integer of 64 bits; "
            "given 9223372036854775808",
        ),
        (
            "swirl_param { sizes: [1, 'x'] }",
            "3:28: layer 'a' (Swirl): field 'sizes' must be an integer of 64 bits; given 'x'",
        ),
        (
            "swirl_param { on: 2 }",
            "3:21: layer 'a' (Swirl): field 'on' must be true or false; given 2",
        ),
        (
            "swirl_param { angle: 1 angle: 2 }",
            "3:26: layer 'a' (Swirl): field 'angle' holds one value; it has one from 3:17",
        ),
        (
            "swirl_param { angle: [1] }",
            "3:24: layer 'a' (Swirl): expected a value for 'angle', found '['",
        ),
        ("swirl_param { angle 1 }", "3:23: layer 'a' (Swirl): expected ':', found '1'"),
        ("swirl_param { inner: 1 }", "3:24: layer 'a' (Swirl): expected '{' or '<', found '1'"),
        ("swirl_param { 3 }", "3:17: layer 'a' (Swirl): expected a field or '}', found '3'"),
        (
            "swirl_param { sizes: [1 2] }",
            "3:27: layer 'a' (Swirl): expected ',' or ']', found '2'",
        ),
        ("swirl_param: 3", "3:16: layer 'a' (Swirl): expected '{' or '<', found '3'"),
        (
            "swirl_param { } swirl_param { }",
            "3:19: layer 'a' (Swirl): field 'swirl_param' holds one value; it has one from 3:3",
        ),
        (
            "swirl_parm { }",
            "3:3: layer 'a' (Swirl): unknown field 'swirl_parm'; did you mean 'swirl_param'?; "
            "remove it, or pass over it with --ignore-field swirl_parm",
        ),
    ],
)
def test_refused_values_of_own_fields(text: str, message: str) -> None:
    assert own_refusal(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "pooling_param { torch_pooling: true }",
            "3:19: layer 'a' (Swirl): unknown field 'pooling_param.torch_pooling' "
            "(known from NVCaffe); remove it, or pass over it with --ignore-field torch_pooling",
        ),
        (
            "convolution_param { kernal_size: 3 }",
            "3:23: layer 'a' (Swirl): unknown field 'convolution_param.kernal_size'; did you mean "
            "'kernel_size'?; remove it, or pass over it with --ignore-field kernal_size",
        ),
        (
            "pooling_param { pool: LOWRES }",
            "3:19: layer 'a' (Swirl): unknown value 'LOWRES' of field 'pooling_param.pool' "
            "(known from caffe-windows); remove it, or pass over it with --ignore-field pool",
        ),
        (
            "param { } param { zip: 1 }",
            "3:21: layer 'a' (Swirl): unknown field 'param.zip' (known from no fork); "
            "remove it, or pass over it with --ignore-field zip",
        ),
    ],
)
def test_what_nobody_declared_is_refused(text: str, message: str) -> None:
    assert own_refusal(text, {}) == message


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_harmless_fields_are_passed_over(name: str) -> None:
    if name in LayerParameter.DESCRIPTOR.fields_by_name:
        return
    assert own_fields(layer(f"{name}: 'x' pooling_param {{ {name}: 3 }}"), {}) == {}


def test_unknown_engines_are_passed_over() -> None:
    assert own_fields(layer("pooling_param { engine: TENSORRT }"), {}) == {}


def test_ignored_fields_are_passed_over() -> None:
    config = layer("pooling_param { torch_pooling: true }")
    ignore_fields(config, ["torch_pooling"])
    assert own_fields(config, {}) == {}


def test_configurations_made_in_code() -> None:
    config = LayerParameter(name="a", type="Swirl")
    config.unknown.add(path="swirl_param", text="{ angle: 2 }")
    assert own_fields(config, SWIRL)["swirl_param"]["angle"] == 2.0
    config.unknown.add(path="zip", text="1")
    with pytest.raises(SchemaError) as caught:
        own_fields(config, SWIRL)
    assert str(caught.value) == (
        "layer 'a' (Swirl): unknown field 'zip' (known from no fork); "
        "remove it, or pass over it with --ignore-field zip"
    )
    del config.unknown[:]
    config.unknown.add(path="swirl_param", text="{ angel: 2 }")
    with pytest.raises(SchemaError) as caught:
        own_fields(config, SWIRL)
    assert str(caught.value) == ("layer 'a' (Swirl): unknown field 'angel'; did you mean 'angle'?")


# Real files ------------------------------------------------------------------------------------


def test_nets_of_three_ages_are_the_same_net() -> None:
    folder = shared("golden/snapshots")
    oldest, old = (read_net(folder / f"{age}.prototxt").message for age in ("v0", "v1"))
    for net in (oldest, old):
        net.ClearField("name")
        net.ClearField("source")
        for one in net.layer:
            one.ClearField("source")
    assert [one.type for one in old.layer] == [
        *("Input", "Convolution", "ReLU", "Pooling", "LRN", "InnerProduct", "Softmax")
    ]
    assert [list(one.bottom) for one in oldest.layer] == [list(one.bottom) for one in old.layer]
    filler = oldest.layer[1].convolution_param.weight_filler
    assert (filler.type, filler.std) == ("gaussian", pytest.approx(0.1))
    oldest.layer[1].convolution_param.ClearField("weight_filler")
    assert to_text(oldest) == to_text(old)


def test_real_models() -> None:
    paths = sorted(shared("data/models").rglob("*.prototxt"))
    assert paths
    for path in paths:
        net, findings = read_net(path)
        assert kind_of(path) == "net"
        assert net.layer
        assert all(f.severity == "note" for f in findings), findings
        again = parse_net(to_text(net))
        assert again.findings == ()
        assert to_text(again.message) == to_text(net)


def test_golden_nets() -> None:
    arrays = np.load(shared("golden/layers.npz"))
    metas = [name for name in arrays.files if name.endswith("/meta")]
    assert len(metas) > 200
    for name in metas:
        net, findings = parse_net(json.loads(str(arrays[name]))["prototxt"], name)
        assert findings == ()
        assert net.layer
        assert not any(one.unknown for one in net.layer)

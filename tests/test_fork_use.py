"""What a file takes from forks: found, refused where it is not implemented, dropped when asked."""

import os
import subprocess
import sys

import pytest

from netcfg.errors import NetError
from netcfg.fork_use import FORMATS, drop_forks, refuse_forks, set_by_forks
from netcfg.forks import HARMLESS
from netcfg.net import Net
from netcfg.netcfg_pb2 import BlobProto, LayerParameter, NetParameter, SolverParameter
from netcfg.schema import parse, parse_net
from netcfg.testing import make_layer


def layer(text: str) -> LayerParameter:
    return parse(text, LayerParameter, "f").message


def refusal(text: str, *implemented: str, blocks: tuple[str, ...] = ("pooling_param",)) -> str:
    with pytest.raises(NetError) as caught:
        refuse_forks(layer(text), "layer", implemented, blocks)
    return str(caught.value)


def test_fields_values_and_blocks_of_forks() -> None:
    message = layer(
        "name: 'a' pooling_param { pool: AVE_EXC_PAD stride: 2 pad_l: 1 pad_t: 0 } "
        "transform_param { mirror: true resize_param { prob: 1 } resize_param { } } "
        "permute_param { order: 1 }"
    )
    found = list(set_by_forks(message))
    assert sorted(field.key for field in found) == [
        "permute_param",
        "pooling_param.pad_l",
        "pooling_param.pad_t",
        "pooling_param.pool: AVE_EXC_PAD",
        "transform_param.resize_param",
    ]
    names = {field.name: str(field) for field in found}
    assert names["pad_l"] == "field 'pooling_param.pad_l' (known from synopsys-caffe)"
    assert names["pool"].startswith("value AVE_EXC_PAD of field 'pooling_param.pool' (known from")


def test_netcfg_s_own_fields_are_no_fork_s() -> None:
    net = parse("zip: 1 layer { zap: 2 pooling_param { pad: 1 } }", NetParameter, "f").message
    assert net.unknown
    assert not list(set_by_forks(net))


def test_paths_begin_at_the_nearest_net_layer_or_solver() -> None:
    text = "larc: true\nnet_param {\n layer { param { } pooling_param { pad_l: 1 } } }"
    solver = parse(text, SolverParameter, "s").message
    found = {field.path: field.source for field in set_by_forks(solver)}
    assert sorted(found) == ["larc", "pooling_param.pad_l"]
    assert [found[path].line for path in sorted(found)] == [1, 3]
    blob = BlobProto(raw_data=b"x")
    assert [(field.path, field.source.file) for field in set_by_forks(blob)] == [("raw_data", "")]


@pytest.mark.parametrize(
    "text",
    [
        "pooling_param { ceil_mode: true avg_include_pad: true pad_l: 0 }",
        "relu_param { relu6: false engine: MKLDNN }",
        "softmax_param { hard_ratio: 1 normalize_type: 'Softmax' label_smooth_factor: 0 }",
        "engine: 'MKL2017' forward_type: FLOAT16 backward_math: FLOAT",
        "data_param { cache: true threads: 3 parser_threads: 2 shuffle: false }",
    ],
)
def test_what_changes_no_result_is_idle(text: str) -> None:
    found = list(set_by_forks(layer(text)))
    assert found
    assert all(field.idle for field in found)


@pytest.mark.parametrize(
    "text",
    [
        "pooling_param { ceil_mode: false }",
        "pooling_param { pool: AVE_TF }",
        "softmax_param { cutting_point: 0 }",
        "softmax_param { class_weight: 1 }",
        "transform_param { noise_param { } }",
        "data_param { shuffle: true }",
    ],
)
def test_what_changes_a_result_is_not(text: str) -> None:
    (found,) = set_by_forks(layer(text))
    assert not found.idle


def test_float_defaults_are_compared_as_they_are_stored() -> None:
    solver = parse("larc_eta: 0.001 local_gw_ratio: 0.002", SolverParameter).message
    assert {f.name: f.idle for f in set_by_forks(solver)} == {
        "larc_eta": True,
        "local_gw_ratio": False,
    }


def test_nothing_of_a_net_itself_changes_a_result() -> None:
    names = [field.name for field in NetParameter.DESCRIPTOR.fields]
    known = set(names) - {"name", "input", "input_shape", "input_dim", "force_backward", "state"}
    known -= {"debug_info", "layer", "layers", "source", "unknown"}
    assert known <= HARMLESS | FORMATS


def test_refusal() -> None:
    assert refusal("pooling_param { pad_l: 1 ceil_mode: false }", "pooling_param.ceil_mode") == (
        "field 'pooling_param.pad_l' (known from synopsys-caffe) is not implemented by this layer; "
        "remove it, or pass it over with --ignore-field pad_l"
    )
    assert refusal("pooling_param { pool: AVE_EXC_PAD pad_l: 1 pad_r: 0 }") == (
        "value AVE_EXC_PAD of field 'pooling_param.pool' (known from synopsys-caffe) and field "
        "'pooling_param.pad_l' (known from synopsys-caffe) are not implemented by this layer; "
        "remove them, or pass them over with --ignore-field pool,pad_l"
    )


def test_what_is_implemented_or_not_read_is_passed_over() -> None:
    text = "pooling_param { pool: AVE_EXC_PAD pad_l: 1 } permute_param { order: 1 }"
    refuse_forks(layer(text), "layer")
    refuse_forks(layer(text), "layer", blocks=["convolution_param"])
    implemented = ("pooling_param.pool: AVE_EXC_PAD", "pooling_param.pad_l")
    refuse_forks(layer(text), "layer", implemented, ["pooling_param", "permute_param"])


def test_fields_of_messages_that_a_fork_s_block_shares_with_caffe_count() -> None:
    message = refusal("convolution3d_param { kernel_depth: 3 }", blocks=("convolution3d_param",))
    assert message.startswith("field 'convolution3d_param.kernel_depth' (known from C3D) is not")


def test_drop_forks() -> None:
    text = """larc: true net_param {
        layer { pooling_param { pool: AVE_EXC_PAD pad: 1 pad_l: 2 pad_r: 3 } }
        layer { convolution_param { pad_l: 4 } } }"""
    solver = parse(text, SolverParameter).message
    first, second = solver.net_param.layer
    names = ["pooling_param.pad_l", "pool", "pad", "pad_r", "none"]
    dropped = [field.key for field in drop_forks(solver, names)]
    assert sorted(dropped) == [
        "pooling_param.pad_l",
        "pooling_param.pad_r",
        "pooling_param.pool: AVE_EXC_PAD",
    ]
    assert [f.name for f, _ in first.pooling_param.ListFields()] == ["pad"]
    assert second.convolution_param.pad_l == 4
    drop_forks(solver, {"larc", "pad_l"})
    assert not list(set_by_forks(solver))
    assert drop_forks(solver, []) == []


# Layers ----------------------------------------------------------------------------------------

NET = """layer { name: "data" type: "Input" top: "x" input_param { shape { dim: [1, 2, 4, 4] } } }
layer { name: "pool" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 2 %s } }"""


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("type: 'Convolution' convolution_param { kernel_depth: 2 }", "kernel_depth"),
        ("type: 'Deconvolution' convolution_param { pad_l: 1 }", "pad_l"),
        ("type: 'Pooling' pooling_param { temporal_stride: 2 }", "temporal_stride"),
        ("type: 'Softmax' softmax_param { hard_ratio: 0.1 }", "hard_ratio"),
        ("type: 'Softmax' softmax_param { normalize_type: 'L2' }", "normalize_type"),
        ("type: 'Data' transform_param { scale_factors: 2 }", "scale_factors"),
        ("type: 'ImageData' transform_param { emit_constraint { } }", "emit_constraint"),
    ],
)
def test_layers_refuse_what_they_do_not_implement(text: str, path: str) -> None:
    with pytest.raises(NetError, match=rf"{path}' \(known from .*--ignore-field {path}"):
        make_layer(text, [(2, 3, 4, 4)])


def test_a_layer_passes_over_blocks_that_it_does_not_read() -> None:
    make_layer("type: 'ReLU' pooling_param { pad_l: 1 } permute_param { order: 0 }", [(2, 3)])


def test_a_net_adds_the_place() -> None:
    with pytest.raises(NetError) as caught:
        Net(parse_net(NET % "kernel_depth: 2", "n.prototxt").message)
    start = "n.prototxt:2:1: layer 'pool' (Pooling): field 'pooling_param.kernel_depth' (known from"
    assert str(caught.value).startswith(start)
    net = Net(parse_net(NET % "kernel_depth: 2", "n.prototxt", ignore=["kernel_depth"]).message)
    assert net.top_shapes[1] == ((1, 2, 3, 3),)


def test_protobuf_in_plain_python_sees_the_same() -> None:
    code = """if True:
        from netcfg.fork_use import set_by_forks
        from netcfg.netcfg_pb2 import LayerParameter
        layer = LayerParameter()
        layer.pooling_param.pad_l = 1
        layer.pooling_param.pool = 3
        print(sorted((f.key, f.idle) for f in set_by_forks(layer)))
    """
    env = os.environ | {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == (
        "[('pooling_param.pad_l', False), ('pooling_param.pool: AVE_EXC_PAD', False)]"
    )

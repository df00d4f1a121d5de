"""Nets and solvers of all ages → current ones."""

import pytest

from netcfg.errors import SchemaError
from netcfg.netcfg_pb2 import LayerParameter, NetParameter, SolverParameter, V1LayerParameter
from netcfg.places import place_of
from netcfg.schema import parse, parse_net, parse_solver
from netcfg.upgrade import SOLVER_TYPES, TRANSFORMED, V1_SPECS, V1_TYPES, upgrade_net
from tests.test_prototxt_printer import strip


def told(text: str) -> list[str]:
    return [f"{f.severity} {f}" for f in parse_net(text, "f").findings]


def refusal(text: str) -> str:
    with pytest.raises(SchemaError) as caught:
        parse_net(text, "net.prototxt")
    return str(caught.value)


def same(old: str, new: str) -> None:
    got = strip(parse_net(old).message)
    expected = strip(parse(new, NetParameter).message)
    assert got == expected


V1_NAMES = list(V1LayerParameter.LayerType.DESCRIPTOR.values_by_name)

# V1 layers -------------------------------------------------------------------------------------


def test_every_v1_type_has_a_name() -> None:
    for name in V1_NAMES:
        layer = parse_net(f"layers {{ type: {name} }}").message.layer[0]
        assert layer.type == V1_TYPES.get(name, layer.type)
        assert "_" not in layer.type


def test_types_of_caffe_are_all_in_the_table() -> None:
    # Types of forks may follow the rule; those of Caffe are what weight files and users rely on.
    names = [
        "AbsVal Accuracy ArgMax BNLL Concat ContrastiveLoss Convolution Data Deconvolution Dropout",
        "DummyData Eltwise EuclideanLoss Exp Flatten HDF5Data HDF5Output HingeLoss Im2col",
        "ImageData InfogainLoss InnerProduct LRN MemoryData MultinomialLogisticLoss MVN Pooling",
        "Power ReLU Sigmoid SigmoidCrossEntropyLoss Silence Slice Softmax SoftmaxWithLoss Split",
        "TanH Threshold WindowData",
    ]
    assert {word for line in names for word in line.split()} <= set(V1_TYPES.values())


def test_v1_layers_become_current_ones() -> None:
    same(
        """
        name: "n" force_backward: true
        layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" top: "d"
          include { phase: TRAIN } exclude { stage: "x" } loss_weight: 0.5 loss_weight: 1
          blobs { data: 1 } convolution_param { num_output: 4 } transform_param { scale: 2 } }
        layers { name: "l" type: SOFTMAX_LOSS loss_param { normalize: false } }
        """,
        """
        name: "n" force_backward: true
        layer { name: "c" type: "Convolution" bottom: "data" top: "c" top: "d"
          include { phase: TRAIN } exclude { stage: "x" } loss_weight: 0.5 loss_weight: 1
          blobs { data: 1 } convolution_param { num_output: 4 } transform_param { scale: 2 } }
        layer { name: "l" type: "SoftmaxWithLoss" loss_param { normalize: false } }
        """,
    )


def test_every_block_of_v1_layers_is_carried_over() -> None:
    fields = [
        field.name for field in V1LayerParameter.DESCRIPTOR.fields if field.name.endswith("_param")
    ]
    assert len(fields) > 25
    for name in fields:
        layer = parse_net(f"layers {{ {name} {{ }} }}").message.layer[0]
        assert layer.HasField(name)  # type: ignore[arg-type]


def test_lists_become_params() -> None:
    same(
        """
        layers { type: INNER_PRODUCT param: "w" param: "b" blob_share_mode: [STRICT, PERMISSIVE]
          blobs_lr: 1 blobs_lr: 2 blobs_lr: 3 weight_decay: 0.5 }
        """,
        """
        layer { type: "InnerProduct"
          param { name: "w" share_mode: STRICT lr_mult: 1 decay_mult: 0.5 }
          param { name: "b" share_mode: PERMISSIVE lr_mult: 2 }
          param { lr_mult: 3 } }
        """,
    )


def test_every_list_has_a_field() -> None:
    for old, new in V1_SPECS.items():
        assert old in V1LayerParameter.DESCRIPTOR.fields_by_name
        spec = LayerParameter.DESCRIPTOR.fields_by_name["param"].message_type
        assert new in spec.fields_by_name


def test_places_are_kept() -> None:
    net = parse_net("layers { }\n layers { }", "f").message
    assert [(one.source.file, one.source.line, one.source.column) for one in net.layer] == [
        ("f", 1, 1),
        ("f", 2, 2),
    ]


def test_notes_say_what_was_done() -> None:
    assert told("\nlayers { type: RELU } layers { }") == [
        "note f:2:1: 2 V1 'layers' read as 'layer'"
    ]
    assert told("layers { type: TANH }\nlayers { layer { } }\nlayers { layer { } }") == [
        "note f:2:1: 2 V0 layers read as V1",
        "note f:1:1: 3 V1 'layers' read as 'layer'",
    ]
    assert told("layer { type: 'ReLU' }") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CROP", "Crop"),
        ("NORM", "Normalize"),
        ("MULTI_SOFTMAX_LOSS", "MultiSoftmaxLoss"),
        ("POOLING3D", "Pooling3D"),
        ("ROIPOOLING", "ROIPooling"),
        ('"Convolution"', "Convolution"),
        ("'MyLayer'", "MyLayer"),
    ],
)
def test_types_that_forks_added(text: str, name: str) -> None:
    parsed = parse_net(f"layers {{ name: 'a'\n type: {text} top: 'x' }}", "f")
    layer = parsed.message.layer[0]
    assert layer.type == name
    assert (layer.source.line, list(layer.top), list(layer.unknown)) == (1, ["x"], [])
    assert all(finding.severity == "note" for finding in parsed.findings)
    if text not in V1_NAMES:
        assert f'f:2:2: type: {text} read as "{name}"' in map(str, parsed.findings)


def test_blocks_that_v1_lacks_and_current_layers_know() -> None:
    parsed = parse_net("layers {\n prelu_param { channel_shared: true zip: 1 }\n flat_: 2 }", "f")
    layer = parsed.message.layer[0]
    assert layer.prelu_param.channel_shared
    assert [(one.path, one.text) for one in layer.unknown] == [
        ("prelu_param.zip", "1"),
        ("flat_", "2"),
    ]
    assert (layer.source.line, layer.source.column) == (1, 1)
    assert [f"{f.severity} {f}" for f in parsed.findings] == [
        "warning f:3:2: unknown field 'flat_' (known from no fork)",
        "note f:1:1: 1 V1 'layers' read as 'layer'",
        "warning f:2:37: unknown field 'prelu_param.zip' (known from no fork)",
    ]


def test_layer_and_layers_must_not_be_mixed() -> None:
    assert refusal("layer { }\n layers { }") == (
        "net.prototxt:2:2: 'layers' and 'layer' must not stand in one net; "
        "'layer' stands at net.prototxt:1:1"
    )


# Other legacies --------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "block"), TRANSFORMED.items())
def test_transforms_of_data_layers(kind: str, block: str) -> None:
    same(
        f"layers {{ type: {kind} {block} {{ source: 's' scale: 2 mean_file: 'm' crop_size: 3 "
        "mirror: true }} transform_param { scale: 9 force_gray: true } }".replace("}}", "}"),
        f"layer {{ type: '{V1_TYPES[kind]}' {block} {{ source: 's' }} transform_param {{ scale: 2 "
        "mean_file: 'm' crop_size: 3 mirror: true force_gray: true } }",
    )
    assert f"note f:1:1: {block}.mirror read as transform_param.mirror" in told(
        f"layers {{ type: {kind} {block} {{ mirror: true }} }}"
    )


def test_other_v1_layers_keep_their_blocks() -> None:
    layer = parse_net("layers { type: RELU data_param { scale: 2 } }").message.layer[0]
    assert layer.data_param.scale == 2
    assert not layer.HasField("transform_param")


def test_current_layers_with_old_transforms_are_left_alone_as_caffe_does() -> None:
    text = "layer { type: 'Data' data_param { crop_size: 3 mirror: true } }"
    assert not parse_net(text).message.layer[0].HasField("transform_param")
    assert told(text) == [
        f"warning f:1:1: data_param.{name} has no effect in 'layer'; "
        f"write transform_param {{ {name} }}"
        for name in ("crop_size", "mirror")
    ]
    assert told("layer { window_data_param { scale: 3 } }") == []
    assert told("layer { window_data_param { mirror: true } data_param { scale: 1 } }") == [
        "warning f:1:1: data_param.scale has no effect in 'layer'; write transform_param { scale }",
        "warning f:1:1: window_data_param.mirror has no effect in 'layer'; "
        "write transform_param { mirror }",
    ]


def test_input_with_dims() -> None:
    text = "name: 'n' input: 'a' input: 'b' input_dim: [1, 2, 3, 4, 5, 6, 7, 8] layer { name: 'x' }"
    same(
        text,
        "name: 'n' layer { name: 'input' type: 'Input' top: 'a' top: 'b' input_param { "
        "shape { dim: [1, 2, 3, 4] } shape { dim: [5, 6, 7, 8] } } } layer { name: 'x' }",
    )
    assert told(text) == ["note f:1:1: input read as a layer of type Input"]
    net = parse_net(text, "f").message
    assert net.layer[0].source == net.source


def test_input_with_shapes_wins_over_dims() -> None:
    same(
        "input: 'a' input: 'b' input_shape { dim: 1 } input_shape { dim: [2, 3] } input_dim: 7",
        "layer { name: 'input' type: 'Input' top: 'a' top: 'b' input_param { "
        "shape { dim: 1 } shape { dim: [2, 3] } } }",
    )


def test_the_input_layer_gets_a_name_of_its_own() -> None:
    net = parse_net(
        "input: 'a' input_shape { } layer { name: 'input' } layer { name: 'input_' }"
    ).message
    assert [layer.name for layer in net.layer] == ["input__", "input", "input_"]


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("input: 'a'", "1 input, 0 input_shape and 0 input_dim"),
        ("input: 'a' input_dim: [1, 2, 3]", "1 input, 0 input_shape and 3 input_dim"),
        ("input: 'a' input_dim: [1, 2, 3, 4, 5]", "1 input, 0 input_shape and 5 input_dim"),
        ("input: 'a' input: 'b' input_shape { }", "2 input, 1 input_shape and 0 input_dim"),
        (
            "input: 'a' input_shape { } input_shape { }",
            "1 input, 2 input_shape and 0 input_dim",
        ),
    ],
)
def test_inputs_must_have_shapes(text: str, given: str) -> None:
    assert refusal(text) == (
        f"net.prototxt:1:1: each input must have an input_shape or 4 input_dim; given {given}"
    )


def test_batch_norm_statistics_are_not_learned() -> None:
    text = "layer { type: 'BatchNorm' %s }"
    zero = "param { lr_mult: 0 decay_mult: 0 } "
    same(text % "", text % (zero * 3))
    assert told(text % "") == []
    same(text % (zero * 3), text % (zero * 3))
    assert told(text % (zero * 3)) == []
    some = "param { name: 'm' } param { lr_mult: 0 } param { lr_mult: 2 decay_mult: 0 }"
    same(text % some, text % (zero * 3).replace("{ lr", "{ name: 'm' lr", 1))
    assert told(text % some) == ["note f:1:1: lr_mult and decay_mult of BatchNorm read as 0"]
    assert len(told(text % ("param { lr_mult: 0 }" * 3))) == 1
    for others in ("param { lr_mult: 1 }", "param { } " * 5):
        same(text % others, text % others)
    same("layer { type: 'Scale' }", "layer { type: 'Scale' }")


def test_v1_lists_in_current_layers() -> None:
    text = "layer { type: 'Convolution'\n blobs_lr: 1 blobs_lr: 2 weight_decay: [1, 0] %s }"
    same(
        text % "",
        "layer { type: 'Convolution' param { lr_mult: 1 decay_mult: 1 } "
        "param { lr_mult: 2 decay_mult: 0 } }",
    )
    assert told(text % "") == ["note f:2:2: blobs_lr read as param { lr_mult }"]
    assert refusal(text % "param { lr_mult: 1 }") == (
        "net.prototxt:2:2: a layer must have param or the older blobs_lr, not both"
    )


def test_the_given_net_stays_as_it_is() -> None:
    for text in (
        "layers { layer { type: 'conv' pad: 1 } } layers { type: DATA data_param { scale: 1 } }",
        "input: 'a' input_dim: [1, 2, 3, 4] layer { type: 'BatchNorm' } layer { blobs_lr: 1 }",
    ):
        net = parse(text, NetParameter).message
        before = NetParameter()
        before.CopyFrom(net)
        upgrade_net(net)
        assert net == before


def test_upgrading_twice_changes_nothing() -> None:
    text = "input: 'a' input_dim: [1, 2, 3, 4] layers { type: CONVOLUTION blobs_lr: 1 zip: 1 }"
    once = parse_net(text).message
    twice, findings = upgrade_net(once)
    assert twice == once
    assert findings == ()


# Solvers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", SolverParameter.SolverType.keys())
def test_solver_types(old: str) -> None:
    parsed = parse_solver(f"base_lr: 1\nsolver_type: {old}", "f")
    assert parsed.message.type == SOLVER_TYPES[old]
    assert not parsed.message.HasField("solver_type")
    assert list(map(str, parsed.findings)) == [
        f'f:2:1: solver_type: {old} read as type: "{SOLVER_TYPES[old]}"'
    ]


def test_type_stands_where_solver_type_stood() -> None:
    solver = parse_solver("base_lr: 1\n solver_type: ADAM", "f").message
    assert place_of(solver, "type") == "f:2:2"


def test_solver_type_may_be_a_number() -> None:
    assert parse_solver("solver_type: 5").message.type == "Adam"


def test_type_and_solver_type_are_refused() -> None:
    with pytest.raises(SchemaError) as caught:
        parse_solver('type: "Adam" solver_type: SGD', "s.prototxt")
    assert str(caught.value) == (
        "s.prototxt:1:14: a solver must have type or the older solver_type, not both; "
        'given type: "Adam" and solver_type: SGD'
    )


def test_nets_within_solvers() -> None:
    net = "layers { name: 'r' type: RELU }"
    text = f"net_param {{ {net} }} train_net_param {{ {net} }} test_net_param: [{{ {net} }}, {{ }}]"
    parsed = parse_solver(text, "f")
    solver = parsed.message
    for inner in (solver.net_param, solver.train_net_param, solver.test_net_param[0]):
        assert [layer.type for layer in inner.layer] == ["ReLU"]
        assert not inner.layers
    assert len(parsed.findings) == 3
    bare = parse_solver("base_lr: 1").message
    assert not bare.HasField("net_param")
    assert not bare.HasField("train_net_param")

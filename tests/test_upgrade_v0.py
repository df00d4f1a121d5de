"""V0 layers → V1."""

import pytest

from netcfg.errors import SchemaError
from netcfg.netcfg_pb2 import NetParameter, V0LayerParameter, V1LayerParameter
from netcfg.prototxt_printer import to_text
from netcfg.schema import parse
from netcfg.upgrade_v0 import COPIED, PARAMS, TRANSFORMS, V0_FIELDS, V0_TYPES, upgrade_v0
from tests.test_prototxt_printer import strip


def upgraded(text: str) -> NetParameter:
    net = parse(text, NetParameter, "net.prototxt").message
    upgrade_v0(net)
    return net


def refusal(text: str) -> str:
    with pytest.raises(SchemaError) as caught:
        upgraded(text)
    return str(caught.value)


def v1(text: str) -> NetParameter:
    return strip(parse(text, NetParameter).message)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "name: 'c' type: 'conv' num_output: 96 biasterm: false pad: 1 kernelsize: 11 group: 2 "
            "stride: 4 weight_filler { std: 0.5 } bias_filler { value: 1 } blobs_lr: 1 blobs_lr: 2 "
            "weight_decay: 1 weight_decay: 0",
            "name: 'c' type: CONVOLUTION convolution_param { num_output: 96 bias_term: false "
            "pad: 1 kernel_size: 11 group: 2 stride: 4 weight_filler { std: 0.5 } "
            "bias_filler { value: 1 } } "
            "blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0",
        ),
        (
            "name: 'p' type: 'pool' pool: AVE pad: 1 kernelsize: 3 stride: 2",
            "name: 'p' type: POOLING pooling_param { pool: AVE pad: 1 kernel_size: 3 stride: 2 }",
        ),
        (
            "type: 'innerproduct' num_output: 9 biasterm: true weight_filler { } bias_filler { }",
            "type: INNER_PRODUCT inner_product_param { num_output: 9 bias_term: true "
            "weight_filler { } bias_filler { } }",
        ),
        (
            "type: 'lrn' local_size: 3 alpha: 0.1 beta: 0.5 k: 2",
            "type: LRN lrn_param { local_size: 3 alpha: 0.1 beta: 0.5 k: 2 }",
        ),
        (
            "type: 'dropout' dropout_ratio: 0.2",
            "type: DROPOUT dropout_param { dropout_ratio: 0.2 }",
        ),
        ("type: 'concat' concat_dim: 2", "type: CONCAT concat_param { concat_dim: 2 }"),
        (
            "type: 'data' source: 's' batchsize: 8 rand_skip: 3 "
            "scale: 0.5 meanfile: 'm' cropsize: 5 mirror: true",
            "type: DATA data_param { source: 's' batch_size: 8 rand_skip: 3 } "
            "transform_param { scale: 0.5 mean_file: 'm' crop_size: 5 mirror: true }",
        ),
        (
            "type: 'images' source: 's' batchsize: 8 rand_skip: 3 shuffle_images: true "
            "new_height: 4 new_width: 6",
            "type: IMAGE_DATA image_data_param { source: 's' batch_size: 8 rand_skip: 3 "
            "shuffle: true new_height: 4 new_width: 6 }",
        ),
        (
            "type: 'hdf5_data' source: 's' batchsize: 8",
            "type: HDF5_DATA hdf5_data_param { source: 's' batch_size: 8 }",
        ),
        (
            "type: 'window_data' source: 's' batchsize: 8 det_fg_threshold: 0.1 "
            "det_bg_threshold: 0.2 det_fg_fraction: 0.3 det_context_pad: 4 det_crop_mode: 'square'",
            "type: WINDOW_DATA window_data_param { source: 's' batch_size: 8 fg_threshold: 0.1 "
            "bg_threshold: 0.2 fg_fraction: 0.3 context_pad: 4 crop_mode: 'square' }",
        ),
        (
            "type: 'infogain_loss' source: 's'",
            "type: INFOGAIN_LOSS infogain_loss_param { source: 's' }",
        ),
        (
            "type: 'hdf5_output' hdf5_output_param { file_name: 'f' }",
            "type: HDF5_OUTPUT hdf5_output_param { file_name: 'f' }",
        ),
        ("type: 'relu' blobs { data: 1 }", "type: RELU blobs { data: 1 }"),
    ],
)
def test_fields(old: str, new: str) -> None:
    net = upgraded(f"layers {{ layer {{ {old} }} bottom: 'a' top: 'b' }}")
    assert strip(net) == v1(f"layers {{ {new} bottom: 'a' top: 'b' }}")


def test_every_v0_field_has_a_place() -> None:
    fields = set(V0LayerParameter.DESCRIPTOR.fields_by_name)
    # Caffe never carried these two over.
    assert fields - {"type", "new_num", "new_channels"} == {*V0_FIELDS, *TRANSFORMS, *COPIED}


def test_every_type_and_block_exists() -> None:
    assert set(V0_TYPES.values()) <= set(V1LayerParameter.LayerType.keys())
    assert set(PARAMS) <= set(V0_TYPES)
    for new, kinds in V0_FIELDS.values():
        for kind in kinds:
            block = V1LayerParameter.DESCRIPTOR.fields_by_name[PARAMS[kind]].message_type
            assert new in block.fields_by_name


def test_places_are_kept() -> None:
    net = upgraded("layers { }\n layers { layer { type: 'relu' } }")
    assert [(one.source.line, one.source.column) for one in net.layers] == [(1, 1), (2, 2)]


PADDED = """
layers { layer { name: "d" type: "data" } top: "data" }
layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "data" top: "padded" }
layers { layer { name: "next" type: "%s" } bottom: "padded" top: "out" }
"""


@pytest.mark.parametrize("kind", ["conv", "pool"])
def test_padding_is_folded_into_its_reader(kind: str) -> None:
    net = upgraded(PADDED % kind)
    assert [layer.name for layer in net.layers] == ["d", "next"]
    assert list(net.layers[1].bottom) == ["data"]
    block = net.layers[1].convolution_param if kind == "conv" else net.layers[1].pooling_param
    assert block.pad == ([2] if kind == "conv" else 2)


def test_padding_in_place_is_that_of_the_last_writer() -> None:
    text = """
    layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "data" top: "data" }
    layers { layer { name: "c" type: "conv" } bottom: "data" top: "data" }
    layers { layer { name: "r" type: "relu" } bottom: "data" top: "data" }
    """
    net = upgraded(text)
    assert [layer.name for layer in net.layers] == ["c", "r"]
    assert list(net.layers[0].convolution_param.pad) == [2]


def test_padding_must_lead_to_a_layer_that_can_pad() -> None:
    assert refusal(PADDED % "relu") == (
        "net.prototxt:3:1: padding must lead to a conv or pool layer with one bottom; "
        "it leads to 'next' (relu) with 1"
    )
    two = (PADDED % "conv").replace('bottom: "padded"', 'bottom: "padded" bottom: "data"')
    assert refusal(two) == (
        "net.prototxt:3:1: padding must lead to a conv or pool layer with one bottom; "
        "it leads to 'next' (conv) with 2"
    )
    no_bottom = (PADDED % "conv").replace('bottom: "data"', "")
    assert refusal(no_bottom) == (
        "net.prototxt:3:1: padding must have one bottom and one top; given 0 and 1"
    )


def test_unknown_types_are_refused() -> None:
    assert refusal("layers { layer { name: 'a' type: 'cnov' } }") == (
        "net.prototxt:1:1: layer 'a': unknown V0 type 'cnov'; did you mean 'conv'?"
    )


def test_what_a_type_has_no_use_for_is_kept_for_the_layer_to_refuse() -> None:
    text = "layers { layer { name: 'r' type: 'relu' stride: 2 weight_filler { std: 1 } zip: 'x' } }"
    net = parse(text, NetParameter, "f").message
    findings = upgrade_v0(net)
    assert [(f.severity, str(f)) for f in findings] == [
        ("warning", "f:1:1: V0 layer 'r' (relu) has no use for 'weight_filler'"),
        ("warning", "f:1:1: V0 layer 'r' (relu) has no use for 'stride'"),
    ]
    unknown = {one.path: one.text.split() for one in net.layers[0].unknown}
    assert unknown == {
        "zip": ["'x'"],
        "weight_filler": ["{", "std:", "1", "}"],
        "stride": ["2"],
    }
    assert "stride: 2" in to_text(net)


def test_v1_layers_beside_them_stay() -> None:
    net = upgraded("layers { layer { type: 'relu' } } layers { type: TANH name: 't' }")
    assert strip(net) == v1("layers { type: RELU } layers { type: TANH name: 't' }")

"""Shapes without weights and data."""

from netcfg.netcfg_pb2 import NetState
from netcfg.phases import filter_net
from netcfg.schema import parse_net
from netcfg.shapes import infer_shapes
from netcfg.types import Phase, Shapes

NET = """\
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 9 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 5 kernel_size: 3 weight_filler { type: "nonsense" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
"""


def shapes(text: str, phase: Phase = Phase.TEST) -> list[Shapes]:
    net = filter_net(parse_net(text).message, NetState(phase=int(phase)))
    return infer_shapes(net.layer, phase)


def test_shapes_follow_without_filling_parameters() -> None:
    assert shapes(NET) == [((2, 3, 9, 9),), ((2, 5, 7, 7),), ((2, 5, 7, 7),)]


def test_unknown_types_hide_what_follows_from_them() -> None:
    odd = 'layer { name: "odd" type: "Odd" bottom: "conv" top: "odd" }\n'
    after = 'layer { name: "r" type: "ReLU" bottom: "odd" top: "r" }\n'
    beside = 'layer { name: "s" type: "ReLU" bottom: "x" top: "s" }\n'
    assert shapes(NET + odd + after + beside)[3:] == [(), (), ((2, 3, 9, 9),)]


def test_an_unknown_layer_in_place_hides_the_blob() -> None:
    odd = 'layer { name: "odd" type: "Odd" bottom: "conv" top: "conv" }\n'
    after = 'layer { name: "r" type: "ReLU" bottom: "conv" top: "r" }\n'
    assert shapes(NET + odd + after)[3:] == [(), ()]


def test_data_may_be_missing_and_layers_wrong() -> None:
    data = 'layer { name: "d" type: "Data" top: "d" data_param { source: "nowhere" } }\n'
    wrong = 'layer { name: "w" type: "Convolution" bottom: "x" top: "w" }\n'
    assert shapes(data + NET + wrong) == [(), *shapes(NET), ()]


def test_losses_may_leave_tops_out() -> None:
    data = (
        'layer { name: "d" type: "DummyData" top: "d" top: "l" dummy_data_param {'
        " shape { dim: 4 dim: 3 } shape { dim: 4 }"
        ' data_filler { type: "gaussian" } data_filler { type: "constant" } } }\n'
    )
    loss = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "d" bottom: "l" }\n'
    assert shapes(data + loss, Phase.TRAIN) == [((4, 3), (4,)), ((),)]

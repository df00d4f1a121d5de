"""Names to edges: versions, outputs and every way in which names can be wrong."""

import pytest

import netcfg.layers  # noqa: F401 - fills the registry
from netcfg.errors import NetError
from netcfg.graph import Blob, Graph, build_graph
from netcfg.schema import parse_net

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }\n'


def graph(text: str) -> Graph:
    return build_graph(parse_net(INPUT + text, file="net.prototxt").message.layer)


def test_a_top_that_repeats_a_bottom_makes_the_next_version() -> None:
    g = graph(
        'layer { name: "a" type: "ReLU" bottom: "x" top: "x" }\n'
        'layer { name: "b" type: "ReLU" bottom: "x" top: "y" }'
    )
    assert g.nodes[1].bottoms == (Blob("x", 0),)
    assert g.nodes[1].tops == (Blob("x", 1),)
    assert g.nodes[2].bottoms == (Blob("x", 1),)


def test_outputs_are_the_unread_blobs_by_name() -> None:
    g = graph(
        'layer { name: "b" type: "ReLU" bottom: "x" top: "z" }\n'
        'layer { name: "a" type: "TanH" bottom: "x" top: "y" }'
    )
    assert g.outputs() == [Blob("y"), Blob("z")]


def test_a_loss_without_a_top_gets_one() -> None:
    g = graph('layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "x" }')
    assert g.nodes[1].tops == (Blob("(loss)"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'layer { name: "a" type: "ReLU" bottom: "X" top: "y" }',
            "net.prototxt:2:1: layer 'a' (ReLU): unknown bottom 'X'; did you mean 'x'?",
        ),
        (
            'layer { name: "a" type: "ReLU" bottom: "y" top: "y" }',
            "net.prototxt:2:1: layer 'a' (ReLU): bottom 'y' is its own top: no earlier layer "
            "writes it",
        ),
        (
            'layer { name: "a" type: "ReLU" bottom: "z" top: "y" }\n'
            'layer { name: "b" type: "ReLU" bottom: "y" top: "z" }',
            "net.prototxt:2:1: layer 'a' (ReLU): bottom 'z' is written only later, by "
            "net.prototxt:3:1: layer 'b' (ReLU); layers run in the order of the file and must not "
            "form a cycle",
        ),
        (
            'layer { name: "a" type: "ReLU" bottom: "x" top: "y" }\n'
            'layer { name: "b" type: "ReLU" bottom: "x" top: "y" }',
            "net.prototxt:3:1: layer 'b' (ReLU): top 'y' is already written by net.prototxt:2:1: "
            "layer 'a' (ReLU); only a layer that also reads it may write it again",
        ),
        (
            'layer { name: "a" type: "Slice" bottom: "x" top: "y" top: "y" }',
            "net.prototxt:2:1: layer 'a' (Slice): top 'y' is named twice",
        ),
        (
            'layer { name: "a" type: "ReLu" bottom: "x" top: "y" }',
            "net.prototxt:2:1: layer 'a' (ReLu): unknown layer type 'ReLu'; did you mean 'ReLU'? "
            "(`netcfg layers` lists the types, `--import MODULE` adds your own)",
        ),
        (
            'layer { name: "a" type: "ReLU" top: "y" }',
            "net.prototxt:2:1: layer 'a' (ReLU): takes 1 bottom; given 0",
        ),
        (
            'layer { name: "a" type: "Eltwise" bottom: "x" top: "y" }',
            "net.prototxt:2:1: layer 'a' (Eltwise): takes at least 2 bottoms; given 1",
        ),
    ],
)
def test_messages(text: str, message: str) -> None:
    with pytest.raises(NetError) as error:
        graph(text)
    assert str(error.value) == message

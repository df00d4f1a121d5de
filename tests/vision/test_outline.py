"""What a prototxt says of a net before it is built."""

import pytest

from netcfg.errors import NetError
from netcfg.schema import parse_net
from netcfg.vision.outline import Outline
from tests.vision.nets import CLASSIFY

INPUT = 'layer { name: "d" type: "Input" top: "data" top: "im_info" input_param { %s } }'
TWO = INPUT % "shape { dim: 1 dim: 3 dim: 9 dim: 8 } shape { dim: 1 dim: 3 }"


def outline(text: str) -> Outline:
    return Outline(parse_net(text).message)


def test_blobs_and_who_reads_them() -> None:
    net = outline(
        CLASSIFY
        + 'layer { name: "r" type: "ReLU" bottom: "ip" top: "ip" }'
        + 'layer { name: "t" type: "ReLU" bottom: "ip" top: "x" include { phase: TRAIN } }'
    )
    assert net.tops == ["data", "pool", "ip", "prob"]
    assert net.unread == ["prob", "ip"]
    assert (net.writer("ip").name, net.has_input) == ("r", True)
    assert net.check("pool") == "pool"
    with pytest.raises(NetError, match=r"no blob 'pol'; did you mean 'pool'.*outputs: prob, ip"):
        net.check("pol")


def test_the_only_output() -> None:
    assert outline(CLASSIFY).only("scores") == "prob"
    more = CLASSIFY + 'layer { name: "r" type: "ReLU" bottom: "ip" top: "y" }'
    with pytest.raises(NetError, match=r"2 outputs \(prob, y\); say with --blob"):
        outline(more).only("scores")


def test_inputs() -> None:
    net = outline(TWO)
    layer, index = net.image()
    assert (layer.name, index, net.shapes(layer)) == ("d", 0, [(1, 3, 9, 8), (1, 3)])
    assert net.info() == "im_info"
    assert outline(CLASSIFY).info() == ""
    with pytest.raises(NetError, match=r"no Input of images"):
        outline(INPUT.replace('top: "im_info"', "") % "shape { dim: 1 dim: 3 }").image()
    other = TWO.replace("im_info", "cont").replace("dim: 1 dim: 3 }", "dim: 1 dim: 4 }")
    with pytest.raises(NetError, match=r"input 'cont' of shape .* neither an image nor im_info"):
        outline(other).info()


def test_only_what_leads_to_blobs() -> None:
    net = outline(CLASSIFY)
    assert [layer.name for layer in net.until(["pool", "data"]).layer] == ["data", "pool"]
    assert len(net.until(["prob"]).layer) == len(net.layers) == 4

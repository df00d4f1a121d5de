import pytest

from netcfg.errors import NetError, ShapeError
from netcfg.layers.margins import margins
from netcfg.netcfg_pb2 import ConvolutionParameter, PoolingParameter

KINDS = [ConvolutionParameter, PoolingParameter]


@pytest.mark.parametrize("kind", KINDS)
def test_sides_of_height_and_width(kind):
    assert margins(kind(pad_t=1, pad_r=2), 2) == ((1, 0), (0, 2))
    assert margins(kind(pad_b=3, pad_l=4), 2) == ((0, 3), (4, 0))


@pytest.mark.parametrize("config", [kind(**f) for kind in KINDS for f in ({}, {"pad_h": 2})])
def test_no_side_by_itself(config):
    assert margins(config, 2) is None


@pytest.mark.parametrize(
    "config",
    [
        ConvolutionParameter(pad=[1], pad_l=1),
        ConvolutionParameter(pad_w=1, pad_l=1),
        PoolingParameter(pad=1, pad_l=1),
        PoolingParameter(pad_h=1, pad_l=1),
    ],
)
def test_not_together_with_all_sides(config):
    with pytest.raises(NetError, match="by pad_t, pad_b, pad_l, pad_r, not both"):
        margins(config, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_of_nothing_may_be_said_twice(kind):
    zero = {"pad": [0]} if kind is ConvolutionParameter else {"pad": 0}
    assert margins(kind(pad_l=1, **zero), 2) == ((0, 0), (1, 0))


def test_only_images_have_sides():
    with pytest.raises(ShapeError, match="need 2 spatial axes; given 3"):
        margins(PoolingParameter(pad_l=1), 3)

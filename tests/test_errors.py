import pytest

from netcfg.errors import (
    DataError,
    NetError,
    SchemaError,
    ShapeError,
    WeightsError,
    nearest,
)


@pytest.mark.parametrize("kind", [NetError, SchemaError, ShapeError, DataError, WeightsError])
def test_a_place_comes_in_front_and_the_kind_stays(kind):
    error = kind("group 2 must divide 3").at("net.prototxt:31:3").at("snapshot 4")
    assert str(error) == "snapshot 4: net.prototxt:31:3: group 2 must divide 3"
    assert type(error) is kind
    assert isinstance(error, NetError)


def test_without_a_place_the_error_stays_as_it_is():
    assert str(NetError("group 2 must divide 3").at("")) == "group 2 must divide 3"


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("Relu", ["ReLU", "PReLU"], "; did you mean 'ReLU'?"),
        ("convolution", ["Convolution", "Deconvolution"], "; did you mean 'Convolution'?"),
        ("conv1", {"conv1_1": 1, "fc8": 2}, "; did you mean 'conv1_1'?"),
        ("zzz", ["ReLU"], ""),
        ("anything", [], ""),
    ],
)
def test_the_nearest_word_is_suggested_if_it_is_near(word, known, hint):
    assert nearest(word, known) == hint

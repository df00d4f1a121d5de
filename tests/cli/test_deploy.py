"""Nets that answer, from the command line."""

import argparse
from pathlib import Path

import pytest

from netcfg.cli.deploy import numbers, size
from netcfg.schema import read_net
from netcfg.zoo.card import read_card
from tests.cli.conftest import Run

IMAGES = """\
layer {
  name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: 4 scale: 0.5 }
  data_param { source: "x" batch_size: 2 }
}
layer {
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def test_it_is_printed(run: Run, tiny: Path) -> None:
    result = run("deploy", "net.prototxt")
    assert (result.status, result.err) == (0, "")
    Path("deploy.prototxt").write_text(result.out)
    net = read_net("deploy.prototxt").message
    assert [layer.name for layer in net.layer] == ["data", "ip", "prob"]
    assert list(net.layer[0].input_param.shape[0].dim) == [1, 3]


def test_a_file(run: Run, tiny: Path) -> None:
    result = run("deploy", "net.prototxt", "-o", "d.prototxt", "--batch", "5")
    assert (result.status, result.out) == (0, "d.prototxt: 3 layers\n")
    net = read_net("d.prototxt").message
    assert list(net.layer[0].input_param.shape[0].dim) == [5, 3]


def test_a_folder(run: Run, folder: Path) -> None:
    Path("net.prototxt").write_text(IMAGES)
    result = run("deploy", "net.prototxt", "--out", "d", "--mean", "1,2,3", "--resize", "5,6")
    assert (result.status, result.out) == (0, "d: 3 layers, answer in blob prob\n")
    assert result.err.startswith("netcfg: note: the data of layer 'data' is not there: its images")
    card = read_card("d")
    assert (card.input.mean, card.input.resize, card.input.scale) == ((1, 2, 3), (5, 6), 0.5)
    given = run("deploy", "net.prototxt", "--shape", "data=9,1,4,4", "-o", "e", "--scale", "2")
    assert (given.status, given.err) == (0, "")
    assert read_card("e").input.channels == "GREY"
    assert read_card("e").input.scale == 2
    assert "'e' exists already" in run("deploy", "net.prototxt", "-o", "e").err


def test_options() -> None:
    assert numbers("1,2.5") == (1.0, 2.5)
    assert size("3,4") == (3, 4)
    for parse, text in ((numbers, "1;2"), (numbers, ""), (size, "3"), (size, "3,x")):
        with pytest.raises(argparse.ArgumentTypeError, match="must look like"):
            parse(text)


def test_what_is_wrong(run: Run, folder: Path) -> None:
    Path("net.prototxt").write_text(IMAGES.replace("crop_size: 4", ""))
    result = run("deploy", "net.prototxt")
    assert result.status == 2
    assert result.err == (
        "netcfg: error: net.prototxt:1:1: layer 'data' (Data): the shape of 'data' is not known "
        "without the data; say it with --shape data=N,C,H,W\n"
    )

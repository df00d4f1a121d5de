"""Nets that answer, from the command line."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from netcfg.cli.deploy import numbers, size
from netcfg.io.caffemodel import read_weights
from netcfg.schema import read_net
from netcfg.solver import Solver
from netcfg.zoo.card import read_card
from tests.cli.conftest import Run
from tests.data.databases import images, make_lmdb

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


NORMED = """\
layer {
  name: "data" type: "Data" top: "data" top: "label" transform_param { crop_size: 4 scale: 0.5 }
  data_param { source: "db" batch_size: 2 backend: LMDB }
}
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 4 weight_filler { type: "xavier" } }
}
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer {
  name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.001 lr_policy: "fixed" max_iter: 3 snapshot_prefix: "s"'


@pytest.fixture
def trained(folder: Path) -> Path:
    """A folder with a net, its data, and a snapshot of it."""
    make_lmdb(folder / "db", images(3))
    Path("net.prototxt").write_text(NORMED)
    Path("solver.prototxt").write_text(SOLVER)
    with Solver("solver.prototxt") as solver:
        solver.solve()
    return folder


def test_a_folder_with_weights_answers_for_pictures(run: Run, trained: Path) -> None:
    given = ("deploy", "net.prototxt", "--weights", "s_iter_3.caffemodel", "-o")
    assert run(*given, "model").status == 0
    card = read_card("model")
    assert (card.weights[0].file, card.input.scale) == ("s_iter_3.caffemodel", 0.5)
    assert (card.input.size, card.input.resize) == ((4, 4), (6, 5))
    assert run(*given, "merged", "--merge").status == 0
    assert read_card("merged").weights[0].file == "deploy.caffemodel"
    for name in ("model", "merged"):
        assert run("classify", name, "db", "--out", f"{name}.npz", "--scores").status == 0
    with np.load("model.npz") as whole, np.load("merged.npz") as merged:
        np.testing.assert_allclose(merged["scores"], whole["scores"], rtol=1e-4)
        assert len(np.unique(whole["scores"])) == 9


def test_merged_weights_lie_beside_the_prototxt(run: Run, trained: Path) -> None:
    options = ("--merge", "--weights", "s_iter_3.caffemodel")
    result = run("deploy", "net.prototxt", *options, "-o", "d.prototxt")
    assert result.out == "d.prototxt: 4 layers\nd.caffemodel: their weights\n"
    assert [layer.name for layer in read_net("d.prototxt").message.layer][1:] == [
        "conv",
        "ip",
        "prob",
    ]
    found = read_weights("d.caffemodel")
    assert list(found) == ["conv", "ip"]
    assert found.preparation is not None
    assert found.preparation.transform.scale == 0.5
    assert "BatchNorm" not in run("deploy", "net.prototxt", "--merge").out


def test_weights_that_would_go_nowhere(run: Run, trained: Path) -> None:
    given = ("deploy", "net.prototxt", "--weights", "s_iter_3.caffemodel")
    assert "--weights needs -o" in run(*given).err
    assert "give -o a folder to put both there, or --merge" in run(*given, "-o", "d.prototxt").err


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

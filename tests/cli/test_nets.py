"""Nets as the commands read them."""

import argparse
from pathlib import Path

import pytest

from netcfg.cli import nets
from netcfg.errors import NetError
from netcfg.schema import parse_net, parse_solver

TEXT = """
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN } }
layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TEST } }
layer { name: "r" type: "ReLU" bottom: "data" top: "data" }
"""


def test_shapes_replace_the_layers_that_write_them() -> None:
    net = parse_net(TEXT, "n.prototxt").message
    nets.replace_data(net, [("data", (2, 3))])
    for layer in net.layer[:2]:
        assert (layer.type, list(layer.top)) == ("Input", ["data", "label"])
        assert [list(shape.dim) for shape in layer.input_param.shape] == [[2, 3], [2]]
    assert [layer.include[0].phase for layer in net.layer[:2]] == [0, 1]
    assert (net.layer[1].source.file, net.layer[1].source.line) == ("n.prototxt", 3)
    assert net.layer[2].type == "ReLU"


def test_each_top_may_have_its_shape() -> None:
    net = parse_net(TEXT).message
    nets.replace_data(net, [("label", (2, 5)), ("data", (2, 3))])
    assert [list(shape.dim) for shape in net.layer[0].input_param.shape] == [[2, 3], [2, 5]]


def test_only_data_is_replaced() -> None:
    net = parse_net('layer { name: "r" type: "ReLU" bottom: "data" top: "y" }').message
    with pytest.raises(NetError, match=r"--shape y: .* \(such tops: none\)"):
        nets.replace_data(net, [("y", (1,))])


def test_layers_judge_their_own_fields() -> None:
    text = 'layer { name: "r" type: "ReLU" top: "y" twirl_param { a: 1 } }\nfancy: 1\n'
    net = parse_net(text, "n.prototxt")
    assert [f.where for f in nets.unexplained(net.findings, net.message)] == ["n.prototxt:2:1"]
    solver = parse_solver(f"train_net_param {{ {text} }}\nodd: 1", "s.prototxt")
    left = [f.where for f in nets.unexplained(solver.findings, solver.message)]
    assert left == ["s.prototxt:2:1", "s.prototxt:4:1"]


def test_warnings_go_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "n.prototxt"
    path.write_text("fancy: 1\n")
    nets.read(argparse.Namespace(ignore_fields=[]), str(path))
    assert capsys.readouterr().err.startswith(f"netcfg: warning: {path}:1:1: unknown field 'fancy'")
    nets.read(argparse.Namespace(ignore_fields=["fancy"]), str(path))
    assert capsys.readouterr().err == ""


def test_ignoring_a_field_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "n.prototxt"
    path.write_text("fancy: 1\n")
    with pytest.raises(NetError, match=r"--ignore-field fancyy: .* did you mean 'fancy'\?"):
        nets.read(argparse.Namespace(ignore_fields=["fancyy"]), str(path))
    with pytest.raises(NetError, match="--ignore-field odd: no file sets a field"):
        nets.read(argparse.Namespace(ignore_fields=["fancy,odd"]), str(path))


def test_ignoring_fields_of_forks(tmp_path: Path) -> None:
    path = tmp_path / "n.prototxt"
    path.write_text("layer { pooling_param { pad_l: 1 kernel_size: 2 frob: 1 } }")

    def read(*names: str) -> None:
        nets.read(argparse.Namespace(ignore_fields=list(names)), str(path))

    read("pad_l", "pooling_param.frob")
    fact = "no file sets a field of this name that is unknown or only known from forks"
    for name, hint in {
        "pad_i": "; did you mean 'pad_l'?",
        "pooling_param.forb": "; did you mean 'pooling_param.frob'?",
        "kernel_size": "",
    }.items():
        with pytest.raises(NetError) as caught:
            read(name)
        assert str(caught.value) == f"--ignore-field {name}: {fact}{hint}"

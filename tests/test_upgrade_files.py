"""Nets, solvers and weights of old ages, as files."""

from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import NetParameter, SolverParameter
from netcfg.schema import parse
from netcfg.upgrade_files import upgrade_file
from tests.shared import shared

V1 = """\
# about the net
input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" odd_param { swirl: 3 }
  convolution_param { num_output: 2 kernel_size: 3 } }
"""
SOLVER = 'net: "n.prototxt"\nbase_lr: 0.1 # slow\nsolver_type: ADAM\n'


def test_nets(tmp_path: Path) -> None:
    (tmp_path / "v1.prototxt").write_text(V1)
    upgraded = upgrade_file(tmp_path / "v1.prototxt", tmp_path / "out/new.prototxt")
    assert (upgraded.kind, upgraded.changed) == ("net", True)
    assert f"{tmp_path}/v1.prototxt:3:1: 1 V1 'layers' read as 'layer'" in map(
        str, upgraded.findings
    )
    text = (tmp_path / "out/new.prototxt").read_text()
    net = parse(text, NetParameter).message
    assert [layer.type for layer in net.layer] == ["Input", "Convolution"]
    assert "odd_param { swirl: 3 }" in text
    again = upgrade_file(tmp_path / "out/new.prototxt", tmp_path / "same.prototxt")
    assert not again.changed
    assert (tmp_path / "same.prototxt").read_text() == text


def test_solvers(tmp_path: Path) -> None:
    path = tmp_path / "solver.prototxt"
    path.write_text(SOLVER)
    upgraded = upgrade_file(path, path)
    assert (upgraded.kind, upgraded.changed) == ("solver", True)
    assert 'solver_type: ADAM read as type: "Adam"' in upgraded.findings[0].message
    solver = parse(path.read_text(), SolverParameter).message
    assert (solver.type, solver.base_lr) == ("Adam", pytest.approx(0.1))
    assert not solver.HasField("solver_type")


def test_current_files_keep_their_comments(tmp_path: Path) -> None:
    text = SOLVER.replace("solver_type: ADAM", 'type: "Adam"')
    (tmp_path / "s").write_text(text)
    assert not upgrade_file(tmp_path / "s", tmp_path / "t").changed
    assert (tmp_path / "t").read_text() == text


def test_golden_files(tmp_path: Path) -> None:
    folder = shared("golden/snapshots")
    nets = {}
    for age in ("v0", "v1"):
        assert upgrade_file(folder / f"{age}.caffemodel", tmp_path / "w").kind == "weights"
        upgrade_file(folder / f"{age}.prototxt", tmp_path / age)
        nets[age] = parse((tmp_path / age).read_text(), NetParameter).message
    assert [layer.type for layer in nets["v0"].layer] == [
        "Input", "Convolution", "ReLU", "Pooling", "LRN", "InnerProduct", "Softmax",
    ]  # fmt: skip
    for net in nets.values():
        net.ClearField("name")
        net.ClearField("source")
        for layer in net.layer:
            layer.ClearField("source")
            if layer.type == "Convolution":  # only the older file has a filler
                layer.convolution_param.ClearField("weight_filler")
    assert nets["v0"] == nets["v1"]


def test_the_kind_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(SOLVER)
    assert upgrade_file(tmp_path / "s", tmp_path / "t", "solver").kind == "solver"
    with pytest.raises(NetError, match="must hold a net; 'net' belongs to a solver"):
        upgrade_file(tmp_path / "s", tmp_path / "t2", "net")
    with pytest.raises(NetError, match=r"damaged|no layers"):
        upgrade_file(tmp_path / "s", tmp_path / "t2", "weights")
    net = NetParameter(name="n")
    net.layers.add(name="r", type="RELU")
    (tmp_path / "b").write_bytes(net.SerializeToString())
    with pytest.raises(NetError, match="must hold a net as text; it holds binary data"):
        upgrade_file(tmp_path / "b", tmp_path / "t2", "net")
    assert not (tmp_path / "t2").exists()


def test_what_is_no_old_file(tmp_path: Path) -> None:
    with pytest.raises(NetError, match="not found"):
        upgrade_file(tmp_path / "none", tmp_path / "t")
    (tmp_path / "w.h5").write_bytes(b"\x89HDF\r\n\x1a\n and more")
    with pytest.raises(NetError, match="holds weights in HDF5, which have one age"):
        upgrade_file(tmp_path / "w.h5", tmp_path / "t")
    (tmp_path / "x").write_text("hello: 3")
    with pytest.raises(NetError, match=r"must hold a net .* or a solver"):
        upgrade_file(tmp_path / "x", tmp_path / "t")

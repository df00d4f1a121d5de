"""Fields set from the command line."""

from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.overrides import override, parse_assignment
from netcfg.schema import parse_solver

SOLVER = """
base_lr: 0.1 stepvalue: 3
net_param {
  layer { name: "data" type: "DummyData" top: "x" include { phase: TRAIN } }
  layer { name: "data" type: "DummyData" top: "x" include { phase: TEST } }
  layer { name: "a/3x3.b" type: "Convolution" bottom: "x" top: "y"
          convolution_param { num_output: 2 kernel_size: 3 } }
}
"""


@pytest.fixture
def solver() -> SolverParameter:
    return parse_solver(SOLVER, "s.prototxt").message


def test_solver_fields(solver: SolverParameter) -> None:
    override(
        solver,
        ["base_lr=0.5", "solver.type=Adam", "solver_mode=CPU", "stepvalue=10,20", "test_iter=[1]"],
    )
    assert (solver.base_lr, solver.type, solver.solver_mode) == (0.5, "Adam", SolverParameter.CPU)
    assert list(solver.stepvalue) == [10, 20]
    assert list(solver.test_iter) == [1]


def test_strings_need_no_quotes(solver: SolverParameter) -> None:
    override(solver, ['snapshot_prefix=a "b"\\c', "weights=a,b", "type='SGD'"])
    assert solver.snapshot_prefix == 'a "b"\\c'
    assert list(solver.weights) == ["a", "b"]
    assert solver.type == "SGD"


def test_the_last_one_counts_and_empty_clears(solver: SolverParameter) -> None:
    override(solver, ["base_lr=1", "base_lr=2", "stepvalue="])
    assert solver.base_lr == 2
    assert not solver.stepvalue


def test_layer_fields(solver: SolverParameter) -> None:
    layer = solver.net_param.layer[2]
    place = layer.source.line
    override(
        solver,
        [
            "net.layer[a/3x3.b].convolution_param.num_output=64",
            "layer[a/3x3.b].convolution_param.weight_filler={ type: 'xavier' }",
            "layer[a/3x3.b].param[1].lr_mult=2",
            "layer[a/3x3.b].convolution_param.kernel_size=3,5",
        ],
    )
    conv = layer.convolution_param
    assert (conv.num_output, list(conv.kernel_size)) == (64, [3, 5])
    assert conv.weight_filler.type == "xavier"
    assert [spec.lr_mult for spec in layer.param] == [1, 2]
    assert (layer.source.file, layer.source.line) == ("s.prototxt", place)


def test_all_layers_of_a_name(solver: SolverParameter) -> None:
    override(solver, ["layer[data].dummy_data_param.num=7"])
    assert [list(x.dummy_data_param.num) for x in solver.net_param.layer[:2]] == [[7], [7]]


def test_nets_in_files(tmp_path: Path) -> None:
    text = 'layer { name: "x" type: "Input" top: "x" } fancy: 1\n'
    for name in ("train", "test"):
        (tmp_path / f"{name}.prototxt").write_text(f'name: "{name}"\n{text}')
    source = str(tmp_path / "s.prototxt")
    text = 'train_net: "train.prototxt" test_net: "test.prototxt"'
    solver = parse_solver(text, source).message
    findings = override(solver, ["train_net.name=new", "layer[x].top=y"], ["other"])
    assert [finding.message.split()[2] for finding in findings] == ["'fancy'", "'fancy'"]
    assert solver.train_net_param.name == "new"
    assert solver.test_net_param[0].name == "test"
    assert list(solver.test_net_param[0].layer[0].top) == ["y"]
    assert not solver.HasField("train_net")
    assert not solver.test_net


def test_files_stay_files_where_only_the_solver_changes() -> None:
    solver = parse_solver('net: "missing.prototxt"', "s.prototxt").message
    override(solver, ["net=other.prototxt"])
    assert solver.net == "other.prototxt"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must look like FIELD=VALUE"),
        ("a.b", "must look like FIELD=VALUE"),
        ("base_lr.x=1", "'base_lr' holds a value and has no fields"),
        ("max_iter=1.5", "field 'max_iter' must be an integer"),
        ("max_iter=1 base_lr: 2", "field 'max_iter' takes one value"),
        ("solver_mode=CPUU", "did you mean 'CPU'"),
        ("net.layr[a].name=x", "NetParameter has no field 'layr'; did you mean 'layer'"),
        ("layer.name=x", r"there may be several 'layer'; say which: layer\[NAME\]"),
        ("layer[a].name=x", "no layer 'a'"),
        ("layer[data]=x", r"'layer\[data\]' needs a field after it"),
        ("layer[data].param.lr_mult=1", r"say which: param\[0\]"),
        ("layer[data].param[x].lr_mult=1", "must be a number, counted from 0"),
        ("layer[data].param[99].lr_mult=1", r"param\[99\]: there are 0"),
        ("layer[data].data_param[0].batch_size=1", "there is only one 'data_param'"),
        ("test_net.layer[data].name=x", "no layer 'data'|no such net"),
    ],
)
def test_refuses(solver: SolverParameter, text: str, words: str) -> None:
    with pytest.raises(NetError, match=words) as caught:
        override(solver, [text])
    assert str(caught.value).startswith(f"--set {text}: ")


def test_value_may_hold_equals_signs() -> None:
    assert parse_assignment("layer[a=b].name=c=d").value == "c=d"

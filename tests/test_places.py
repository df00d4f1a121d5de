"""Where layers and the fields of solvers stand."""

from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import LayerParameter, SolverParameter, Source
from netcfg.overrides import override
from netcfg.places import field_error, find_named, place, place_of, where
from netcfg.schema import parse_net, parse_solver

TEXT = """\
# A solver.
base_lr: 0.1  stepvalue: 3
lr_policy:
  "multistep"
  stepvalue: [5, 7]
net_param { layer { name: "a" type: "ReLU" } }
"""


@pytest.fixture
def solver() -> SolverParameter:
    return parse_solver(TEXT, "s.prototxt").message


def test_place_of_a_layer() -> None:
    config = LayerParameter(name="a", type="T", source=Source(file="n.prototxt", line=3, column=1))
    assert place(config.source) == "n.prototxt:3:1"
    assert where(config) == "n.prototxt:3:1: layer 'a' (T)"
    assert where(LayerParameter(name="a", type="T")) == "layer 'a' (T)"


@pytest.mark.parametrize(
    ("fields", "stands"),
    [
        (["base_lr"], "2:1"),
        (["stepvalue"], "2:15"),
        (["lr_policy"], "3:1"),
        (["net_param"], "6:1"),
        (["gamma", "lr_policy", "base_lr"], "3:1"),
        (["gamma", "power"], "1:1"),
        (["nothing"], "1:1"),
        ([], "1:1"),
    ],
)
def test_place_of_fields(solver: SolverParameter, fields: list[str], stands: str) -> None:
    assert place_of(solver, *fields) == f"s.prototxt:{stands}"
    assert str(field_error(solver, "so", *fields)) == f"s.prototxt:{stands}: so"


def test_fields_within_blocks_are_not_those_of_the_solver(solver: SolverParameter) -> None:
    names = [field.name for field in solver.source.field]
    assert names == ["base_lr", "stepvalue", "lr_policy", "net_param"]
    assert not solver.net_param.source.field
    assert not parse_net('name: "a"').message.source.field


def test_a_field_set_by_other_means_has_no_line(solver: SolverParameter) -> None:
    override(solver, ["lr_policy=step", "gamma=2", "train_state.level=1"])
    for field in ("lr_policy", "gamma", "train_state"):
        assert place_of(solver, field, "base_lr") == "s.prototxt"
    assert place_of(solver, "base_lr") == "s.prototxt:2:1"


def test_a_field_that_is_cleared_stands_nowhere(solver: SolverParameter) -> None:
    override(solver, ["stepvalue="])
    assert place_of(solver, "stepvalue", "lr_policy") == "s.prototxt:3:1"


def test_a_solver_made_in_code_has_no_place() -> None:
    solver = SolverParameter(base_lr=1)
    assert place_of(solver, "base_lr") == ""
    assert str(field_error(solver, "so", "base_lr")) == "so"


def test_a_named_file(solver: SolverParameter, tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").touch()
    near = str(tmp_path / "s.prototxt")
    assert find_named(solver, "lr_policy", "net.prototxt", near) == tmp_path / "net.prototxt"
    with pytest.raises(NetError, match=r"^s\.prototxt:3:1: file 'no\.prototxt' not found"):
        find_named(solver, "lr_policy", "no.prototxt", near)

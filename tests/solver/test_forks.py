"""Fields of forks that a solver does not implement."""

from pathlib import Path

import pytest

from netcfg.errors import NetError
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_solver
from netcfg.solver import Solver
from netcfg.solver.forks import IMPLEMENTED, check_forks

TEXT = 'base_lr: 1 lr_policy: "fixed" max_iter: 1'


def test_refusal_with_the_place_of_a_field() -> None:
    solver = parse_solver(f"{TEXT}\n larc: true\n min_lr: 0.1", "s.prototxt").message
    with pytest.raises(NetError) as caught:
        check_forks(solver)
    assert str(caught.value) == (
        "s.prototxt:3:2: field 'min_lr' (known from NVCaffe) and field 'larc' (known from NVCaffe) "
        "are not implemented by this solver; remove them, or pass them over with --ignore-field "
        "min_lr,larc"
    )


def test_solvers_made_in_code_have_no_place() -> None:
    with pytest.raises(NetError, match=r"^field 'stagelr' \(known from Intel Caffe\) is not"):
        check_forks(SolverParameter(stagelr=[1]))


@pytest.mark.parametrize(
    "fields",
    [
        "",
        "warmup_iter: 0 larc: false larc_policy: 'scale' larc_eta: 0.001",
        "eval_type: 'classification' show_per_class_result: false",
        "net_param { layer { type: 'Pooling' pooling_param { pad_l: 1 } } }",
    ],
)
def test_what_changes_nothing_or_is_for_layers_to_judge(fields: str) -> None:
    check_forks(parse_solver(f"{TEXT} {fields}").message)


def test_what_is_implemented_exists() -> None:
    assert set(IMPLEMENTED) <= {field.name for field in SolverParameter.DESCRIPTOR.fields}


def test_a_solver_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    path = tmp_path / "s.prototxt"
    path.write_text(f'{TEXT} net: "nowhere" eval_type: "detections"')
    with pytest.raises(NetError, match=r"s\.prototxt:1:58: eval_type must be one of class"):
        Solver(path)

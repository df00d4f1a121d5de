from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError, WeightsError
from netcfg.io.snapshot import State, read_state, write_snapshot
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_solver
from netcfg.solver.snapshots import _fits, prefix_of
from netcfg.solver.solver import Solver
from tests.solver.toy import make_project


@pytest.mark.parametrize(
    ("given", "file", "out", "want"),
    [
        ("run/net", "s.prototxt", None, "run/net"),
        ("run/net", "s.prototxt", "out", "out/net"),
        ("", "dir/lenet_solver.prototxt", None, "dir/lenet_solver"),
        ("", "dir/lenet_solver.prototxt", "out", "out/lenet_solver"),
        ("folder/", "dir/s.prototxt", None, "folder/s"),
        ("there", "dir/s.prototxt", None, "there/s"),
        ("", "", None, "solver"),
    ],
)
def test_prefix(
    given: str,
    file: str,
    out: str | None,
    want: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    param = SolverParameter(snapshot_prefix=given)
    assert prefix_of(param, file, out and Path(out)) == Path(want)  # type: ignore[arg-type]


def test_formats_that_cannot_be_written(tmp_path: Path) -> None:
    param = SolverParameter(snapshot_format=SolverParameter.HDF5)
    with pytest.raises(NetError, match="snapshot_format HDF5 cannot be written; use BINARYPROTO"):
        prefix_of(param, "s.prototxt", None)
    param = parse_solver("base_lr: 1\nsnapshot_format: HDF5", "s.prototxt").message
    with pytest.raises(NetError, match=r"^s\.prototxt:2:1: snapshot_format HDF5 cannot"):
        prefix_of(param, "s.prototxt", None)


def test_a_folder_that_cannot_be_written_is_noticed_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = make_project(tmp_path, f'snapshot_prefix: "{tmp_path}/file/snap" max_iter: 2')
    solver = Solver(path)
    with pytest.raises(NetError, match=r"cannot write snapshots '.*file/snap_iter_\*': "):
        solver.solve()
    assert solver.iter == 0
    path.write_text(path.read_text() + "snapshot_after_train: false")
    Solver(path).solve()


def snapshot(folder: Path, fields: str) -> Path:
    solver = Solver(make_project(folder, fields), out=folder)
    solver.step(2)
    return solver.snapshot()[1]


def untouched(solver: Solver, state: Path) -> str:
    """Return why a state is refused; the solver must be as it was."""
    before = solver.train_net.weights()
    with pytest.raises(WeightsError) as caught:
        solver.restore(state)
    after = solver.train_net.weights()
    assert solver.iter == 0
    assert all(
        np.array_equal(a, b) for k in before for a, b in zip(before[k], after[k], strict=True)
    )
    return str(caught.value)


def test_another_type_of_solver(tmp_path: Path) -> None:
    state = snapshot(tmp_path, 'type: "Adam"')
    solver = Solver(make_project(tmp_path, 'type: "SGD"'))
    message = untouched(solver, state)
    assert "was written by a solver of type Adam, this one is SGD" in message
    assert f"--weights '{state.with_suffix('.caffemodel')}'" in message


def test_another_type_of_solver_in_a_state_of_caffe(tmp_path: Path) -> None:
    state = read_state(snapshot(tmp_path, 'type: "Adam"'))
    state.solver_type = ""
    state.learned_net = ""
    path = write_snapshot(tmp_path / "caffe", state, "toy", [])[1]
    weights = Path(state.weights.path).read_bytes()
    path.with_suffix(".caffemodel").write_bytes(weights)
    rewrite_as_caffe(path, state)
    solver = Solver(make_project(tmp_path, 'type: "SGD"'))
    message = untouched(solver, path)
    assert "holds 14 history arrays, SGD keeps 7 for the 7 parameters of net 'toy'" in message
    assert "as many as AdaDelta or Adam keeps" in message


def rewrite_as_caffe(path: Path, state: State) -> None:
    """Write a state without netcfg's fields."""
    from netcfg.netcfg_pb2 import BlobProto, BlobShape, SolverState

    history = [
        BlobProto(shape=BlobShape(dim=h.shape), data=h.ravel().tolist()) for h in state.history
    ]
    name = path.with_suffix(".caffemodel").name
    message = SolverState(iter=state.iter, learned_net=name, history=history)
    path.write_bytes(message.SerializeToString())


def test_another_net(tmp_path: Path) -> None:
    state = snapshot(tmp_path, "")
    net = tmp_path / "net.prototxt"
    text = net.read_text()
    path = tmp_path / "solver.prototxt"
    net.write_text(text.replace("num_output: 3 kernel_size", "num_output: 4 kernel_size"))
    message = untouched(Solver(path), state)
    assert "history 0 has shape (3, 2, 3, 3), parameter 0 of net 'toy' (4, 2, 3, 3)" in message
    net.write_text(
        text.replace('layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }', "")
    )
    assert "holds 7 history arrays, SGD keeps 4" in untouched(Solver(path), state)
    net.write_text(text.replace('name: "ip"', 'name: "fc"'))
    assert "lacks the parameters of layer 'fc'" in untouched(Solver(path), state)


def test_state_keeps_what_the_run_needs(tmp_path: Path) -> None:
    state = read_state(snapshot(tmp_path, "random_seed: 77"))
    assert (state.iter, state.random_seed, state.solver_type) == (2, 77, "SGD")
    assert state.layers.keys() == {"train", "test0"}
    steps = {layer.layer: layer.step for layer in state.layers["train"]}
    assert steps["data"] == steps["drop"] == 2
    assert {layer.step for layer in state.layers["test0"]} == {2}  # test_iter batches at the start
    assert list(state.weights.types)[:2] == ["data", "conv"]
    assert len(state.weights["bn"]) == 3


@pytest.mark.parametrize(
    ("stored", "own", "fits"),
    [
        ((2, 3), (2, 3), True),
        ((1, 1, 2, 3), (2, 3), True),
        ((2, 3), (3, 2), False),
        ((2, 1, 2, 3), (2, 3), False),
        ((6,), (2, 3), False),
    ],
)
def test_shapes_of_old_histories(stored: tuple[int, ...], own: tuple[int, ...], fits: bool) -> None:
    assert _fits(stored, own) == fits

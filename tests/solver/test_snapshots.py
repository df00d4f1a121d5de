from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.errors import NetError, WeightsError
from netcfg.io.caffemodel import read_weights
from netcfg.io.snapshot import State, read_state, write_snapshot
from netcfg.netcfg_pb2 import NetParameter, SolverParameter
from netcfg.solver.snapshots import _fits, prefix_of
from netcfg.solver.solver import Solver
from tests.solver.toy import NET, make_project


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


SHARED = NET.replace(
    """layer { name: "ip" type""",
    """layer { name: "again" type: "InnerProduct" bottom: "conv" top: "other" param { name: "w" }
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "ip" param { name: "w" } type""",
)
"""The toy with a layer that owns its bias only."""


@pytest.mark.parametrize("net", [NET, SHARED], ids=["toy", "shared"])
def test_hdf5_snapshots_go_on_bit_for_bit(tmp_path: Path, net: str) -> None:
    path = make_project(tmp_path, "snapshot_format: HDF5 snapshot: 5 max_iter: 12", net)
    with Solver(path, out=tmp_path / "whole") as whole:
        whole.solve()
    assert sorted(file.name for file in (tmp_path / "whole").glob("snap*")) == [
        f"snap_iter_{i}.{kind}.h5" for i in (10, 12, 5) for kind in ("caffemodel", "solverstate")
    ]
    with Solver(path, out=tmp_path / "whole") as resumed:
        resumed.restore(tmp_path / "whole/snap_iter_5.solverstate.h5")
        assert resumed.iter == 5
        resumed.solve()
        for mine, theirs in zip(resumed.train_net.params, whole.train_net.params, strict=True):
            np.testing.assert_array_equal(mine.data, theirs.data)
        resumed.restore("auto")
        assert resumed.iter == 12


def test_either_format_may_be_gone_on_from(tmp_path: Path) -> None:
    states = [snapshot(tmp_path, f"snapshot_format: {kind}") for kind in ("HDF5", "BINARYPROTO")]
    assert [state.suffix for state in states] == [".h5", ".solverstate"]
    ends = []
    for state in states:
        with Solver(make_project(tmp_path)) as solver:
            solver.restore(state)
            solver.step(2)
            ends.append(solver.train_net.weights())
    for name, blobs in ends[0].items():
        for one, two in zip(blobs, ends[1][name], strict=True):
            np.testing.assert_array_equal(one, two)


def test_hdf5_weights_that_lack_a_layer(tmp_path: Path) -> None:
    state = snapshot(tmp_path, "snapshot_format: HDF5")
    net = tmp_path / "net.prototxt"
    net.write_text(net.read_text().replace('name: "ip"', 'name: "fc"'))
    message = untouched(Solver(tmp_path / "solver.prototxt"), state)
    assert "lacks the parameters of layer 'fc'" in message


@pytest.mark.parametrize("kind", ["HDF5", "BINARYPROTO"])
def test_gradients_in_snapshots(tmp_path: Path, kind: str) -> None:
    with Solver(
        make_project(tmp_path, f"snapshot_format: {kind} snapshot_diff: true"), out=tmp_path
    ) as solver:
        solver.step(2)
        before = solver.train_net.layer("ip").params[0].data.copy()
        solver.step(1)
        weights, state = solver.snapshot()
        step = before - solver.train_net.layer("ip").params[0].data
    assert read_state(state).iter == 3
    if kind == "HDF5":
        with h5py.File(weights) as file:
            stored = file["diff/ip/0"][()]
    else:
        net = NetParameter.FromString(weights.read_bytes())
        (layer,) = [layer for layer in net.layer if layer.name == "ip"]
        stored = np.array(layer.blobs[0].diff, np.float32).reshape(layer.blobs[0].shape.dim)
    np.testing.assert_array_equal(stored, step)
    assert (step != 0).any()


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


def test_weights_say_how_images_are_prepared(tmp_path: Path) -> None:
    data = "layer {{ name: 'd' type: 'DummyData' top: 'x' top: 't' include {{ phase: {} }} "
    data += "transform_param {{ {} }} dummy_data_param {{ shape {{ dim: [2, 3] }} "
    data += "shape {{ dim: [2, 1] }} }} }} "
    net = data.format("TRAIN", "scale: 1 mirror: true") + data.format("TEST", "scale: 0.25")
    net += "layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y' "
    net += "inner_product_param { num_output: 1 } } "
    net += "layer { name: 'l' type: 'EuclideanLoss' bottom: 'y' bottom: 't' }"
    (tmp_path / "net.prototxt").write_text(net)
    fields = f"net: '{tmp_path}/net.prototxt' base_lr: 1 lr_policy: 'fixed' random_seed: 1 "
    fields += f"snapshot_prefix: '{tmp_path}/x' "
    scales = []
    for tests in ("test_iter: 1 test_interval: 1", ""):
        (tmp_path / "solver.prototxt").write_text(fields + tests)
        with Solver(tmp_path / "solver.prototxt") as solver:
            preparation = read_weights(solver.snapshot()[0]).preparation
        assert preparation is not None
        assert not preparation.transform.HasField("mirror")
        scales.append(preparation.transform.scale)
    assert scales == [0.25, 1.0]

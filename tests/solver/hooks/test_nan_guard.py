from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.schema import parse_net, parse_solver
from netcfg.solver.hooks import NanGuard
from netcfg.solver.solver import Solver
from tests.solver.recorder import Recorder
from tests.solver.toy import make_project

NET = """
layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 2 dim: 3 }
        shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3
        weight_filler { type: "constant" value: 1 } } }
layer { name: "log" type: "Log" bottom: "y" top: "y" }
layer { name: "drop" type: "Dropout" bottom: "y" top: "y" }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
ADVICE = "lower base_lr, set clip_gradients, or look at the data"


def make(folder: Path, extra: str = "") -> Solver:
    text = f'base_lr: 0.001 lr_policy: "fixed" max_iter: 9 snapshot_prefix: "{folder}/s" {extra}'
    param = parse_solver(text).message
    param.net_param.CopyFrom(parse_net(NET, "net.prototxt").message)
    return Solver(param, hooks=[NanGuard()])


def batch(x: float) -> dict[str, np.ndarray]:
    return {"x": np.full((2, 3), x, np.float32), "t": np.ones((2, 3), np.float32)}


def failure(solver: Solver, *xs: float) -> str:
    values = iter(xs)
    solver.feed = lambda: batch(next(values))
    with pytest.raises(NetError) as caught:
        solver.step(len(xs))
    return str(caught.value)


def test_first_layer_and_blob_are_named(tmp_path: Path) -> None:
    # the logarithm of a negative sum, two iterations after the start
    message = failure(make(tmp_path), 1, 1, -1)
    assert message == (
        "net.prototxt:6:1: layer 'log' (Log): iteration 2: the loss is nan; blob 'y' of this "
        f"layer is the first that holds NaN: {ADVICE}"
    )


def test_bad_data_are_named(tmp_path: Path) -> None:
    message = failure(make(tmp_path), float("inf"))
    assert "layer 'in' (Input): iteration 0" in message
    assert "blob 'x' of this layer is the first that holds infinity:" in message


def test_the_pass_that_failed_is_found_among_several(tmp_path: Path) -> None:
    assert "layer 'log'" in failure(make(tmp_path, "iter_size: 3"), 1, -1, 1)


def test_weights_that_an_update_spoilt(tmp_path: Path) -> None:
    solver = make(tmp_path)
    solver.feed = lambda: batch(1)
    solver.step(2)
    solver.train_net.layer("ip").params[0].data[1, 2] = np.nan
    with pytest.raises(NetError, match=r"layer 'ip' .*because parameter 0 is not finite since the"):
        solver.step()


def test_no_snapshot_over_a_good_one(tmp_path: Path) -> None:
    solver = make(tmp_path)
    weights, _ = solver.snapshot()
    before = weights.read_bytes()
    solver.train_net.layer("ip").params[1].data[0] = np.inf
    with pytest.raises(NetError, match=r"layer 'ip' .*parameter 1 is not finite after 0 it"):
        solver.snapshot()
    assert weights.read_bytes() == before


def test_with_data_layers_the_same_batch_is_looked_at(tmp_path: Path) -> None:
    """Only one batch has the bad row; the repeated pass must read that one again."""
    import h5py

    path = make_project(tmp_path, "max_iter: 40 display: 0 base_lr: 0.001")
    with h5py.File(tmp_path / "rows.h5", "a") as file:
        file["data"][13, 1, 2, 3] = np.inf
    recorder = Recorder()
    solver = Solver(path, hooks=[NanGuard(), recorder], out=tmp_path)
    with pytest.raises(NetError, match=r"layer 'data' \(HDF5Data\): .*'data' .* holds infinity"):
        solver.solve()
    assert recorder.events[-1] == "stop failed"
    assert not recorder.states


def test_a_loss_that_comes_from_nowhere(tmp_path: Path) -> None:
    solver = make(tmp_path)
    solver.feed = lambda: batch(1)
    solver.step()
    solver.losses.append(float("nan"))
    with pytest.raises(NetError, match="although every blob is finite when the pass is repeated"):
        solver.hooks.emit("on_gradients", solver)


def test_good_training_is_left_alone(tmp_path: Path) -> None:
    path = make_project(tmp_path, "max_iter: 6")
    plain, guarded = Recorder(), Recorder()
    Solver(path, hooks=[plain], out=tmp_path / "a").solve()
    Solver(path, hooks=[NanGuard(), guarded], out=tmp_path / "b").solve()
    files = [(tmp_path / run / "snap_iter_6.caffemodel").read_bytes() for run in "ab"]
    assert files[0] == files[1]


def test_gradients_that_overflow_are_the_updaters_where_it_scales_losses(tmp_path: Path) -> None:
    solver = make(tmp_path)
    ip = solver.train_net.layer("ip")
    solver.losses.append(1.0)
    ip.params[0].diff[0] = np.inf
    with pytest.raises(NetError, match="a gradient of layer 'ip' is not finite"):
        NanGuard().on_gradients(solver)
    solver.updater.loss_scale = np.ones(1)
    NanGuard().on_gradients(solver)

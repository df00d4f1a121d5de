from pathlib import Path

import numpy as np
import pytest

import netcfg.pycaffe as caffe
from netcfg.errors import NetError
from netcfg.pycaffe import solver as module
from tests.pycaffe.nets import CONV, write

TEST_TOP = "layer { name: 'acc' type: 'Accuracy' bottom: 'ip_blob' bottom: 'label' top: 'acc' " + (
    "include { phase: TEST } }"
)


def make(folder: Path, text: str = "", kind: str = "SGD") -> caffe.Solver:
    file = write(folder, CONV + TEST_TOP)
    momentum = "momentum: 0.9" if kind in ("SGD", "Nesterov", "Adam", "AdaDelta") else ""
    return caffe.get_solver(
        write(
            folder,
            f"net: '{file}' type: '{kind}' base_lr: 0.01 {momentum} lr_policy: 'inv' power: 0.75 "
            f"gamma: 0.0001 max_iter: 6 test_iter: 2 test_interval: 4 snapshot: 3 display: 2 "
            f"snapshot_prefix: '{folder}/model' {text}",
            "solver.prototxt",
        )
    )


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setenv("GLOG_minloglevel", "2")


@pytest.mark.parametrize("kind", module.SOLVERS)
def test_each_rule_has_its_class(tmp_path, kind):
    solver = make(tmp_path, "delta: 1e-3", kind)
    assert type(solver) is getattr(caffe, f"{kind}Solver")
    before = solver.net.params["ip"][0].data.copy()
    solver.step(1)
    assert solver.iter == 1
    assert (solver.net.params["ip"][0].data != before).any()


def test_a_class_refuses_the_rule_of_another(tmp_path):
    make(tmp_path)
    with pytest.raises(NetError, match="type is SGD; use get_solver, or SGDSolver"):
        caffe.AdamSolver(str(tmp_path / "solver.prototxt"))


def test_solving(tmp_path):
    solver = make(tmp_path)
    assert solver.iter == 0
    assert solver.lr == pytest.approx(0.01)
    assert solver.param.max_iter == 6
    solver.solve()
    assert solver.iter == 6
    assert solver.lr < 0.01
    assert (tmp_path / "model_iter_3.solverstate").exists()


def test_test_nets_use_the_parameters_of_the_train_net(tmp_path):
    solver = make(tmp_path)
    (test,) = solver.test_nets
    solver.net.params["ip"][0].data[...] = 5
    assert (test.params["ip"][0].data == 5).all()
    assert "acc" in test.blobs
    assert "acc" not in solver.net.blobs
    assert test.forward()["acc"].shape == ()


def test_arrays_stay_live_through_steps_and_restores(tmp_path):
    solver = make(tmp_path)
    net = solver.net
    weight, loss, data = net.params["ip"][0].data, net.blobs["loss"].data, net.blobs["data"].data
    data[...] = 1
    solver.step(3)
    seen, stored = float(loss), weight.copy()
    assert seen == pytest.approx(solver.core.losses[-1])
    solver.step(2)
    assert (weight != stored).any()
    solver.restore(str(tmp_path / "model_iter_3.solverstate"))
    assert (solver.iter, solver.net) == (3, net)
    np.testing.assert_array_equal(weight, stored)
    assert net.params["ip"][0].data is weight
    assert net.blobs["loss"].data is loss


def test_a_state_of_another_seed_keeps_the_arrays_too(tmp_path):
    make(tmp_path, "random_seed: 1").step(3)
    solver = make(tmp_path, "random_seed: 2")
    weight, loss = solver.net.params["ip"][0].data, solver.net.blobs["loss"].data
    shared = solver.test_nets[0].params["ip"][0].data
    solver.restore(str(tmp_path / "model_iter_3.solverstate"))
    assert solver.core.seed == 1
    assert solver.net.params["ip"][0].data is weight
    np.testing.assert_array_equal(shared, weight)
    before = weight.copy()
    solver.step(1)
    assert (weight != before).any()
    assert loss == pytest.approx(solver.core.losses[-1])
    assert (solver.test_nets[0].params["ip"][0].data == weight).all()


def test_resuming_equals_going_on(tmp_path):
    one = make(tmp_path)
    one.step(5)
    two = make(tmp_path)
    two.solve(str(tmp_path / "model_iter_3.solverstate"))
    one.step(1)
    np.testing.assert_array_equal(one.net.params["ip"][0].data, two.net.params["ip"][0].data)


def test_snapshot(tmp_path):
    solver = make(tmp_path)
    solver.step(1)
    solver.net.params["ip"][1].data[...] = 9
    solver.snapshot()
    net = caffe.Net(
        str(tmp_path / "net.prototxt"), str(tmp_path / "model_iter_1.caffemodel"), caffe.TEST
    )
    assert (net.params["ip"][1].data == 9).all()


def test_after_a_step_diff_is_the_update(tmp_path):
    solver = make(tmp_path)
    weight = solver.net.params["ip"][0]
    for _ in range(3):  # with momentum it differs from the gradient from the second on
        before = weight.data.copy()
        solver.step(1)
        np.testing.assert_allclose(weight.diff, before - weight.data, rtol=1e-3, atol=1e-7)
        assert np.abs(weight.diff).max() > 1e-4


def test_an_update_by_hand(tmp_path):
    solver = make(tmp_path)
    solver.net.forward()
    solver.net.clear_param_diffs()
    bias = solver.net.params["ip"][1]
    bias.diff[...] = 1
    solver.apply_update()
    np.testing.assert_allclose(bias.data, -3.01, rtol=1e-6)
    assert solver.iter == 0


def test_callbacks(tmp_path):
    solver = make(tmp_path)
    calls: list[str] = []
    solver.add_callback(lambda: calls.append("start"), lambda: calls.append("gradients"))
    solver.add_callback(lambda: calls.append("again"))
    solver.step(2)
    assert calls == ["start", "again", "gradients"] * 2


def test_weights_shared_with_another_net(tmp_path):
    solver = make(tmp_path)
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    solver.share_weights(net)
    solver.step(1)
    np.testing.assert_array_equal(net.params["ip"][0].data, solver.net.params["ip"][0].data)


def test_the_log_is_caffes(tmp_path, monkeypatch, capsys):
    make(tmp_path).step(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("GLOG_minloglevel", "0")
    make(tmp_path).step(1)
    assert "sgd_solver.cpp:105] Iteration 0, lr = 0.01" in capsys.readouterr().err


def test_snapshots_in_hdf5(tmp_path):
    one = make(tmp_path, "snapshot_format: HDF5 random_seed: 4")
    one.step(5)
    two = make(tmp_path, "snapshot_format: HDF5 random_seed: 9")
    two.restore(str(tmp_path / "model_iter_3.solverstate.h5"))
    two.step(2)
    np.testing.assert_array_equal(one.net.params["ip"][0].data, two.net.params["ip"][0].data)


def test_debug_info(tmp_path, monkeypatch, capsys):
    solver = make(tmp_path, "debug_info: true")
    monkeypatch.delenv("GLOG_minloglevel")
    solver.step(1)
    lines = capsys.readouterr().err.splitlines()
    mean = np.abs(solver.net.blobs["conv"].data).mean()
    assert any(
        line.endswith(f"net.cpp:593]     [Forward] Layer conv, top blob conv data: {mean:g}")
        for line in lines
    )
    assert any("net.cpp:593]     [Update] Layer ip, param 1 data: 3; diff: " in x for x in lines)

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.errors import NetError, WeightsError
from netcfg.io.caffemodel import read_weights
from netcfg.io.snapshot import read_state
from netcfg.netcfg_pb2 import SolverParameter
from netcfg.schema import parse_net, parse_solver, read_solver
from netcfg.solver import Solver
from netcfg.solver.hooks import Hook, Progress
from tests.shared import SHARED, shared
from tests.solver.recorder import Recorder
from tests.solver.toy import LINEAR, make_project

TOLERANCE = 20e-4
"""Of losses after twenty iterations, as the golden numbers are compared."""


def golden(file: str) -> Mapping[str, Any]:
    path = SHARED / "golden" / file
    if not path.exists():
        return {}
    with np.load(path) as data:
        return dict(data)


TRAJECTORIES = golden("solvers.npz")
RESUMED = golden("snapshots/expected.npz")
NAMES = [key.removesuffix("/meta") for key in TRAJECTORIES if key.endswith("/meta")]


def make(net: str, text: str, **options: Any) -> Solver:
    param = parse_solver(text).message
    param.net_param.CopyFrom(parse_net(net).message)
    return Solver(param, **options)


def losses(solver: Solver, data: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Make an iteration with each batch; return the two losses of each."""
    result = []
    for x, y in zip(data, labels, strict=True):
        solver.feed = lambda x=x, y=y: {"data": x, "label": y}
        solver.step()
        result.append([float(solver.train_net.blobs[name]) for name in ("loss", "l2")])
    return np.array(result)


# As Caffe trains -------------------------------------------------------------------------------


def test_the_trajectories_are_there() -> None:
    shared("golden/solvers.npz")
    assert len(NAMES) == 14


@pytest.mark.parametrize("name", NAMES)
def test_trajectory_of_caffe(name: str) -> None:
    z = TRAJECTORIES
    meta = json.loads(str(z[f"{name}/meta"]))
    base = meta["base"].replace(
        "base_lr: 0.02 ", "" if "base_lr" in meta["solver"] else "base_lr: 0.02 "
    )
    solver = make(meta["net"], base + meta["solver"])

    def params(which: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for key in z:
            if key.startswith(f"{name}/{which}/"):
                layer, index = key.split("/", 2)[2].rsplit(".", 1)
                yield solver.train_net.layer(layer).params[int(index)].data, z[key]

    for mine, start in params("start"):
        mine[...] = start
    assert np.abs(losses(solver, z["data"], z["label"]) - z[f"{name}/losses"]).max() < TOLERANCE
    for mine, end in params("end"):
        assert np.abs(mine - end).max() < TOLERANCE * max(1, np.abs(end).max())


KINDS = {
    "sgd": 'type: "SGD" base_lr: 0.02 momentum: 0.9 weight_decay: 0.004 lr_policy: "multistep" '
    "gamma: 0.5 stepvalue: 4 stepvalue: 12",
    "adam": 'type: "Adam" momentum: 0.9 base_lr: 0.003 lr_policy: "fixed"',
    "adadelta": 'type: "AdaDelta" momentum: 0.95 delta: 1e-6 base_lr: 1 lr_policy: "fixed"',
}


@pytest.mark.parametrize("kind", KINDS)
def test_snapshot_of_caffe_goes_on_as_in_caffe(kind: str) -> None:
    path = shared(f"golden/snapshots/{kind}_binaryproto/s_iter_10.solverstate")
    net = json.loads(str(TRAJECTORIES["sgd_fixed/meta"]))["net"]
    solver = make(net, KINDS[kind] + " random_seed: 3 max_iter: 40")
    solver.restore(path)
    assert solver.iter == 10
    got = losses(solver, RESUMED["data"][10:], RESUMED["label"][10:])
    assert np.abs(got - RESUMED[f"{kind}_binaryproto"]).max() < TOLERANCE


# The loop --------------------------------------------------------------------------------------


def run(path: Path, **options: Any) -> tuple[Solver, Recorder]:
    recorder = Recorder()
    solver = Solver(path, hooks=[recorder], **options)
    with solver:
        solver.solve()
    return solver, recorder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_order_of_events(project: Path) -> None:
    path = make_project(project, "max_iter: 4 display: 2 test_interval: 2 snapshot: 3")
    _, recorder = run(path)
    assert recorder.events == [
        "start 0",
        *("test start 0", "test 0 at 0", "forward 0", "gradients 0", "display 0", "iteration 1"),
        *("forward 1", "gradients 1", "iteration 2"),
        *("test start 0", "test 0 at 2", "forward 2", "gradients 2", "display 2", "iteration 3"),
        *("snapshot 3", "forward 3", "gradients 3", "iteration 4", "snapshot 4"),
        *("display 4 final", "test start 0", "test 0 at 4", "stop done"),
    ]


@pytest.mark.parametrize(
    ("fields", "absent"),
    [
        ("test_initialization: false", "test 0 at 0"),
        ("snapshot_after_train: false", "snapshot 4"),
        ("display: 0", "display 0"),
        ("display: 3", "display 4 final"),
        ("test_interval: 3", "test 0 at 4"),
    ],
)
def test_events_that_settings_leave_out(project: Path, fields: str, absent: str) -> None:
    given = f"max_iter: 4 {fields}"
    for name, value in (("display", 2), ("test_interval", 2)):
        given += "" if name in fields else f" {name}: {value}"
    _, recorder = run(make_project(project, given))
    assert absent not in recorder.events
    assert "iteration 4" in recorder.events


def test_no_second_snapshot_at_the_end(project: Path) -> None:
    _, recorder = run(make_project(project, "max_iter: 4 snapshot: 2"))
    assert [e for e in recorder.events if e.startswith("snapshot")] == ["snapshot 2", "snapshot 4"]


def test_displayed_loss_is_the_mean_of_the_last_ones(project: Path) -> None:
    class Losses(Hook):
        def __init__(self) -> None:
            self.single: list[float] = []

        def on_gradients(self, solver: Solver) -> None:
            self.single.append(solver.train_net.loss)

    single, recorder = Losses(), Recorder()
    path = make_project(project, "max_iter: 6 display: 1 average_loss: 3")
    Solver(path, hooks=[single, recorder]).solve()
    for i, shown in enumerate(recorder.shown[:6]):
        assert shown.loss == pytest.approx(np.mean(single.single[max(0, i - 2) : i + 1]))


def test_loss_of_the_result_is_shown_at_the_end(project: Path) -> None:
    path = make_project(project, "max_iter: 3 display: 3 average_loss: 1")
    solver, recorder = run(path)
    assert recorder.shown[-1].final
    assert recorder.shown[-1].loss == solver.train_net.loss


def test_progress(project: Path) -> None:
    path = make_project(project, "max_iter: 8 display: 3 iter_size: 2 base_lr: 0.5")
    _, recorder = run(path)
    assert [p.iteration for p in recorder.shown] == [0, 3, 6]
    assert [p.iterations for p in recorder.shown] == [0, 3, 3]
    assert [p.lr for p in recorder.shown] == [0.5, 0.5, 0.5]
    assert list(recorder.shown[0].outputs) == ["loss"]
    last = recorder.shown[-1]
    assert last.images_per_second == pytest.approx(3 * 4 * 2 / last.seconds)


def test_learning_rate_of_the_update(project: Path) -> None:
    """The rate shown at iteration i is the one of the update from i to i + 1."""
    solver = make(LINEAR, 'base_lr: 0.5 lr_policy: "step" gamma: 0.1 stepsize: 1 weight_decay: 0')
    data = {"x": np.ones((4, 2), np.float32), "t": np.zeros((4, 1), np.float32)}
    solver.feed = lambda: data
    bias = solver.train_net.layer("ip").params[1]
    # y = 0.5 + 0.5 + 1, loss = Σ y² / 2 / 4, so ∂loss/∂bias = y = 2; its lr_mult is 2
    solver.step()
    assert bias.data[0] == pytest.approx(1 - 0.5 * 2 * 2)
    assert solver.lr == pytest.approx(0.05)


def test_iter_size_averages_gradients_and_losses(project: Path) -> None:
    text = 'base_lr: 0.5 lr_policy: "fixed" display: 1 iter_size: 2'
    recorder = Recorder()
    solver = make(LINEAR, text, hooks=[recorder])
    batches = iter([1.0, 3.0])

    def feed() -> dict[str, np.ndarray]:
        x = np.full((4, 2), next(batches), np.float32)
        return {"x": x, "t": np.zeros((4, 1), np.float32)}

    solver.feed = feed
    solver.step()
    # y = x + 1 is 2, then 4
    assert recorder.shown[0].loss == pytest.approx((2**2 / 2 + 4**2 / 2) / 2)
    weight, bias = (p.data for p in solver.train_net.layer("ip").params)
    assert bias[0] == pytest.approx(1 - 0.5 * 2 * (2 + 4) / 2)
    assert weight.ravel() == pytest.approx(0.5 - 0.5 * (2 * 1 + 4 * 3) / 2)


def test_scores_are_means_over_batches(project: Path) -> None:
    path = make_project(project, "test_iter: 3 test_compute_loss: true")
    solver = Solver(path)
    scores = solver.test()
    assert scores is not None
    again = Solver(path)
    outputs = [again.test_nets[0].forward() for _ in range(3)]
    for name in ("accuracy", "loss"):
        want = np.mean([o[name] for o in outputs])
        assert scores.outputs[name] == pytest.approx(want)
    assert scores.loss == pytest.approx(np.mean([o["loss"] for o in outputs]))


def test_test_net_has_the_weights_of_the_train_net(project: Path) -> None:
    solver = Solver(make_project(project))
    solver.step(3)
    mine, theirs = solver.train_net.weights(), solver.test_nets[0].weights()
    assert all(np.array_equal(a, b) for k in mine for a, b in zip(mine[k], theirs[k], strict=True))


def test_step_returns_where_a_stop_is_requested(project: Path) -> None:
    solver = Solver(make_project(project))
    solver.request("stop")
    solver.step(5)
    assert solver.iter == 0  # the test before the first iteration has seen it
    solver.step(5)
    assert solver.iter == 5


# Snapshots and resuming ------------------------------------------------------------------------

RULES = {
    "SGD": "",
    "Nesterov": "",
    "AdaGrad": "momentum: 0",
    "RMSProp": "momentum: 0",
    "AdaDelta": "base_lr: 1",
    "Adam": "base_lr: 0.01 iter_size: 2 clip_gradients: 1",
}


def numbers(recorder: Recorder) -> tuple[Any, ...]:
    """Return all that a run showed, but for times."""
    shown = [(p.iteration, p.loss, p.lr) for p in recorder.shown]
    scores = [(s.iteration, *(float(v) for v in s.outputs.values())) for s in recorder.scores]
    return shown, scores


@pytest.mark.parametrize("rule", RULES)
def test_resumed_run_is_the_uninterrupted_one_bit_for_bit(project: Path, rule: str) -> None:
    path = make_project(project, f'type: "{rule}" display: 1 random_seed: -1 {RULES[rule]}')
    first, whole = Solver(path, out="whole"), Recorder()
    Solver(path, out="whole", seed=first.seed, hooks=[whole]).solve()

    before = Recorder()
    solver = Solver(path, out="parts", seed=first.seed, hooks=[before])
    # in the middle of the window of losses, of an epoch, and between two tests
    solver.step(8)
    solver.snapshot()
    solver.step(3)  # what a killed run did after its last snapshot counts for nothing

    after = Recorder()
    resumed = Solver(path, out="parts", hooks=[after])
    resumed.restore(before.states[0])
    assert resumed.seed == first.seed
    resumed.solve()
    weights = [Path(run, "snap_iter_20.caffemodel").read_bytes() for run in ("whole", "parts")]
    assert weights[0] == weights[1]
    shown, scores = numbers(whole)
    assert numbers(after) == (shown[8:], [s for s in scores if s[0] >= 8])
    ends = [read_state(Path(run, "snap_iter_20.solverstate")) for run in ("whole", "parts")]
    for a, b in zip(ends[0].history, ends[1].history, strict=True):
        assert a.tobytes() == b.tobytes()
    assert ends[0].losses == ends[1].losses


def test_snapshot_auto(project: Path) -> None:
    path = make_project(project, "max_iter: 9 snapshot: 3")
    run(path)
    newest = project / "snap_iter_9.solverstate"
    newest.write_bytes(newest.read_bytes()[:50])
    recorder = Recorder()
    solver = Solver(path, hooks=[recorder])
    solver.restore("auto")
    assert solver.iter == 6
    assert len([line for line in recorder.lines if "snap_iter_9.solverstate" in line]) == 1


def test_snapshot_auto_without_snapshots(project: Path) -> None:
    recorder = Recorder()
    solver = Solver(make_project(project), hooks=[recorder])
    solver.restore("auto")
    assert solver.iter == 0
    assert any("no snapshot 'snap_iter_*' to go on from" in line for line in recorder.lines)


def test_nothing_is_done_twice_after_the_last_iteration(project: Path) -> None:
    path = make_project(project, "max_iter: 4 test_interval: 3 display: 3")
    _, first = run(path)
    recorder = Recorder()
    solver = Solver(path, hooks=[recorder])
    solver.restore(first.states[-1])
    solver.solve()
    assert recorder.events == ["restore 4", "start 4", "stop done"]


# Requests --------------------------------------------------------------------------------------


class At(Hook):
    """Asks for something when an iteration is done, or in the middle of a test."""

    def __init__(self, action: Any, iteration: int, in_test: bool = False) -> None:
        self.action, self.iteration, self.in_test = action, iteration, in_test

    def on_iteration(self, solver: Solver) -> None:
        if solver.iter == self.iteration and not self.in_test:
            solver.request(self.action)

    def on_test_start(self, solver: Solver, index: int) -> None:
        hooks = solver.test_nets[index].after_forward
        if solver.iter == self.iteration and self.in_test:
            hooks.append(lambda i: solver.request(self.action) if i == 0 else None)
        else:
            hooks.clear()


def test_stop_takes_a_snapshot_and_nothing_more(project: Path) -> None:
    path = make_project(project, "snapshot_after_train: false display: 1 test_interval: 1")
    recorder = Recorder()
    Solver(path, hooks=[At("stop", 3), recorder]).solve()
    assert recorder.events[-3:] == ["iteration 3", "snapshot 3", "stop stopped"]


@pytest.mark.parametrize("action", ["stop", "snapshot"])
def test_request_during_a_test_changes_no_number(project: Path, action: str) -> None:
    path = make_project(project, "display: 1")
    _, whole = run(path, out="whole")
    first, after = Recorder(), Recorder()
    with Solver(path, out="parts", hooks=[At(action, 12, in_test=True), first]) as solver:
        solver.solve()
    state = project / "parts/snap_iter_12.solverstate"
    assert (solver.iter == 12) == (action == "stop")
    resumed = Solver(path, out="parts", hooks=[after])
    resumed.restore(state)
    resumed.solve()
    shown, scores = numbers(whole)
    assert numbers(after) == (shown[12:], [s for s in scores if s[0] >= 12])


def test_interrupted_and_failed_runs_say_so(project: Path) -> None:
    class Bad(Hook):
        def __init__(self, error: BaseException) -> None:
            self.error = error

        def on_gradients(self, solver: Solver) -> None:
            raise self.error

    for error, reason in [(KeyboardInterrupt(), "interrupted"), (NetError("x"), "failed")]:
        recorder = Recorder()
        solver = Solver(make_project(project), hooks=[Bad(error), recorder])
        with pytest.raises(type(error)):
            solver.solve()
        assert recorder.events[-1] == f"stop {reason}"
        assert not recorder.states


# Options ---------------------------------------------------------------------------------------


def test_drawn_seed_is_said_and_repeats_the_run(project: Path) -> None:
    path = make_project(project, "random_seed: -1 max_iter: 3")
    solver, recorder = run(path, out="a")
    (line,) = [line for line in recorder.lines if line.startswith("random_seed:")]
    assert line == f"random_seed: {solver.seed} (drawn; give it to the solver to repeat this run)"
    run(path, out="b", seed=solver.seed)
    other, _ = run(path, out="c")
    files = [Path(run, "snap_iter_3.caffemodel").read_bytes() for run in "abc"]
    assert files[0] == files[1] != files[2]
    assert other.seed != solver.seed


def test_given_seed_is_used(project: Path) -> None:
    path = make_project(project)
    assert Solver(path).seed == 5
    assert Solver(path, seed=7).seed == 7


def test_weights_are_reported_layer_by_layer(project: Path) -> None:
    path = make_project(project, "max_iter: 2")
    run(path)
    (project / "net.prototxt").write_text(
        (project / "net.prototxt").read_text().replace('"ip"', '"fc"')
    )
    recorder = Recorder()
    solver = Solver(path, weights=["snap_iter_2.caffemodel"], hooks=[recorder])
    assert recorder.lines == [
        "weights 'snap_iter_2.caffemodel': 2 layers taken, 1 keep their initial values",
        "  conv: taken, (3, 2, 3, 3), (3,)",
        "  bn: taken, (3,), (3,), (1,)",
        "  fc: not in the file, keeps its initial values",
        "  ip: only in the file, not used",
    ]
    want = read_weights("snap_iter_2.caffemodel")["conv"][0]
    assert np.array_equal(solver.train_net.layer("conv").params[0].data, want)
    assert solver.iter == 0


def test_weights_of_the_solver_file_and_of_the_caller(project: Path) -> None:
    path = make_project(project, "max_iter: 2 snapshot: 1")
    run(path)
    path.write_text(path.read_text() + 'weights: "snap_iter_1.caffemodel,snap_iter_2.caffemodel"')
    recorder = Recorder()
    Solver(path, hooks=[recorder])
    assert len([x for x in recorder.lines if x.startswith("weights '")]) == 2
    recorder = Recorder()
    Solver(path, hooks=[recorder], weights=["snap_iter_1.caffemodel"])
    assert [x for x in recorder.lines if x.startswith("weights '")] == [
        "weights 'snap_iter_1.caffemodel': 3 layers taken, 0 keep their initial values"
    ]


def test_weights_of_another_net(project: Path) -> None:
    path = make_project(project, "max_iter: 1")
    run(path)
    (project / "net.prototxt").write_text(
        (project / "net.prototxt")
        .read_text()
        .replace('name: "conv"', 'name: "conv1"')
        .replace('name: "bn"', 'name: "bn1"')
        .replace('name: "ip"', 'name: "ip1"')
    )
    with pytest.raises(WeightsError, match=r"holds none of the layers of net 'toy' .*did you mean"):
        Solver(path, weights=["snap_iter_1.caffemodel"])


def test_ignored_mismatch(project: Path) -> None:
    path = make_project(project, "max_iter: 1")
    run(path)
    net = project / "net.prototxt"
    net.write_text(
        net.read_text().replace("num_output: 3 kernel_size", "num_output: 4 kernel_size")
    )
    with pytest.raises(WeightsError, match=r"layer 'conv' .*parameter 0 has shape \(4, 2, 3, 3\)"):
        Solver(path, weights=["snap_iter_1.caffemodel"])
    recorder = Recorder()
    Solver(
        path,
        weights=["snap_iter_1.caffemodel"],
        ignore_mismatch=["conv", "bn", "ip"],
        hooks=[recorder],
    )
    assert "  conv: does not fit and is passed over as asked" in recorder.lines


def test_gpu_mode_without_a_gpu(project: Path) -> None:
    path = make_project(project, "solver_mode: GPU")
    recorder = Recorder()
    Solver(path, hooks=[recorder])
    said = "solver_mode is GPU, but no GPU engine is in use"
    (line,) = recorder.lines
    assert line.startswith(f"{said} (engine cuda ")
    assert line.endswith("); training on the CPU")
    with pytest.raises(NetError, match=said):
        Solver(path, strict=True)


def test_a_message_is_not_changed(project: Path) -> None:
    param = parse_solver(make_project(project).read_text()).message
    before = SolverParameter()
    before.CopyFrom(param)
    Solver(param, level=2, stages=["a"])
    assert param == before


def test_level_and_stages_choose_layers_of_the_train_net(project: Path) -> None:
    net = make_project(project).with_name("net.prototxt")
    for name, rule in [("deep", "min_level: 2"), ("wide", 'stage: "wide"')]:
        layer = f'layer {{ name: "{name}" type: "Silence" bottom: "ip" include {{ {rule} }} }}'
        net.write_text(net.read_text() + layer)

    def extra(**options: Any) -> list[str]:
        solver = Solver("solver.prototxt", **options)
        assert {"deep", "wide"}.isdisjoint(x.name for x in solver.test_nets[0].layers)
        return [x.name for x in solver.train_net.layers if x.name in ("deep", "wide")]

    assert extra() == []
    assert extra(level=2) == ["deep"]
    assert extra(level=1, stages=["wide"]) == ["wide"]


def test_max_iter_is_needed(project: Path) -> None:
    solver = make(LINEAR, 'base_lr: 1 lr_policy: "fixed"')
    with pytest.raises(NetError, match="max_iter is missing"):
        solver.solve()


def test_a_solver_from_code_or_file_says_the_same_of_a_field(project: Path) -> None:
    path = make_project(project, 'lr_policy: "steps"')
    said = f"{path}:2:1: unknown lr_policy 'steps'"
    for source in (path, str(path), read_solver(path).message):
        with pytest.raises(NetError, match=f"^{re.escape(said)}"):
            Solver(source)


def test_the_place_of_a_mode_that_is_not_to_be_had(project: Path) -> None:
    path = make_project(project, "solver_mode: GPU")
    with pytest.raises(NetError, match=rf"^{re.escape(str(path))}:2:1: solver_mode is GPU"):
        Solver(path, engine=Engine(), strict=True)


def test_no_batches_give_no_scores(project: Path) -> None:
    solver = Solver(make_project(project, "test_iter: 0 test_compute_loss: true"))
    scores = solver.test()
    assert scores is not None
    assert (scores.outputs, scores.loss) == ({}, 0)


def test_numbers_of_a_run_are_finite(project: Path) -> None:
    _, recorder = run(make_project(project))
    assert all(math.isfinite(p.loss) for p in recorder.shown)
    assert isinstance(recorder.shown[0], Progress)

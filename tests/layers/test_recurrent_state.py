"""The state of RNN and LSTM between passes, and training that needs it."""

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.io.caffemodel import read_weights
from netcfg.net import Net
from netcfg.solver.solver import Solver
from netcfg.testing import spaced
from netcfg.types import Phase
from tests.layers.test_recurrent import KINDS, STATES, build, naive, text


def sequence(T: int, N: int = 2, *, begin: bool = False) -> list[np.ndarray]:
    cont = np.ones((T, N))
    cont[0] = not begin
    return [spaced((T, N, 4), np.random.default_rng(T)), cont]


@KINDS
def test_a_pass_goes_on_where_the_last_one_stopped(kind: str) -> None:
    x, cont = sequence(7)
    layer = build(text(kind), [x, cont])
    (whole,) = layer.forward(x, cont)
    layer = build(text(kind), [x[:4], cont[:4]])
    parts = [layer.forward(x[:4], cont[:4])[0]]
    layer.reshape((3, 2, 4), (3, 2))  # T may change
    parts.append(layer.forward(x[4:], cont[4:])[0])
    np.testing.assert_allclose(np.concatenate(parts), whole)
    (again,) = layer.forward(x[:4], cont[:4])
    assert not np.allclose(again, parts[0])
    begins = np.array([[0.0, 1.0], *cont[1:4]])
    (again,) = layer.forward(x[:4], begins)
    np.testing.assert_allclose(again[:, 0], parts[0][:, 0])
    assert not np.allclose(again[:, 1], parts[0][:, 1])


@KINDS
def test_gradients_do_not_reach_into_the_last_pass(kind: str) -> None:
    x, cont = sequence(3)
    layer = build(text(kind), [x, cont])
    layer.forward(x, cont)
    first = [h[None].copy() for h in layer.state().values()]
    dy = np.random.default_rng(1).normal(size=(3, 2, 3))
    layer.forward(x, cont)
    dx, _ = layer.backward(dy)
    shown = build(text(kind, "expose_hidden: true"), [x, cont, *first])
    shown.forward(x, cont, *first)
    np.testing.assert_allclose(dx, shown.backward(dy, *first)[0])
    for param, other in zip(layer.params, shown.params, strict=True):
        assert param.diff.any()
        np.testing.assert_allclose(param.diff, other.diff)


@KINDS
def test_the_state_of_another_number_of_sequences_is_forgotten(kind: str) -> None:
    layer = build(text(kind), sequence(3))
    layer.forward(*sequence(3))
    x, cont = sequence(3, N=5)
    layer.reshape(x.shape, cont.shape)
    np.testing.assert_allclose(layer.forward(x, cont)[0], naive(layer, [x, cont])[0])
    assert {h.shape for h in layer.state().values()} == {(5, 3)}


@KINDS
def test_state_and_restore(kind: str) -> None:
    xs = sequence(3)
    layer = build(text(kind), xs)
    assert layer.state() == {}
    (fresh,) = layer.forward(*xs)
    state = layer.state()
    assert list(state) == ["h", "c"][: STATES[kind]]
    copies = {name: value.copy() for name, value in state.items()}
    (second,) = layer.forward(*xs)
    for name, value in layer.state().items():
        assert value is state[name], "recorded passes go on where it was"
        assert value.shape == (2, 3)
        assert not np.allclose(value, copies[name])
    other = build(text(kind), xs)
    other.restore(1, copies)
    assert other.step == 1
    assert np.array_equal(other.forward(*xs)[0], second)
    other.restore(0, {})
    assert np.array_equal(other.forward(*xs)[0], fresh)


@KINDS
def test_nothing_is_kept_where_states_are_shown(kind: str) -> None:
    x, cont = sequence(3)
    xs = [x, cont, *[np.full((1, 2, 3), 0.5)] * STATES[kind]]
    layer = build(text(kind, "expose_hidden: true"), xs)
    first, second = layer.forward(*xs), layer.forward(*xs)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert layer.state() == {}
    for h in first[1:]:
        assert not np.shares_memory(h, first[0]), "a view would keep all steps alive"


NET = """
layer {{ name: "data" type: "HDF5Data" top: "x" top: "cont" top: "label"
         hdf5_data_param {{ source: "{source}" batch_size: {steps} }} }}
layer {{ name: "memory" type: "{kind}" bottom: "x" bottom: "cont" top: "h"
         recurrent_param {{ num_output: 8
             weight_filler {{ type: "uniform" min: -0.4 max: 0.4 }} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "h" top: "ip" inner_product_param {{ num_output: 2
         axis: 2 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss"
         softmax_param {{ axis: 2 }} }}
"""


def first_sign(folder: Path, kind: str, steps: int) -> Path:
    """Write sequences of 6 numbers, each step labelled with the sign of the sequence's first."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 6, 16, 1))
    cont, label = np.ones((2, 12, 6, 16))
    cont[:, 0] = 0
    label[...] = x[:, :1, :, 0] > 0
    with h5py.File(folder / "a.h5", "w") as file:
        for name, values in (("x", x), ("cont", cont), ("label", label)):
            file[name] = values.reshape(72, 16, *values.shape[3:]).astype("f4")
    (folder / "list.txt").write_text(str(folder / "a.h5"))
    net = folder / "net.prototxt"
    net.write_text(NET.format(source=folder / "list.txt", kind=kind, steps=steps))
    path = folder / "solver.prototxt"
    path.write_text(
        f'net: "{net}" type: "Adam" base_lr: 0.02 lr_policy: "fixed" display: 0 random_seed: 3 '
        f'momentum: 0.9 max_iter: 150 snapshot_prefix: "{folder}/snap"'
    )
    return path


@pytest.mark.parametrize(("kind", "steps"), [("RNN", 6), ("LSTM", 6), ("LSTM", 3)])
def test_training_learns_to_remember(kind: str, steps: int, tmp_path: Path) -> None:
    solver = Solver(first_sign(tmp_path, kind, steps))
    net = solver.train_net

    def mean_loss() -> float:
        total = 0.0
        for _ in range(72 // steps):
            net.forward()
            total += net.loss / (72 // steps)
        return total

    assert mean_loss() == pytest.approx(math.log(2), abs=0.1)
    solver.step(150)
    # One who forgets is right at 1 step of 6, one who is reset between passes at 3 of 6.
    assert mean_loss() < 0.2
    solver.close()


@KINDS
def test_a_resumed_run_equals_an_uninterrupted_one(kind: str, tmp_path: Path) -> None:
    path = first_sign(tmp_path, kind, 4)  # passes end within sequences
    straight = Solver(path)
    straight.step(7)
    halted = Solver(path)
    halted.step(4)
    _, state = halted.snapshot()
    resumed = Solver(path)
    resumed.restore(state)
    resumed.step(3)
    for one, other in zip(straight.train_net.params, resumed.train_net.params, strict=True):
        assert np.array_equal(one.data, other.data)
    for solver in (straight, halted, resumed):
        solver.close()


def test_weights_are_those_of_the_layer(tmp_path: Path) -> None:
    solver = Solver(first_sign(tmp_path, "LSTM", 6))
    weights = read_weights(solver.snapshot()[0])
    assert [b.shape for b in weights["memory"] if b is not None] == [(32, 1), (32,), (32, 8)]
    net = Net(tmp_path / "net.prototxt", Phase.TEST)
    net.load(weights)
    for mine, theirs in zip(
        net.layer("memory").params, solver.train_net.layer("memory").params, strict=True
    ):
        assert np.array_equal(mine.data, theirs.data)
    solver.close()
    net.close()

"""States in HDF5: Caffe's layout, the seal, and files that hold something else."""

import io
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from netcfg.errors import WeightsError
from netcfg.io.snapshot_hdf5 import read_state_hdf5, write_state_hdf5
from netcfg.netcfg_pb2 import SolverState
from tests.shared import shared

HISTORY = [np.arange(6, dtype=np.float32).reshape(2, 3), *(np.full(1, i, "f4") for i in range(11))]
STATE = SolverState(iter=7, learned_net="é.caffemodel.h5", current_step=2, random_seed=5)


def written(folder: Path) -> bytes:
    write_state_hdf5(folder / "s.h5", STATE, HISTORY)
    return (folder / "s.h5").read_bytes()


def test_round_trip(tmp_path: Path) -> None:
    message, history, sealed = read_state_hdf5(written(tmp_path), "s.h5")
    assert (message, sealed) == (STATE, True)
    for got, want in zip(history, HISTORY, strict=True):
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, want)


def check_layout(file: h5py.File, iteration: int, learned_net: str, step: int) -> None:
    for name, value in (("iter", iteration), ("current_step", step)):
        assert (file[name].dtype, file[name].shape) == (np.int32, (1,))
        assert file[name][0] == value
    # a C string: as long as the name and a 0
    assert file["learned_net"].shape == ()
    assert file["learned_net"].dtype == f"S{len(learned_net.encode()) + 1}"
    assert file["learned_net"][()].decode() == learned_net
    assert set(file["history"]) == {str(i) for i in range(12)}


def test_the_layout_is_caffes(tmp_path: Path) -> None:
    written(tmp_path)
    with h5py.File(tmp_path / "s.h5") as file:
        check_layout(file, 7, STATE.learned_net, 2)
        assert set(file) == {"iter", "learned_net", "current_step", "history", "netcfg"}
    with h5py.File(shared("golden/snapshots/sgd_hdf5/s_iter_10.solverstate.h5")) as file:
        check_layout(file, 10, "s_iter_10.caffemodel.h5", 1)


def test_a_state_without_its_seal_is_refused(tmp_path: Path) -> None:
    content = written(tmp_path)
    with pytest.raises(WeightsError, match=r"'s\.h5' is cut off or damaged: its checksum is miss"):
        read_state_hdf5(content[:-1], "s.h5")
    with pytest.raises(WeightsError, match=r"'s\.h5' is damaged: its checksum does not fit"):
        read_state_hdf5(content[:2000] + b"x" + content[2001:], "s.h5")


def foreign(change: Callable[[h5py.File], None]) -> bytes:
    """Return a state as Caffe writes it, changed."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["iter"] = np.array([7], np.int32)
        file["learned_net"] = np.array(b"w.caffemodel.h5", "S16")
        file["current_step"] = np.array([2], np.int32)
        file["history/0"] = HISTORY[0]
        change(file)
    return buffer.getvalue()


def test_states_of_others() -> None:
    message, history, sealed = read_state_hdf5(foreign(lambda file: None), "s.h5")
    assert not sealed
    assert (message.iter, message.learned_net, message.current_step) == (7, "w.caffemodel.h5", 2)
    np.testing.assert_array_equal(history[0], HISTORY[0])


def without(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def instead(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("iter"), "is no solver state: it has no '/history' and '/iter'"),
        (without("history"), "is no solver state: it has no '/history' and '/iter'"),
        (without("learned_net"), "damaged: '/learned_net' is not what a solver state has there"),
        (instead("iter", 1.5), "damaged: '/iter' is not what a solver state has there"),
        (instead("iter", np.arange(3)), "is no HDF5 file, or a damaged one"),
        (instead("learned_net", 3), "damaged: '/learned_net' is not what a solver state has there"),
        (instead("history", 3), "damaged: '/history' is not what a solver state has there"),
        (instead("history/0", "text"), "'/history/0' must be a dataset of floats"),
        (instead("history/0", h5py.SoftLink("/iter")), "'/history/0' links to somewhere else"),
        (lambda file: file.move("history/0", "history/1"), "must be numbered from 0"),
    ],
)
def test_refused(change: Callable[[h5py.File], None], message: str) -> None:
    with pytest.raises(WeightsError) as caught:
        read_state_hdf5(foreign(change), "s.h5")
    assert message in str(caught.value)
    assert "s.h5" in str(caught.value)


def test_weights_are_no_state() -> None:
    def weights(file: h5py.File) -> None:
        del file["history"]
        file["data/ip/0"] = HISTORY[0]

    with pytest.raises(WeightsError, match="holds weights, not a solver state; start from them"):
        read_state_hdf5(foreign(weights), "s.h5")


def test_changed_bytes_of_caffes_states_give_an_error_or_a_state() -> None:
    content = shared("golden/snapshots/sgd_hdf5/s_iter_10.solverstate.h5").read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content), 150).tolist():
        changed = bytearray(content)
        changed[place] ^= int(rng.integers(1, 256))
        try:
            message, history, _ = read_state_hdf5(bytes(changed), "s.h5")
        except WeightsError:
            continue
        assert isinstance(message.iter, int)
        assert sum(h.nbytes for h in history) <= len(content)

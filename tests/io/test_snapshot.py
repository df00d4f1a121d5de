import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError, WeightsError
from netcfg.io.caffemodel import StoredLayer, write_weights
from netcfg.io.snapshot import State, find_latest, read_state, snapshot_paths, write_snapshot
from netcfg.netcfg_pb2 import SolverState
from netcfg.weights import LayerState
from tests.shared import shared

Pair = tuple[Path, Path]


def layers(value: float = 1) -> list[StoredLayer]:
    return [StoredLayer("ip", "InnerProduct", ["x"], ["y"], [np.full((2, 3), value, np.float32)])]


def state(iteration: int = 10) -> State:
    values = {"h": np.arange(3, dtype=np.float32), "seen": np.array([1 << 40])}
    return State(
        iter=iteration,
        history=[np.arange(6, dtype=np.float32).reshape(2, 3), np.array([0.1, 0.2])],
        current_step=2,
        solver_type="Adam",
        random_seed=-7,
        losses=[0.1, 1 / 3],
        layers={"train": [LayerState("lstm", 12, values)], "test0": [LayerState("data", 4, {})]},
        netcfg_version="0.1.0",
    )


@pytest.fixture
def written(tmp_path: Path) -> Pair:
    return write_snapshot(tmp_path / "net", state(), "net", layers())


@pytest.fixture(params=[False, True], ids=["binaryproto", "hdf5"])
def either(tmp_path: Path, request: pytest.FixtureRequest) -> Pair:
    return write_snapshot(tmp_path / "net", state(), "net", layers(), hdf5=request.param)


def test_round_trip(either: Pair) -> None:
    got, want = read_state(either[1]), state()
    for name in ("iter", "current_step", "solver_type", "random_seed", "netcfg_version"):
        assert getattr(got, name) == getattr(want, name)
    assert got.losses == want.losses
    assert got.learned_net == str(either[0])
    for mine, theirs in zip(got.history, want.history, strict=True):
        assert mine.dtype == theirs.dtype
        assert np.array_equal(mine, theirs)
    assert got.weights["ip"][0].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert got.layers.keys() == want.layers.keys()
    lstm = got.layers["train"][0]
    assert (lstm.layer, lstm.step) == ("lstm", 12)
    assert lstm.values["h"].tolist() == [0, 1, 2]
    assert lstm.values["seen"].dtype == np.int64
    assert lstm.values["seen"].tolist() == [1 << 40]


def test_caffe_reads_its_fields(written: Pair) -> None:
    proto = SolverState.FromString(written[1].read_bytes())
    assert (proto.iter, proto.learned_net, proto.current_step) == (10, str(written[0]), 2)
    assert [list(h.shape.dim) for h in proto.history] == [[2, 3], [2]]
    assert list(proto.history[0].data) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("which", [0, 1], ids=["weights", "state"])
def test_cut_off_files_are_refused(either: Pair, which: int) -> None:
    path = either[which]
    content = path.read_bytes()
    for size in [*range(0, len(content), max(8, len(content) // 100)), len(content) - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(WeightsError, match=path.name) as caught:
            read_state(either[1])
        assert "\n" not in str(caught.value)
    path.write_bytes(content)
    read_state(either[1])


@pytest.mark.parametrize("which", [0, 1], ids=["weights", "state"])
def test_changed_files_are_refused(either: Pair, which: int) -> None:
    path = either[which]
    content = path.read_bytes()
    for place in range(0, len(content), max(5, len(content) // 150)):
        changed = bytearray(content)
        changed[place] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(WeightsError):
            read_state(either[1])


def test_state_without_weights(either: Pair) -> None:
    either[0].unlink()
    with pytest.raises(WeightsError, match=r"weights of '.*_iter_10.solverstate.*' are missing"):
        read_state(either[1])


def test_state_with_other_weights(either: Pair) -> None:
    write_weights(either[0], "net", layers(2))
    with pytest.raises(WeightsError) as caught:
        read_state(either[1])
    assert "net_iter_10.caffemodel" in str(caught.value)
    assert "net_iter_10.solverstate" in str(caught.value)
    assert "SHA-256" in str(caught.value)


def test_moved_snapshot_finds_its_weights_beside_it(written: Pair, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for file in written:
        (moved / file.name).write_bytes(file.read_bytes())
    # another run has written weights of that name where the state says that they are
    write_weights(written[0], "net", layers(2))
    got = read_state(moved / written[1].name)
    assert got.weights.path == str(moved / written[0].name)
    written[0].unlink()
    assert read_state(moved / written[1].name).weights["ip"][0][0, 0] == 1


def test_relative_weights_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_snapshot("run/net", state(), "net", layers())
    assert read_state("run/net_iter_10.solverstate").weights.path == "run/net_iter_10.caffemodel"
    monkeypatch.chdir(tmp_path / "run")
    assert read_state("net_iter_10.solverstate").weights.path == "net_iter_10.caffemodel"


def test_weights_given_as_state(either: Pair) -> None:
    with pytest.raises(WeightsError) as caught:
        read_state(either[0])
    assert "holds weights, not a solver state" in str(caught.value)
    assert f"go on from '{either[1]}'" in str(caught.value)
    renamed = either[0].with_name("x.solverstate")
    renamed.write_bytes(either[0].read_bytes())
    with pytest.raises(WeightsError, match="holds weights, not a solver state") as caught:
        read_state(renamed)
    assert "go on from" not in str(caught.value)


@pytest.mark.parametrize("name", ["v0", "v1"])
def test_old_weights_given_as_state(name: str, tmp_path: Path) -> None:
    path = tmp_path / "old.solverstate"
    path.write_bytes(shared(f"golden/snapshots/{name}.caffemodel").read_bytes())
    with pytest.raises(WeightsError, match="holds weights, not a solver state"):
        read_state(path)


def test_files_that_are_no_states(tmp_path: Path) -> None:
    for content, message in [
        (b"\x89HDF\r\n\x1a\n", "is no HDF5 file, or a damaged one"),
        (b"", "names no iteration"),
        (SolverState(learned_net="x").SerializeToString(), "names no iteration"),
        (SolverState(iter=3).SerializeToString(), "names no weights"),
    ]:
        path = tmp_path / "s.solverstate"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=message):
            read_state(path)


def test_state_without_its_seal_is_refused(written: Pair) -> None:
    proto = SolverState.FromString(written[1].read_bytes())
    del proto.metadata[:]
    written[1].write_bytes(proto.SerializeToString())
    with pytest.raises(WeightsError, match="its checksum is missing"):
        read_state(written[1])


@pytest.mark.parametrize("dtype", ["|O", "<U4", "|V8", "nonsense"])
def test_states_hold_numbers_only(tmp_path: Path, dtype: str) -> None:
    write_weights(tmp_path / "w.caffemodel", "n", layers())
    proto = SolverState(iter=1, learned_net="w.caffemodel")
    values = proto.layer_state.add(net="train", layer="a").values
    values.add(name="h", dtype=dtype, dim=[1], data=bytes(8))
    (tmp_path / "s.solverstate").write_bytes(proto.SerializeToString())
    with pytest.raises(WeightsError, match="state 'h' of layer 'a'"):
        read_state(tmp_path / "s.solverstate")


@pytest.mark.parametrize(
    "end", ["binaryproto/s_iter_10.solverstate", "hdf5/s_iter_10.solverstate.h5"]
)
@pytest.mark.parametrize("kind", ["sgd", "adam", "adadelta"])
def test_states_of_caffe(kind: str, end: str) -> None:
    path = shared(f"golden/snapshots/{kind}_{end}")
    got = read_state(path)
    assert got.iter == 10
    assert got.random_seed is None
    assert (got.solver_type, got.netcfg_version, got.layers) == ("", "", {})
    assert len(got.history) == (12 if kind == "sgd" else 24)
    assert got.history[0].shape == (6, 2, 3, 3)
    assert {k for k, v in got.weights.items() if v} == {"conv1", "bn", "sc", "ip1", "ip2", "aux"}


# Choosing the newest ---------------------------------------------------------------------------


@pytest.fixture
def several(tmp_path: Path) -> Path:
    for iteration in (5, 20, 100):
        write_snapshot(tmp_path / "net", state(iteration), "net", layers())
    write_snapshot(tmp_path / "network", state(900), "net", layers())
    return tmp_path / "net"


def latest(prefix: Path) -> tuple[str | None, list[str]]:
    lines: list[str] = []
    found = find_latest(prefix, lines.append)
    return (found.name if found else None), lines


def test_newest_by_number(several: Path) -> None:
    assert latest(several) == ("net_iter_100.solverstate", [])


def test_damaged_and_half_written_snapshots_are_passed_over(several: Path) -> None:
    newest = snapshot_paths(several, 100)[1]
    newest.write_bytes(newest.read_bytes()[:-3])
    snapshot_paths(several, 20)[0].unlink()
    write_weights(snapshot_paths(several, 200)[0], "net", layers())
    (several.parent / ".net_iter_300.solverstate.x.tmp").touch()
    found, lines = latest(several)
    assert found == "net_iter_5.solverstate"
    assert len(lines) == 3
    for line, said in zip(
        lines, ["_iter_200.caffemodel' has no", "byte", "are missing"], strict=True
    ):
        assert line.startswith("snapshot passed over: ")
        assert said in line


def test_newest_of_both_formats(several: Path) -> None:
    _, newest = write_snapshot(several, state(150), "net", layers(), hdf5=True)
    assert latest(several) == ("net_iter_150.solverstate.h5", [])
    newest.write_bytes(newest.read_bytes()[:-5])
    found, lines = latest(several)
    assert found == "net_iter_100.solverstate"
    assert "'" + str(newest) + "' is cut off or damaged: its checksum is missing" in lines[0]
    newest.unlink()
    _, lines = latest(several)
    assert lines[0].endswith("net_iter_150.caffemodel.h5' has no .solverstate.h5")


def test_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert latest(tmp_path / "net") == (None, [])
    assert latest(tmp_path / "no" / "folder" / "net") == (None, [])


# Writing that fails ----------------------------------------------------------------------------


def test_failure_between_the_files_leaves_no_pair(
    written: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old state does not pass for that of the new weights."""
    replace = os.replace

    def fail(source: str, target: Path) -> None:
        if str(target).endswith(".solverstate"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(NetError, match=r"cannot write '.*solverstate': No space left"):
        write_snapshot(written[0].parent / "net", state(), "net", layers(3))
    assert sorted(p.name for p in written[0].parent.iterdir()) == sorted(p.name for p in written)
    with pytest.raises(WeightsError, match="SHA-256"):
        read_state(written[1])


def test_failure_in_the_weights_leaves_the_old_pair(written: Pair) -> None:
    def broken() -> Iterator[StoredLayer]:
        yield layers()[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(NetError, match="No space left"):
        write_snapshot(written[0].parent / "net", state(), "net", broken())
    assert read_state(written[1]).iter == 10

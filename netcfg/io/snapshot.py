"""Snapshots: weights, and beside them the state from which training goes on.

A snapshot is the pair ``PREFIX_iter_N.caffemodel`` and ``PREFIX_iter_N.solverstate``. The weights
are written first and the state names their SHA-256, so a state that can be read has its weights.
States are Caffe's SolverState; what netcfg adds lies in fields that Caffe passes over, and the
first of them is a seal, the SHA-256 of all bytes after it: a state that was cut off is not read.
Both files may be HDF5 (``.caffemodel.h5``, ``.solverstate.h5``; see ``netcfg.io.snapshot_hdf5``).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from netcfg.errors import WeightsError
from netcfg.io.blobs import read_blob, write_blob
from netcfg.io.caffemodel import (
    HDF5_MAGIC,
    NET_LAYER,
    NET_LAYERS,
    StoredLayer,
    Weights,
    read_bytes,
    read_weights,
    write_weights,
)
from netcfg.io.files import write_whole
from netcfg.io.preparation import Preparation
from netcfg.io.wire import BYTES, Data, Field, Reader, Values
from netcfg.netcfg_pb2 import LayerState as StoredState
from netcfg.netcfg_pb2 import NamedBlob, SolverState
from netcfg.weights import LayerState

ITER, HISTORY, METADATA = (
    SolverState.DESCRIPTOR.fields_by_name[name].number for name in ("iter", "history", "metadata")
)
SEAL = "sha256 of the rest"
WEIGHTS_SUFFIX, STATE_SUFFIX, HDF5_SUFFIX = ".caffemodel", ".solverstate", ".h5"


@dataclass
class State:
    """All from which training goes on as if it had not stopped, besides the weights.

    Attributes:
        iter: updates made so far.
        learned_net: the weights file as the state names it.
        history: arrays of the update rule in Caffe's order.
        current_step: how often the learning rate has stepped, for Caffe.
        solver_type: the rule that the history belongs to; empty where Caffe wrote the state.
        random_seed: None where Caffe wrote the state.
        losses: the latest ones, of which the displayed loss is the mean.
        layers: states of layers by the net they belong to: ``train``, ``test0``, ….
        netcfg_version: of the writer; empty where Caffe wrote the state.
        path: the file; set when read.
        weights: what ``learned_net`` holds; set when read.
    """

    iter: int
    learned_net: str = ""
    history: Sequence[np.ndarray] = ()
    current_step: int = 0
    solver_type: str = ""
    random_seed: int | None = None
    losses: Sequence[float] = ()
    layers: dict[str, list[LayerState]] = field(default_factory=dict)
    netcfg_version: str = ""
    path: str = ""
    weights: Weights = field(default_factory=Weights)


def snapshot_paths(prefix: str | Path, iteration: int, *, hdf5: bool = False) -> tuple[Path, Path]:
    """Return the files of a snapshot, weights and state.

    >>> [str(path) for path in snapshot_paths("run/lenet", 500)]
    ['run/lenet_iter_500.caffemodel', 'run/lenet_iter_500.solverstate']
    """
    stem, end = f"{prefix}_iter_{iteration}", HDF5_SUFFIX if hdf5 else ""
    return Path(stem + WEIGHTS_SUFFIX + end), Path(stem + STATE_SUFFIX + end)


def write_snapshot(
    prefix: str | Path,
    state: State,
    net_name: str,
    layers: Iterable[StoredLayer],
    *,
    hdf5: bool = False,
    preparation: Preparation | None = None,
) -> tuple[Path, Path]:
    """Write weights, then state, both in HDF5 if wanted; each file appears whole or not at all.

    Args:
        prefix: what the names of the files begin with.
        state: of the solver.
        net_name: name of the net.
        layers: what the weights keep.
        hdf5: the format.
        preparation: of images for the net.

    Returns:
        The two files.

    Raises:
        NetError: a file cannot be written; an older snapshot of that name is left as it was, or
            is without its state, never with the state of other weights.
    """
    weights_path, state_path = snapshot_paths(prefix, state.iter, hdf5=hdf5)
    state.learned_net = str(weights_path)
    if hdf5:
        from netcfg.io.hdf5 import write_weights_hdf5  # h5py takes long to import
        from netcfg.io.snapshot_hdf5 import write_state_hdf5

        digest = write_weights_hdf5(weights_path, net_name, layers, preparation)
        write_state_hdf5(state_path, _message(state, digest), state.history)
    else:
        digest = write_weights(weights_path, net_name, layers, preparation)
        _write_state(state_path, state, digest)
    return weights_path, state_path


def read_state(path: str | Path) -> State:
    """Read a .solverstate or .solverstate.h5 and the weights it names, both checked.

    The weights are looked for as named, from the working directory, then beside the state.

    Raises:
        WeightsError: either file is missing, damaged or not what it should be.
    """
    message, history, sealed = _read_message(read_bytes(path), str(path))
    if not message.HasField("iter") or message.iter < 0:
        raise WeightsError(f"'{path}' names no iteration; it is cut off or not a solver state")
    state = State(
        iter=message.iter,
        learned_net=message.learned_net,
        history=history,
        current_step=message.current_step,
        solver_type=message.solver_type,
        random_seed=message.random_seed if sealed else None,
        losses=list(message.smoothed_loss),
        netcfg_version=message.netcfg_version,
        path=str(path),
    )
    for stored in message.layer_state:
        state.layers.setdefault(stored.net, []).append(_layer_state(stored, str(path)))
    state.weights = _find_weights(state, message.weights_sha256.hex())
    return state


def find_latest(prefix: str | Path, report: Callable[[str], None]) -> Path | None:
    """Return the newest complete snapshot's state, or None.

    Args:
        prefix: as in ``snapshot_paths``.
        report: called with one line for each newer snapshot that is damaged or incomplete.
    """
    found: dict[tuple[int, str], set[str]] = {}
    folder, stem = Path(prefix).parent, Path(prefix).name
    pattern = re.compile(re.escape(stem) + r"_iter_(\d+)(\.caffemodel|\.solverstate)((?:\.h5)?)")
    for file in folder.iterdir() if folder.is_dir() else ():
        if match := pattern.fullmatch(file.name):
            found.setdefault((int(match[1]), match[3]), set()).add(match[2])
    for iteration, end in sorted(found, reverse=True):
        weights, state = snapshot_paths(prefix, iteration, hdf5=bool(end))
        if STATE_SUFFIX not in found[iteration, end]:
            report(f"snapshot passed over: '{weights}' has no {STATE_SUFFIX}{end}")
            continue
        try:
            read_state(state)
        except WeightsError as error:
            report(f"snapshot passed over: {error}")
        else:
            return state
    return None


# Writing ---------------------------------------------------------------------------------------


def _write_state(path: Path, state: State, weights_sha256: str) -> None:
    own = _message(state, weights_sha256)
    seal = SolverState()
    # of the same length as the real one, and replaced once the bytes after it are known
    seal.metadata.add(name=SEAL, value="0" * 64)
    size = seal.ByteSize()
    with write_whole(path) as file:
        file.write(bytes(size))
        rest = hashlib.sha256()
        for piece in _pieces(own, state.history):
            rest.update(piece)
            file.write(piece)
        seal.metadata[0].value = rest.hexdigest()
        file.seek(0)
        file.write(seal.SerializeToString())


def _pieces(own: SolverState, history: Iterable[np.ndarray]) -> Iterable[bytes | memoryview]:
    yield own.SerializeToString()
    for array in history:
        yield from write_blob(array, HISTORY)


def _message(state: State, weights_sha256: str) -> SolverState:
    """Return the state without its history, which is large and written apart."""
    message = SolverState(
        iter=state.iter,
        learned_net=state.learned_net,
        current_step=state.current_step,
        weights_sha256=bytes.fromhex(weights_sha256),
        random_seed=state.random_seed,
        solver_type=state.solver_type,
        smoothed_loss=state.losses,
        netcfg_version=state.netcfg_version,
    )
    for net, layers in state.layers.items():
        for layer in layers:
            stored = message.layer_state.add(net=net, layer=layer.layer, step=layer.step)
            for name, value in layer.values.items():
                array = np.asarray(value)
                stored.values.add(
                    name=name, dtype=array.dtype.str, dim=array.shape, data=array.tobytes()
                )
    return message


# Reading ---------------------------------------------------------------------------------------


def _read_message(data: Data, path: str) -> tuple[SolverState, list[Values], bool]:
    """Return a state without its history, the history, and whether netcfg wrote it."""
    if data[: len(HDF5_MAGIC)] == HDF5_MAGIC:
        from netcfg.io.snapshot_hdf5 import read_state_hdf5  # h5py takes long to import

        if path.endswith(WEIGHTS_SUFFIX + HDF5_SUFFIX):
            raise _weights_given(path)
        return read_state_hdf5(data, path)
    _check_kind(data, path)
    reader = Reader(data, path)
    message, history = _decode(reader)
    return message, history, _check_seal(reader, message)


def _weights_given(path: str) -> WeightsError:
    """Say what to do where a file is not a state but weights, a likely slip."""
    stem, found, end = path.rpartition(WEIGHTS_SUFFIX)
    state = Path(stem + STATE_SUFFIX + end)
    go_on = f"go on from '{state}', or " if found and state.exists() else ""
    return WeightsError(
        f"'{path}' holds weights, not a solver state; {go_on}start from them with --weights"
    )


def _check_kind(data: Data, path: str) -> None:
    """Refuse weights in the form of protobuf messages."""
    weights = _weights_given(path)
    try:
        for item in Reader(data, path).fields():
            if item.number in (NET_LAYERS, NET_LAYER) and _is_layers(item, data):
                raise weights
            if item.number == ITER and item.kind == BYTES:
                raise weights
    except WeightsError as error:
        if error is weights or path.endswith(WEIGHTS_SUFFIX):
            raise weights from None
        raise


def _is_layers(item: Field, data: Data) -> bool:
    """Tell a net's old ``layers`` from a state's ``learned_net``: both are field 2, and bytes."""
    if item.number == NET_LAYER:
        return True
    return b"\0" in bytes(data[item.start : item.end])


def _decode(reader: Reader) -> tuple[SolverState, list[Values]]:
    """Return the message without its history, and the history."""
    history: list[Values] = []
    rest = []
    for item in reader.fields():
        if item.number == HISTORY:
            reader.expect(item, BYTES)
            history.append(read_blob(reader, item, f"history {len(history)}"))
        else:
            rest.append(reader.data[item.at : item.end])
    try:
        return SolverState.FromString(b"".join(rest)), history
    except DecodeError as error:
        raise WeightsError(f"'{reader.path}' is damaged: {error}") from error


def _check_seal(reader: Reader, message: SolverState) -> bool:
    """Return whether netcfg wrote the state; refuse it if its bytes are not those written."""
    first = next(reader.fields(), None)
    seal = message.metadata[0] if message.metadata else None
    if first is None or first.number != METADATA or seal is None or seal.name != SEAL:
        if message.netcfg_version or message.HasField("weights_sha256"):
            raise WeightsError(f"'{reader.path}' is damaged: its checksum is missing")
        return False
    rest = memoryview(reader.data)[first.end :]
    if hashlib.sha256(rest).hexdigest() != seal.value:
        raise WeightsError(f"'{reader.path}' is cut off or damaged: its checksum does not fit")
    return True


def _find_weights(state: State, sha256: str) -> Weights:
    """Return the weights of a state: the first file where they may lie that is the right one."""
    if not state.learned_net:
        raise WeightsError(f"'{state.path}' names no weights")
    given, folder = Path(state.learned_net), Path(state.path).parent
    places = list(dict.fromkeys([given, folder / given, folder / given.name]))
    there = [place for place in places if place.is_file()]
    for place in there:
        if not sha256 or _digest(place) == sha256:
            return read_weights(place)
    if there:
        raise WeightsError(
            f"weights '{there[0]}' are not those that '{state.path}' was written with (SHA-256 "
            f"{sha256[:12]}… expected); they were changed or cut off since"
        )
    looked = " or ".join(f"'{place}'" for place in places)
    raise WeightsError(f"the weights of '{state.path}' are missing: no file {looked}")


def _digest(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"cannot read '{path}': {error.strerror or error}") from error


def _layer_state(stored: StoredState, path: str) -> LayerState:
    values = {value.name: _array(value, stored.layer, path) for value in stored.values}
    return LayerState(stored.layer, stored.step, values)


def _array(value: NamedBlob, layer: str, path: str) -> np.ndarray:
    """Return the array of a NamedBlob, of numbers only and of no more than its bytes."""
    try:
        dtype = np.dtype(value.dtype)
        if dtype.kind not in "biuf":
            raise TypeError(value.dtype)
        return np.frombuffer(value.data, dtype).reshape(tuple(value.dim)).copy()
    except (TypeError, ValueError) as error:
        raise WeightsError(f"'{path}': state '{value.name}' of layer '{layer}': {error}") from error

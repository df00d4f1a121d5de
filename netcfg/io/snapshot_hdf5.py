"""Solver states in HDF5, as Caffe lays them out, and what netcfg adds.

Caffe's are the datasets ``/iter``, ``/learned_net`` and ``/current_step``, and the group
``/history`` with the arrays of the update rule by number. netcfg adds ``/netcfg``, the bytes of a
SolverState without its history, and behind the last byte that HDF5 counts a seal, the SHA-256 of
all before it. Caffe reads neither. A state that was changed is not even opened.
"""

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from google.protobuf.message import DecodeError

from netcfg.errors import WeightsError
from netcfg.io.files import write_whole
from netcfg.io.hdf5 import member, open_hdf5, read_dataset, read_floats
from netcfg.io.wire import Data, Values
from netcfg.netcfg_pb2 import SolverState

SEAL = b"\nnetcfg seal, sha256 of all before: "
SEAL_SIZE = len(SEAL) + 2 * hashlib.sha256().digest_size


def write_state_hdf5(path: str | Path, message: SolverState, history: Iterable[np.ndarray]) -> None:
    """Write a .solverstate.h5, whole or not at all.

    Args:
        path: of the file.
        message: the state without its history.
        history: arrays of the update rule in Caffe's order.

    Raises:
        NetError: the folder cannot be written or the disk is full.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["iter"] = np.array([message.iter], np.int32)
        name = message.learned_net.encode()
        # Caffe takes the dataset for a C string: its last byte must be 0
        file["learned_net"] = np.array(name, f"S{len(name) + 1}")
        file["current_step"] = np.array([message.current_step], np.int32)
        group = file.create_group("history")
        for i, array in enumerate(history):
            group.create_dataset(str(i), data=array)
        file["netcfg"] = np.frombuffer(message.SerializeToString(), np.uint8)
    content = buffer.getbuffer()
    with write_whole(path) as out:
        out.write(content)
        out.write(SEAL + hashlib.sha256(content).hexdigest().encode())


def read_state_hdf5(data: Data, path: str) -> tuple[SolverState, list[Values], bool]:
    """Return the state in the bytes of a .solverstate.h5, its history, and whether it is sealed.

    Caffe's own states have no seal; they hold iteration, weights and step alone.

    Raises:
        WeightsError: the file is cut off, damaged or of another kind.
    """
    sealed = _check_seal(data, path)
    with open_hdf5(io.BytesIO(data), path) as file:
        if "history" not in file or "iter" not in file:
            if "data" in file:
                raise WeightsError(
                    f"'{path}' holds weights, not a solver state; start from them with --weights"
                )
            raise WeightsError(f"'{path}' is no solver state: it has no '/history' and '/iter'")
        if ("netcfg" in file) != sealed:
            raise WeightsError(f"'{path}' is cut off or damaged: its checksum is missing")
        return _message(file, path), _history(file, path), sealed


def _check_seal(data: Data, path: str) -> bool:
    """Return whether there is a seal; refuse the file if its bytes are not those sealed."""
    content, seal = memoryview(data)[:-SEAL_SIZE], bytes(data[-SEAL_SIZE:])
    if not seal.startswith(SEAL):
        return False
    if hashlib.sha256(content).hexdigest().encode() != seal[len(SEAL) :]:
        raise WeightsError(f"'{path}' is damaged: its checksum does not fit")
    return True


def _message(file: h5py.File, path: str) -> SolverState:
    """Return all but the history."""
    if "netcfg" in file:
        try:
            return SolverState.FromString(_value(file, "netcfg", "u", path).tobytes())
        except DecodeError as error:
            raise WeightsError(f"'{path}' is damaged: {error}") from error
    return SolverState(
        iter=int(_value(file, "iter", "iu", path).item()),
        learned_net=_value(file, "learned_net", "SO", path).item().decode("utf-8", "replace"),
        current_step=int(_value(file, "current_step", "iu", path).item()),
    )


def _value(file: h5py.File, name: str, kinds: str, path: str) -> np.ndarray[Any, Any]:
    """Return a dataset as an array of one of the given kinds of values."""
    dataset = member(file, name, path)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in kinds:
        raise _wrong(name, path)
    return np.asarray(read_dataset(dataset, path))


def _wrong(name: str, path: str) -> WeightsError:
    return WeightsError(f"'{path}' is damaged: '/{name}' is not what a solver state has there")


def _history(file: h5py.File, path: str) -> list[Values]:
    """Return the arrays of the update rule in their order."""
    group = member(file, "history", path)
    if not isinstance(group, h5py.Group):
        raise _wrong("history", path)
    if sorted(group) != sorted(str(i) for i in range(len(group))):
        raise WeightsError(f"'{path}': arrays in '/history' must be numbered from 0")
    return [read_floats(group, str(i), path) for i in range(len(group))]

"""Weights in HDF5, as Caffe lays them out: the datasets ``/data/<layer>/<index>``.

A layer whose name has a slash is a group within a group. Blobs that an earlier layer owns are left
out, which leaves gaps in the numbers. Gradients, where they are kept, lie under ``/diff``, those of
all blobs.

A file may hold more than numbers: links into other files, datasets that are views of others, sizes
that nothing fills. All of these are refused before anything is read.
"""

import hashlib
import io
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from netcfg.errors import NetError, WeightsError
from netcfg.io.caffemodel import StoredLayer, Weights
from netcfg.io.files import write_whole
from netcfg.io.preparation import Preparation, of_bytes
from netcfg.io.wire import Values

MOST_COMPRESSION = 1100
"""No filter in use makes data smaller by more than this."""
PREPARATION = "preparation"
NUMBER = re.compile(r"0|[1-9]\d{0,2}")
"""Names of blobs; no layer has a thousand, so no file may make us count further."""


def read_weights_hdf5(path: str | Path) -> Weights:
    """Read a .caffemodel.h5.

    Raises:
        WeightsError: the file is damaged, of another kind, or holds links or virtual data.
    """
    weights = Weights(str(path))
    with open_hdf5(path, path) as file:
        if not isinstance(member(file, "data", path), h5py.Group):
            state = "a solver state, no weights" if "history" in file else "no weights"
            raise WeightsError(f"'{path}' holds {state}: it has no group '/data'")
        _read_group(file["data"], "", weights)
        group = member(file, PREPARATION, path)
        if isinstance(group, h5py.Group):
            weights.preparation = _read_preparation(group, path)
    return weights


def _read_preparation(group: h5py.Group, path: str | Path) -> Preparation:
    """Return how images were prepared.

    Raises:
        WeightsError: it is damaged.
    """
    transform = member(group, "transform", path)
    if not isinstance(transform, h5py.Dataset) or transform.dtype != np.uint8:
        raise WeightsError(f"'{path}': '{group.name}/transform' must be a dataset of bytes")
    mean = np.asarray(read_floats(group, "mean", path), np.float32) if "mean" in group else None
    channels = str(group.attrs.get("channels", ""))
    return of_bytes(read_dataset(transform, path).tobytes(), mean, channels, str(path))


def write_weights_hdf5(
    path: str | Path,
    net_name: str,
    layers: Iterable[StoredLayer],
    preparation: Preparation | None = None,
) -> str:
    """Write a .caffemodel.h5, whole or not at all; Caffe keeps no net name in it, nor do we.

    Args:
        path: of the file.
        net_name: is not kept.
        layers: what it keeps.
        preparation: of images for the net, in a group that Caffe passes over.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        NetError: the folder cannot be written, the disk is full, or HDF5 has no place for the name
            of a layer, such as 'a/0' beside 'a'.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("data")
        for layer in layers:
            try:
                _write_layer(file, layer)
            except (TypeError, ValueError) as error:
                raise NetError(f"cannot write '{path}': layer '{layer.name}': {error}") from error
        if preparation is not None:
            _write_preparation(file, preparation)
    with write_whole(path) as out:
        out.write(buffer.getbuffer())
    return hashlib.sha256(buffer.getbuffer()).hexdigest()


def _write_layer(file: h5py.File, layer: StoredLayer) -> None:
    group = file.require_group(f"data/{layer.name}")
    for i, blob in enumerate(layer.blobs):
        if i not in layer.shared:
            group.create_dataset(str(i), data=blob)
    for i, diff in enumerate(layer.diffs):
        file.require_group(f"diff/{layer.name}").create_dataset(str(i), data=diff)


def _write_preparation(file: h5py.File, preparation: Preparation) -> None:
    group = file.create_group(PREPARATION)
    data = preparation.transform.SerializeToString(deterministic=True)
    group.create_dataset("transform", data=np.frombuffer(data, np.uint8))
    if preparation.mean is not None:
        group.create_dataset("mean", data=preparation.mean)
    if preparation.channels:
        group.attrs["channels"] = preparation.channels


@contextmanager
def open_hdf5(source: str | Path | io.BytesIO, path: str | Path) -> Iterator[h5py.File]:
    """Open a file for reading, with one error for whatever damage HDF5 stumbles over.

    Args:
        source: the file, or its bytes.
        path: for messages.

    Raises:
        WeightsError: it is damaged or of another kind.
    """
    try:
        with h5py.File(source, "r") as file:
            yield file
    except WeightsError:
        raise
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError) as error:
        raise WeightsError(f"'{path}' is no HDF5 file, or a damaged one") from error


def _read_group(group: h5py.Group, layer: str, weights: Weights) -> None:
    """Take the datasets of a group as blobs of a layer, groups in it as layers ``layer/name``."""
    path = weights.path
    members = {name: member(group, name, path) for name in group}
    blobs = {name: m for name, m in members.items() if not isinstance(m, h5py.Group)}
    if not all(map(NUMBER.fullmatch, blobs)) or (blobs and not layer):
        raise WeightsError(
            f"'{path}': blobs of a layer must be numbered from 0; '{group.name}' holds "
            f"{', '.join(blobs)}"
        )
    if layer:
        names = map(str, range(max(map(int, blobs), default=-1) + 1))
        weights[layer] = [read_floats(group, n, path) if n in blobs else None for n in names]
    for name, inner in members.items():
        if name not in blobs:
            _read_group(inner, f"{layer}/{name}" if layer else name, weights)


def read_floats(group: h5py.Group, name: str, path: str | Path) -> Values:
    """Return the values of a dataset of floats whose size the file can hold."""
    dataset = member(group, name, path)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind != "f":
        raise WeightsError(f"'{path}': '{group.name}/{name}' must be a dataset of floats")
    values: Values = np.asarray(read_dataset(dataset, path))
    values.flags.writeable = False
    return values


def read_dataset(dataset: h5py.Dataset, path: str | Path) -> Any:
    """Return what a dataset holds; one that takes values from elsewhere or from nowhere is refused.

    Raises:
        WeightsError: it is virtual or external, or its size is more than the file can hold.
    """
    if dataset.is_virtual or dataset.external:
        raise WeightsError(f"'{path}': '{dataset.name}' takes its values from another file")
    stored = dataset.id.get_storage_size() * (MOST_COMPRESSION if dataset.chunks else 1)
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    if size > stored:
        raise WeightsError(
            f"'{path}': '{dataset.name}' declares {size} bytes; {stored} can be there"
        )
    return dataset[()]


def member(group: h5py.Group, name: str, path: str | Path) -> h5py.HLObject | None:
    """Return a member of a group, None where there is none; a link to somewhere else is refused."""
    link = group.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise WeightsError(f"'{path}': '{group.name.rstrip('/')}/{name}' links to somewhere else")
    return group[name]

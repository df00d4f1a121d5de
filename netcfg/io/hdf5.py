"""Weights in HDF5, as Caffe lays them out: the datasets ``/data/<layer>/<index>``.

A layer whose name has a slash is a group within a group.

A file may hold more than numbers: links into other files, datasets that are views of others, sizes
that nothing fills. All of these are refused before anything is read.
"""

import io
import math
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from netcfg.errors import WeightsError
from netcfg.io.caffemodel import StoredLayer, Weights
from netcfg.io.files import write_whole
from netcfg.io.wire import Values

MOST_COMPRESSION = 1100
"""No filter in use makes data smaller by more than this."""


def read_weights_hdf5(path: str | Path) -> Weights:
    """Read a .caffemodel.h5.

    Raises:
        WeightsError: the file is damaged, of another kind, or holds links or virtual data.
    """
    weights = Weights(str(path))
    try:
        with h5py.File(path, "r") as file:
            if not isinstance(_member(file, "data", path), h5py.Group):
                raise WeightsError(f"'{path}' holds no weights: it has no group '/data'")
            _read_group(file["data"], "", weights)
    except (OSError, RuntimeError, KeyError) as error:
        raise WeightsError(f"'{path}' is no HDF5 file, or a damaged one") from error
    return weights


def write_weights_hdf5(path: str | Path, net_name: str, layers: Iterable[StoredLayer]) -> None:
    """Write a .caffemodel.h5, whole or not at all; Caffe keeps no net name in it, nor do we.

    Raises:
        NetError: the folder cannot be written or the disk is full.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        data = file.create_group("data")
        for layer in layers:
            group = data.require_group(layer.name)
            for i, blob in enumerate(layer.blobs):
                group.create_dataset(str(i), data=blob)
    with write_whole(path) as out:
        out.write(buffer.getbuffer())


def _read_group(group: h5py.Group, layer: str, weights: Weights) -> None:
    """Take the datasets of a group as blobs of a layer, groups in it as layers ``layer/name``."""
    path = weights.path
    members = {name: _member(group, name, path) for name in group}
    blobs = {name: m for name, m in members.items() if not isinstance(m, h5py.Group)}
    if sorted(blobs) != sorted(str(i) for i in range(len(blobs))) or (blobs and not layer):
        raise WeightsError(
            f"'{path}': blobs of a layer must be numbered from 0; '{group.name}' holds "
            f"{', '.join(blobs)}"
        )
    if layer:
        weights[layer] = [_read_blob(blobs[str(i)], path) for i in range(len(blobs))]
    for name, member in members.items():
        if name not in blobs:
            _read_group(member, f"{layer}/{name}" if layer else name, weights)


def _read_blob(dataset: h5py.Dataset, path: str | Path) -> Values:
    """Return the values of a dataset whose size the file can hold."""
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind != "f":
        raise WeightsError(f"'{path}': '{dataset.name}' must be a dataset of floats")
    if dataset.is_virtual or dataset.external:
        raise WeightsError(f"'{path}': '{dataset.name}' takes its values from another file")
    stored = dataset.id.get_storage_size() * (MOST_COMPRESSION if dataset.chunks else 1)
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    if size > stored:
        raise WeightsError(
            f"'{path}': '{dataset.name}' declares {size} bytes; {stored} can be there"
        )
    values: Values = np.asarray(dataset[()])
    values.flags.writeable = False
    return values


def _member(group: h5py.Group, name: str, path: str | Path) -> h5py.HLObject:
    """Return a member of a group; one that is a link to somewhere else is refused."""
    link = group.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise WeightsError(f"'{path}': '{group.name.rstrip('/')}/{name}' links to somewhere else")
    return group[name]

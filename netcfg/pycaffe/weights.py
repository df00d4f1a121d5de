"""Weights of a net into files and out of them, in the format that a file has or its name says."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from netcfg.io.caffemodel import HDF5_MAGIC, StoredLayer, read_weights, write_weights
from netcfg.net import Net


def load_file(net: Net, path: str, ignore_mismatch: Sequence[str] = ()) -> None:
    """Take parameters by layer name; layers that the file lacks keep what they have.

    Raises:
        WeightsError: the file cannot be read, or blobs of a layer do not fit.
    """
    weights = _hdf5().read_weights_hdf5(path) if _is_hdf5(path) else read_weights(path)
    net.load(weights, ignore_mismatch=[n for n in ignore_mismatch if n in weights])


def save_file(net: Net, path: str, *, hdf5: bool = False) -> None:
    """Write the parameters of a net.

    Raises:
        NetError: the file cannot be written.
    """
    weights = net.weights()
    layers = [
        StoredLayer(c.name, c.type, c.bottom, c.top, weights.get(c.name, ()))
        for c in (layer.config for layer in net.layers)
    ]
    write = _hdf5().write_weights_hdf5 if hdf5 else write_weights
    write(path, net.name, layers)


def _is_hdf5(path: str) -> bool:
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(HDF5_MAGIC)) == HDF5_MAGIC


def _hdf5() -> Any:
    return import_module("netcfg.io.hdf5")

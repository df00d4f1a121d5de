"""Weights of a net into files and out of them, in the format that a file has or its name says."""

from collections.abc import Sequence

from netcfg.io.caffemodel import read_weights, write_weights
from netcfg.io.hdf5 import write_weights_hdf5
from netcfg.layers.data import preparation_of
from netcfg.net import Net
from netcfg.weights import stored_layers


def load_file(net: Net, path: str, ignore_mismatch: Sequence[str] = ()) -> None:
    """Take parameters by layer name; layers that the file lacks keep what they have.

    Raises:
        WeightsError: the file cannot be read, or blobs of a layer do not fit.
    """
    weights = read_weights(path)
    net.load(weights, ignore_mismatch=[n for n in ignore_mismatch if n in weights])


def save_file(net: Net, path: str, *, hdf5: bool = False) -> None:
    """Write the parameters of a net.

    Raises:
        NetError: the file cannot be written.
    """
    layers, prepared = stored_layers(net.layers, net.engine), preparation_of(net.layers)
    if hdf5:
        write_weights_hdf5(path, net.name, layers, prepared)
    else:
        write_weights(path, net.name, layers, prepared)

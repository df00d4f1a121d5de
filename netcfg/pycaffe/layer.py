"""The base class of layers that programs write in Python."""

from collections.abc import Sequence
from typing import Any

from netcfg.blob import Blob
from netcfg.layer import registry
from netcfg.pycaffe.mode import TEST


class Layer:
    """A layer of type Python: a subclass of it is named by ``python_param { module layer }``.

    ``bottom`` and ``top`` are sequences of blobs with ``data``, ``diff`` and ``reshape``. A layer
    whose bottoms need gradients also has ``backward(top, propagate_down, bottom)``, which writes
    ``bottom[i].diff`` where ``propagate_down[i]`` is true.

    Attributes:
        param_str: what ``python_param { param_str }`` says.
        phase: TRAIN or TEST.
        blobs: parameters.
    """

    param_str = ""
    phase = TEST
    blobs: Any = ()

    def __init__(self, param: Any = None) -> None:
        """Take the layer's message, as Caffe hands it over; the attributes are set afterwards."""

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the bottoms and read ``param_str``, once."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their shapes."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the data of the tops."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")


def layer_type_list() -> list[str]:
    """Return all layer types by name."""
    return sorted(registry)

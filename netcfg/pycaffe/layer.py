"""The base class of layers that programs write in Python."""

from collections.abc import Sequence
from typing import Any

from netcfg.layer import registry
from netcfg.pycaffe.blob import Blob
from netcfg.pycaffe.mode import TEST


class Layer:
    """A layer of type Python: a subclass of it is named by ``python_param { module layer }``.

    ``bottom`` and ``top`` are sequences of blobs with ``data``, ``diff`` and ``reshape``.

    Attributes:
        param_str: what ``python_param { param_str }`` says.
        phase: TRAIN or TEST.
        blobs: parameters.
    """

    param_str = ""
    phase = TEST
    blobs: Any = ()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the bottoms and read ``param_str``, once."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their shapes."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the data of the tops."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the gradients of the bottoms for which ``propagate_down`` is true."""


def layer_type_list() -> list[str]:
    """Return all layer types by name."""
    return sorted(registry)

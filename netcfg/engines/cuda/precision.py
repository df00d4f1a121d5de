"""Which floats are stored between layers, which are multiplied, and how losses are scaled."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from netcfg.errors import NetError, nearest

PRECISIONS = ("float32", "tf32", "float16", "bfloat16")


@dataclass(frozen=True)
class Precision:
    """Floats of blobs and of products; parameters, statistics and losses are always float32.

    Attributes:
        storage: of blobs between layers.
        tf32: whether products of float32 may be rounded to TF32, 10 bits of fraction.
    """

    storage: str = "float32"
    tf32: bool = True

    def blobs(self, dtype: Any) -> Any:
        """Return the dtype of blobs of an engine of a dtype.

        Raises:
            NetError: bfloat16 is wanted and ml_dtypes is not installed.
        """
        if np.dtype(dtype) != np.float32 or self.storage == "float32":
            return np.dtype(dtype)
        if self.storage == "float16":
            return np.dtype(np.float16)
        try:
            from ml_dtypes import bfloat16
        except ImportError as error:
            raise NetError("bfloat16 needs ml_dtypes: pip install 'netcfg[bf16]'") from error
        return np.dtype(bfloat16)


@dataclass
class Floats:
    """What the engines of one net's layers have in common.

    Attributes:
        scaled: whether gradients of some are float16, so that losses must be scaled up.
        mixed: whether layers differ in the types of their blobs or gradients.
    """

    scaled: bool = False
    mixed: bool = False


def precision(name: str) -> Precision:
    """Return what a name on the command line means.

    Raises:
        NetError: there is no such precision.

    >>> precision("tf32"), precision("float16").storage
    (Precision(storage='float32', tf32=True), 'float16')
    """
    if name not in PRECISIONS:
        known = f"{nearest(name, PRECISIONS)} (known: {', '.join(PRECISIONS)})"
        raise NetError(f"unknown precision '{name}'{known}")
    if name in ("float32", "tf32"):
        return Precision(tf32=name == "tf32")
    return Precision(name)

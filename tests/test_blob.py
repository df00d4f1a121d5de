import numpy as np
import pytest

from netcfg.blob import Blob
from netcfg.errors import ShapeError


class Held(Blob):
    def __init__(self, *shape: int) -> None:
        self.array = np.zeros(shape)

    @property
    def data(self) -> np.ndarray:
        return self.array


def test_axes() -> None:
    blob = Held(5, 2, 3)
    assert (blob.num, blob.channels, blob.height, blob.width) == (5, 2, 3, 1)
    assert (blob.shape, blob.count, repr(blob)) == ((5, 2, 3), 30, "<Blob 5 x 2 x 3>")
    assert Held().count == 1


def test_the_old_names_need_at_most_four_axes() -> None:
    with pytest.raises(ShapeError, match=r"at most 4 axes; this one is \(1, 2, 3, 4, 5\)"):
        Held(1, 2, 3, 4, 5).width  # noqa: B018

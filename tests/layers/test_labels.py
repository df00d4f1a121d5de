import numpy as np
import pytest

from netcfg.errors import DataError
from netcfg.layers.labels import class_indices


def test_labels_become_indices_and_weights():
    index, weight = class_indices(np, np.array([[2.0, 0.0], [1.0, 2.0]], np.float32), 3)
    assert index.tolist() == [[2, 0], [1, 2]]
    assert index.dtype.kind == "i"
    assert weight.tolist() == [[1, 1], [1, 1]]
    assert weight.dtype == np.float32


def test_what_is_ignored_has_index_and_weight_0_and_may_lie_anywhere():
    index, weight = class_indices(np, np.array([1.0, 255.0, 2.0]), 3, ignore=255)
    assert index.tolist() == [1, 0, 2]
    assert weight.tolist() == [1, 0, 1]
    index, weight = class_indices(np, np.array([1.0, 2.0, 1.0]), 3, ignore=1)
    assert index.tolist() == [0, 2, 0]
    assert weight.tolist() == [0, 1, 0]


def test_fractions_are_cut_off_towards_0():
    index, weight = class_indices(np, np.array([1.9, -0.9, 2.99]), 3)
    assert index.tolist() == [1, 0, 2]
    assert weight.tolist() == [1, 1, 1]
    assert class_indices(np, np.array([-1.5]), 3, ignore=-1)[1].tolist() == [0]


@pytest.mark.parametrize("value", [10, -1, np.nan, np.inf])
def test_a_label_out_of_range_is_named(value):
    with pytest.raises(DataError) as error:
        class_indices(np, np.array([0.0, 9.0, 3.0, value]), 10)
    assert str(error.value) == f"label {value:g} at index 3 must lie in [0, 10) (10 classes)"


def test_the_place_has_as_many_numbers_as_axes():
    labels = np.zeros((2, 1, 3))
    labels[1, 0, 2] = 7
    with pytest.raises(DataError, match=r"^row 7 at index \(1, 0, 2\) must .* \(7 entries\)$"):
        class_indices(np, labels, 7, what="row", unit="entries")


class Device:
    """Stands for the array module of a device, which is not NumPy itself."""

    def __getattr__(self, name):
        return getattr(np, name)


def test_on_a_device_the_weight_of_a_wrong_label_is_nan():
    index, weight = class_indices(Device(), np.array([1.0, 5.0, 9.0]), 3, ignore=9)
    assert index.tolist() == [1, 0, 0]
    assert weight[[0, 2]].tolist() == [1, 0]
    assert np.isnan(weight[1])

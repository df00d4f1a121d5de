"""Learned arrays: values, gradients, and who may be looking."""

import numpy as np
import pytest

from netcfg.netcfg_pb2 import ParamSpec
from netcfg.param import Param, unique


def param(*shape: int) -> Param:
    return Param(np.ones(shape), ParamSpec(), np.zeros_like)


def test_gradients_add_until_they_are_cleared() -> None:
    p = param(2, 3)
    assert not p.diff.any()
    p.add_grad(np.full((2, 3), 2.0))
    p.add_grad(np.full(6, 1.0))
    np.testing.assert_array_equal(p.diff, np.full((2, 3), 3.0))
    p.clear_grad()
    p.add_grad(np.full((2, 3), 5.0))
    np.testing.assert_array_equal(p.diff, np.full((2, 3), 5.0))
    p.clear_grad()
    assert not p.diff.any()


def test_adding_a_gradient_does_not_keep_the_array() -> None:
    p = param(2)
    given = np.ones(2)
    p.add_grad(given)
    given[...] = 9
    np.testing.assert_array_equal(p.diff, [1, 1])


def test_a_view_shares_data_and_gradient() -> None:
    p = param(2, 3)
    view = p.view((6,))
    view.data[0] = 7
    assert p.data[0, 0] == 7
    view.add_grad(np.arange(6.0))
    np.testing.assert_array_equal(p.diff, [[0, 1, 2], [3, 4, 5]])
    assert view.diff.shape == (6,)
    assert view.owner is p
    view.clear_grad()
    assert not p.diff.any()


def test_versions_tell_what_netcfg_changed() -> None:
    p = param(2)
    assert (p.version, p.exposed) == (0, False)
    p.assign(np.array([3.0, 4.0]))
    assert p.value.tolist() == [3, 4]
    value = p.value
    value += 1
    p.changed()
    assert (p.version, p.exposed) == (2, False)


def test_who_asks_for_data_may_write_at_any_time() -> None:
    p = param(2)
    p.data += 1
    assert p.exposed
    assert p.value.tolist() == [2, 2]
    p.data = np.array([5.0, 6.0])
    assert p.value.tolist() == [5, 6]
    with pytest.raises(ValueError, match="broadcast"):
        p.data = np.zeros(3)


def test_a_view_tells_of_its_owner() -> None:
    p = param(2, 3)
    view = p.view((6,))
    view.assign(np.arange(6.0))
    assert p.version == view.version == 1
    view.data[...] = 1
    assert p.exposed
    assert p.value.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_shared_values_have_one_version() -> None:
    p, q = param(2), param(2)
    q.share(p)
    p.assign(np.array([8.0, 9.0]))
    assert q.version == 1
    assert q.value is p.value
    assert q.diff is not p.diff


def test_each_owner_once() -> None:
    p, q = param(2, 3), param(1)
    assert unique([p.view((6,)), q, p]) == [p, q]

from typing import Any

import numpy as np
import pytest

from netcfg.engines.base import Engine
from netcfg.errors import NetError, ShapeError
from netcfg.layer import Param
from netcfg.layers.python_blobs import BottomBlob, ParamBlob, ParamBlobs, TopBlob, checked
from netcfg.netcfg_pb2 import ParamSpec


def test_a_top_keeps_what_was_written_while_its_size_stays() -> None:
    top = TopBlob("top 0", np.float32)
    assert repr(top) == "<Blob without a shape>"
    with pytest.raises(ShapeError, match="top 0 has no shape; give it one with reshape"):
        top.data  # noqa: B018
    top.reshape(2, 3)
    assert top.data.dtype == top.diff.dtype == np.float32
    top.data[...] = 7
    top.diff[...] = 5
    before = top.data
    top.reshape(2, 3)
    assert top.data is before
    top.reshape(3, 2)
    assert (top.shape, top.data.tolist()) == ((3, 2), [[7, 7]] * 3)
    assert not top.diff.any()
    top.reshape(4)
    assert top.data.tolist() == [0] * 4
    top.reshape()
    assert (top.data.shape, top.count) == ((), 1)


def test_filling_copies() -> None:
    top = TopBlob("top 0", np.float64)
    values = np.arange(3.0)
    top.fill(values)
    top.data[0] = 9
    assert values[0] == 0
    top.fill_diff(values)
    top.diff[0] = 9
    assert values[0] == 0
    top.fill_diff(None)
    assert not top.diff.any()


def test_a_bottom_is_to_be_read() -> None:
    bottom = BottomBlob("bottom 1", np.float64)
    bottom.promise((2, 2))
    assert not bottom.data.any()
    values = np.ones((2, 3))
    bottom.show(values)
    assert (bottom.shape, bottom.data.tolist()) == ((2, 3), values.tolist())
    with pytest.raises(ValueError, match="read-only"):
        bottom.data[...] = 0
    assert values.flags.writeable
    bottom.diff[...] = 3
    bottom.show(values)
    assert not bottom.diff.any()
    bottom.forget()
    assert bottom.shape == (2, 3)
    assert not bottom.data.any()
    bottom.reshape(2, 3)
    with pytest.raises(ShapeError, match=r"bottom 1 has shape \(2, 3\).*not to \(6,\) here"):
        bottom.reshape(6)


@pytest.mark.parametrize("shape", [((2, 3),), (-1,), (2.0,), ("2",)])
def test_sizes_are_whole_numbers(shape: Any) -> None:
    with pytest.raises(ShapeError, match=r"as in reshape\(2, 3\); given"):
        checked(shape)
    assert checked((np.int64(2), 0)) == (2, 0)


def test_parameters() -> None:
    param = Param(np.zeros(2), ParamSpec(), np.zeros_like)
    blobs = ParamBlobs(lambda shape: ParamBlob(param, Engine(np.float64), None))
    blobs.add_blob(2)
    assert len(blobs) == 1
    blobs[0].data[...] = [1, 2]
    blobs[0].diff[1] += 3
    assert (param.data.tolist(), param.diff.tolist()) == ([1, 2], [0, 3])
    blobs[0].reshape(2)
    with pytest.raises(ShapeError, match=r"keeps the shape that add_blob gave it, \(2,\); given"):
        blobs[0].reshape(1, 2)
    blobs.closed = True
    with pytest.raises(NetError, match="add_blob belongs in setup"):
        blobs.add_blob(1)


def test_a_draft_is_written_in_place_of_a_shared_parameter() -> None:
    param = Param(np.ones(2), ParamSpec(), np.zeros_like)
    blob = ParamBlob(param, Engine(np.float64), np.zeros(2))
    blob.data[...] = 5
    blob.draft = None
    assert blob.data.tolist() == [1, 1]

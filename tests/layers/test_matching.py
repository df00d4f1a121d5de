"""Matches and negatives by loops."""

from typing import Any

import numpy as np
import pytest

from netcfg.layers.boxes import overlap
from netcfg.layers.matching import NOBODY, OUTSIDE, hardest, match
from netcfg.netcfg_pb2 import MultiBoxLossParameter as Param
from tests.layers.test_boxes import some


def naive(boxes: np.ndarray, objects: np.ndarray, param: Param) -> list[int]:
    found = [NOBODY] * len(boxes)
    pairs = [(i, j) for i in range(len(boxes)) for j in range(len(objects))]
    if param.ignore_cross_boundary_bbox:
        for i, box in enumerate(boxes):
            if min(box) < 0 or max(box) > 1:
                found[i] = OUTSIDE
    shares = {(i, j): float(overlap(boxes[i], objects[j])) for i, j in pairs}
    shares = {p: s for p, s in shares.items() if s > 1e-6 and found[p[0]] == NOBODY}
    left = dict(shares)
    while left:
        i, j = max(left, key=lambda pair: left[pair])
        found[i] = j
        left = {p: s for p, s in left.items() if p[0] != i and p[1] != j}
    if param.match_type == Param.PER_PREDICTION:
        for i in range(len(boxes)):
            own = {j: s for (k, j), s in shares.items() if k == i}
            if found[i] == NOBODY and own and max(own.values()) >= param.overlap_threshold:
                found[i] = max(own, key=lambda j: own[j])
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"match_type": "BIPARTITE"},
        {"overlap_threshold": 0.2},
        {"ignore_cross_boundary_bbox": True, "overlap_threshold": 0.3},
    ],
)
def test_match(seed: int, fields: dict[str, Any]) -> None:
    param = Param(**fields)
    boxes, objects = some(40, seed) * 1.1, some(6, seed + 9)
    found, most = match(boxes, objects, param)
    assert found.tolist() == naive(boxes, objects, param)
    for box, best, index in zip(boxes, most, found, strict=True):
        wanted = 0 if index == OUTSIDE else overlap(box, objects).max()
        assert best == pytest.approx(wanted)


def test_nothing_to_match() -> None:
    boxes = some(4)
    found, most = match(boxes, boxes[:0], Param())
    assert found.tolist() == [NOBODY] * 4
    assert most.tolist() == [0] * 4
    far, _ = match(boxes[:1], boxes[:1] + 5, Param())
    assert far.tolist() == [NOBODY], "an object that no box overlaps gets none"


COSTS = np.array([9, 3, 8, 1, 7, 2, 4.0])


def test_the_hardest_have_the_greatest_cost() -> None:
    eligible = np.array([0, 1, 0, 1, 0, 1, 1], bool)
    found = hardest(COSTS, eligible, 2, some(7), Param())
    assert found.nonzero()[0].tolist() == [1, 6]
    assert hardest(COSTS, eligible, 9, some(7), Param()).tolist() == eligible.tolist()
    assert not hardest(COSTS, eligible, 0, some(7), Param()).any()


@pytest.mark.parametrize(
    ("top_k", "wanted"), [(None, [0, 3, 4, 6]), (-1, [0, 3, 4, 6]), (3, [0, 4]), (0, [])]
)
def test_overlapping_boxes_are_thinned_out_first(top_k: int | None, wanted: list[int]) -> None:
    boxes = np.array([[i, 0, i + 1, 1] for i in (0, 1, 0, 2, 4, 4, 1)]) / 5
    param = Param(nms_param={"nms_threshold": 0.3})
    if top_k is not None:
        param.nms_param.top_k = top_k
    # 2 lies where 0 does, which costs more; so do 5 and 4, 1 and 6.
    found = hardest(COSTS, np.ones(7, bool), 9, boxes, param)
    assert found.nonzero()[0].tolist() == wanted
    param.nms_param.nms_threshold = 0
    assert hardest(COSTS, np.ones(7, bool), 9, boxes, param).all(), "0 thins out nothing, as in SSD"

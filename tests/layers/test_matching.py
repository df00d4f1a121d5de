"""Matches and negatives by loops."""

from typing import Any

import numpy as np
import pytest

from netcfg.layers.boxes import overlap
from netcfg.layers.matching import NOBODY, OUTSIDE, match, mine_negatives
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


def test_negatives_have_the_greatest_loss() -> None:
    matches = np.array([0, NOBODY, NOBODY, NOBODY, OUTSIDE, NOBODY, NOBODY])
    overlaps = np.array([0.8, 0.1, 0.6, 0.2, 0, 0, 0.3])
    losses = np.array([9, 3, 8, 1, 7, 2, 4.0])
    found = mine_negatives(matches, overlaps, losses, Param(neg_pos_ratio=2))
    assert found.nonzero()[0].tolist() == [1, 6]
    found = mine_negatives(matches, overlaps, losses, Param(neg_pos_ratio=9, neg_overlap=0.25))
    assert found.nonzero()[0].tolist() == [1, 3, 5]

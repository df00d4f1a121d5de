import math

import numpy as np
import pytest

from netcfg.layers.anchors import anchors, clipped, decode, encode, grid, overlaps, suppress

FASTER_RCNN = [
    [-84, -40, 99, 55],
    [-176, -88, 191, 103],
    [-360, -184, 375, 199],
    [-56, -56, 71, 71],
    [-120, -120, 135, 135],
    [-248, -248, 263, 263],
    [-36, -80, 51, 95],
    [-80, -168, 95, 183],
    [-168, -344, 183, 359],
]
"""The published anchors, counted from 0."""


def some(count, seed=0):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 50, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(0, 40, (count, 2))], axis=1)


def iou(a, b, edge):
    w = min(a[2], b[2]) - max(a[0], b[0]) + edge
    h = min(a[3], b[3]) - max(a[1], b[1]) + edge
    area = [(x[2] - x[0] + edge) * (x[3] - x[1] + edge) for x in (a, b)]
    both = max(w, 0) * max(h, 0)
    return both / (area[0] + area[1] - both)


def test_the_published_anchors():
    assert anchors(16, [0.5, 1, 2], [8, 16, 32]).tolist() == FASTER_RCNN


def test_the_grid_runs_over_anchors_then_columns_then_rows():
    cell = anchors(16, [1], [1, 2])
    boxes = grid(cell, 2, 3, 16).reshape(2, 3, 2, 4)
    for row, column in np.ndindex(2, 3):
        shift = [16 * column, 16 * row, 16 * column, 16 * row]
        np.testing.assert_array_equal(boxes[row, column], cell + shift)


def test_decode_undoes_encode():
    boxes, targets = some(20), some(20, seed=1)
    np.testing.assert_allclose(decode(boxes, encode(boxes, targets)) - [0, 0, 1, 1], targets)


def test_deltas_say_what_the_formula_says():
    (box,), (target,) = some(1), some(1, seed=1)
    w, h = box[2] - box[0] + 1, box[3] - box[1] + 1
    u, v = target[2] - target[0] + 1, target[3] - target[1] + 1
    x = (target[0] + u / 2 - box[0] - w / 2) / w
    y = (target[1] + v / 2 - box[1] - h / 2) / h
    want = [x, y, math.log(u / w), math.log(v / h)]
    np.testing.assert_allclose(encode(box[None], target[None])[0], want)


def test_clipped_to_an_image():
    boxes = np.array([[-5.0, 3, 200, np.inf], [150, 150, 160, 160]])
    assert clipped(boxes, 90, 100).tolist() == [[0, 3, 99, 89], [99, 89, 99, 89]]


@pytest.mark.parametrize("edge", [0, 1])
def test_overlaps_of_all_pairs(edge):
    a, b = some(6), some(5, seed=1)
    want = [[iou(x, y, edge) for y in b] for x in a]
    np.testing.assert_allclose(overlaps(a, b, edge), want)
    assert 0 < np.count_nonzero(want) < 30


def test_boxes_without_area_overlap_nothing():
    point = np.array([[1.0, 1, 1, 1]])
    assert overlaps(point, point, 0).tolist() == [[0]]
    assert overlaps(point, point).tolist() == [[1]]


@pytest.mark.parametrize("edge", [0, 1])
def test_suppress_keeps_the_best_of_those_that_overlap(edge):
    boxes = some(60)
    kept = []
    for i, box in enumerate(boxes):
        if all(iou(box, boxes[j], edge) <= 0.3 for j in kept):
            kept.append(i)
    assert 5 < len(kept) < 60
    assert suppress(boxes, 0.3, edge=edge).tolist() == kept
    assert suppress(boxes, 0.3, limit=3, edge=edge).tolist() == kept[:3]
    assert suppress(boxes[:0], 0.3).tolist() == []


def test_infinite_boxes_are_no_trouble():
    boxes = np.array([[-np.inf, 0, np.inf, 9], [-np.inf, 0, np.inf, 9], [0, 0, 5, 5], [np.nan] * 4])
    assert suppress(boxes, 0.5)[0] == 0

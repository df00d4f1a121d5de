"""Average precision by its definitions, and boxes against the truth."""

from typing import Any

import numpy as np
import pytest

from netcfg.average_precision import (
    Detections,
    average_precision,
    evaluate_boxes,
    mean,
)
from netcfg.errors import DataError, NetError
from netcfg.layer import as_arrays
from netcfg.testing import make_layer

RIGHT = [True, False, True, True, False, False, True]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
"""Of 5 objects 4 are found; precisions at them are 1, 2/3, 3/4 and 4/7."""


@pytest.mark.parametrize(
    ("version", "want"),
    [
        ("Integral", (1 + 2 / 3 + 3 / 4 + 4 / 7) / 5),
        ("MaxIntegral", (1 + 3 / 4 + 3 / 4 + 4 / 7) / 5),
        # recalls ≥ 0, .1, .2: 1; .3, .4, .5, .6: 3/4; .7, .8: 4/7; .9, 1: none
        ("11point", (3 * 1 + 4 * 3 / 4 + 2 * 4 / 7) / 11),
    ],
)
def test_versions(version: str, want: float) -> None:
    assert average_precision(SCORES, RIGHT, 5, version) == pytest.approx(want)
    order = np.random.default_rng(0).permutation(7)
    mixed = np.array(SCORES)[order], np.array(RIGHT)[order]
    assert average_precision(*mixed, 5, version) == pytest.approx(want)
    assert average_precision([0.5], [True], 1, version) == pytest.approx(1)
    assert average_precision([0.5], [False], 1, version) == 0
    assert (
        average_precision([], [], 3, version) == average_precision([0.5], [False], 0, version) == 0
    )


def naive(scores: Any, right: Any, positives: int, version: str) -> float:
    """Compute it with loops, as the formulas say."""
    pairs = sorted(zip(scores, right, strict=True), key=lambda pair: -pair[0])
    points, found = [(0.0, 0.0)], 0
    for k, (_, good) in enumerate(pairs, 1):
        found += bool(good)
        points.append((found / positives, found / k))
    if version == "11point":
        tenths = [t / 10 for t in range(11)]
        best = [max([p for r, p in points[1:] if r > t - 1e-9], default=0) for t in tenths]
        return sum(best) / 11
    total = 0.0
    for i in range(1, len(points)):
        step = points[i][0] - points[i - 1][0]
        later = points[i:] if version == "MaxIntegral" else points[i : i + 1]
        total += step * max(p for _, p in later)
    return total


@pytest.mark.parametrize("version", ["Integral", "MaxIntegral", "11point"])
def test_against_loops(version: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        n = int(rng.integers(1, 40))
        scores, right = rng.random(n), rng.random(n) < 0.5
        positives = int(right.sum()) + int(rng.integers(1, 12))
        got = average_precision(scores, right, positives, version)
        assert got == pytest.approx(naive(scores, right, positives, version))


def test_unknown_version() -> None:
    with pytest.raises(NetError, match="Integral; given '11points'; did you mean '11point'"):
        average_precision([1.0], [True], 1, "11points")


def test_rows() -> None:
    rows = np.array(
        [
            [-1, 1, 2, -1, -1],
            [-1, 2, 1, -1, -1],
            [-1, 3, 0, -1, -1],
            [0, 1, 0.9, 1, 0],
            [0, 1, 0.8, 0, 1],
            [1, 1, 0.7, 1, 0],
            [1, 2, 0.6, 0, 0],  # found a difficult object
            [1, 2, 0.5, 1, 0],
        ]
    )
    found = Detections()
    found.add_rows(rows[None, None].astype(np.float32))
    precisions = found.average_precisions()
    assert precisions == {1: pytest.approx((1 + 2 / 3) / 2), 2: 1, 3: 0}
    assert mean(precisions) == pytest.approx((5 / 6 + 1 + 0) / 3)  # as SSD counts it
    found.add_rows(rows[:1])
    assert found.positives[1] == 4
    assert mean({}) == 0
    with pytest.raises(DataError, match=r"given blob of shape \(3, 7\)"):
        found.add_rows(np.zeros((3, 7)))
    with pytest.raises(DataError, match="a detection of class 2 is both right and wrong"):
        found.add_rows(np.array([[0, 2, 0.5, 1, 1]]))


BOX = [10, 10, 20, 20]


def test_boxes() -> None:
    truth = [[[1, *BOX], [1, 30, 30, 40, 40], [2, *BOX]], [[1, *BOX]], []]
    found = [
        [
            [1, 0.9, 11, 10, 20, 20],
            [1, 0.8, *BOX],
            [1, 0.7, 30, 30, 40, 40],
            [2, 0.5, 50, 50, 60, 60],
        ],
        [],
        [[1, 0.95, *BOX]],
    ]
    result = evaluate_boxes(found, truth)
    assert result.positives == {1: 3, 2: 1}
    assert result.scores == {1: [0.9, 0.8, 0.7, 0.95], 2: [0.5]}
    assert result.right == {1: [True, False, True, False], 2: [False]}  # 0.8 came second


def test_the_best_object_counts_though_it_is_taken() -> None:
    truth = [[[1, 0, 0, 10, 10], [1, 0, 3, 10, 13]]]
    result = evaluate_boxes([[[1, 0.9, 0, 0, 10, 10], [1, 0.8, 0, 1, 10, 11]]], truth)
    assert result.right == {1: [True, False]}


def test_difficult_objects() -> None:
    truth = [[[1, *BOX, 1], [1, 30, 30, 40, 40, 0], [2, *BOX, 1]]]
    found = [[[1, 0.9, *BOX], [1, 0.8, *BOX], [1, 0.7, 30, 30, 40, 40], [2, 0.4, 0, 0, 1, 1]]]
    result = evaluate_boxes(found, truth)
    assert result.positives == {1: 1}
    assert result.right == {1: [True], 2: [False]}


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({}, False),
        ({"strict": False}, True),
        ({"threshold": 0.49}, True),
        ({"edge": 1}, True),  # 11 · 6 / 11 · 11 = 0.545
    ],
)
def test_thresholds_and_pixels(options: dict[str, Any], right: bool) -> None:
    result = evaluate_boxes([[[1, 0.9, 0, 0, 10, 5]]], [[[1, 0, 0, 10, 10]]], **options)
    assert result.right == {1: [right]}


def test_boxes_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="detections of 1 images need the truth of as many; 0"):
        evaluate_boxes([[]], [])
    with pytest.raises(DataError, match=r"rows of 6 numbers; given shape \(1, 5\)"):
        evaluate_boxes([[[1, *BOX]]], [[]])
    with pytest.raises(DataError, match=r"rows of 5 or 6 numbers; given shape \(1, 4\)"):
        evaluate_boxes([[]], [[BOX]])


def test_rows_of_the_layer_and_boxes_give_the_same() -> None:
    rng = np.random.default_rng(8)
    found, truth = [], []
    for _ in range(12):
        corners = rng.uniform(0, 0.6, (8, 2))
        boxes = np.hstack([corners, corners + rng.uniform(0.2, 0.4, (8, 2))])
        labels, hard = rng.integers(1, 4, (8, 1)), rng.random((8, 1)) < 0.3
        truth.append(np.hstack([labels, boxes, hard])[: int(rng.integers(3, 9))])
        moved = boxes.repeat(2, axis=0) + rng.normal(0, 0.04, (16, 4))
        found.append(np.hstack([labels.repeat(2, axis=0), rng.random((16, 1)), moved]))
    detections = np.vstack([np.insert(rows, 0, i, axis=1) for i, rows in enumerate(found)])
    objects = np.vstack([np.insert(rows, [0, 1], [i, 0], axis=1) for i, rows in enumerate(truth)])
    text = 'type: "DetectionEvaluate" detection_evaluate_param { num_classes: 4 %s }'
    shapes = [(1, 1, *detections.shape), (1, 1, *objects.shape)]
    layer = make_layer(text % "evaluate_difficult_gt: false", shapes)
    layer.reshape(*shapes)
    (rows,) = as_arrays(layer.forward(detections[None, None], objects[None, None]))
    from_rows = Detections()
    from_rows.add_rows(rows)
    from_boxes = evaluate_boxes(found, truth, strict=False)
    assert from_rows.positives == from_boxes.positives
    for version in ("Integral", "MaxIntegral", "11point"):
        precisions = from_boxes.average_precisions(version)
        assert from_rows.average_precisions(version) == pytest.approx(precisions)
        assert 0.1 < mean(precisions) < 0.9

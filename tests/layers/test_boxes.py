"""Boxes as shares of the image, against loops over numbers."""

import math

import numpy as np
import pytest

from netcfg.layers.boxes import areas, decode, encode, in_pixels, overlap, suppress
from netcfg.netcfg_pb2 import PriorBoxParameter as Code
from netcfg.netcfg_pb2 import ResizeParameter


def some(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.6, (count, 2))
    return np.hstack([low, low + rng.uniform(0.1, 0.4, (count, 2))])


def test_areas() -> None:
    boxes = np.array([[0, 0, 2, 3], [1, 1, 1, 5], [2, 0, 1, 1.0]])
    assert areas(boxes).tolist() == [6, 0, 0]
    assert areas(boxes, 1).tolist() == [12, 5, 0]


def share(a: np.ndarray, b: np.ndarray, edge: float) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + edge
    height = min(a[3], b[3]) - max(a[1], b[1]) + edge
    common = max(width, 0) * max(height, 0)
    both = sum((c[2] - c[0] + edge) * (c[3] - c[1] + edge) for c in (a, b))
    return float(common / (both - common))


@pytest.mark.parametrize("edge", [0, 1])
def test_overlap(edge: float) -> None:
    a, b = some(6) * (1 if edge == 0 else 50), some(5, 1) * (1 if edge == 0 else 50)
    found = overlap(a[:, None], b[None], edge)
    assert found.max() > 0.2
    for i, j in np.ndindex(found.shape):
        assert found[i, j] == pytest.approx(share(a[i], b[j], edge))


def test_boxes_without_an_area_overlap_nothing() -> None:
    point = np.array([0.5, 0.5, 0.5, 0.5])
    assert overlap(point, point) == 0
    assert overlap(point, np.array([0, 0, 1, 1.0])) == 0


def test_codes() -> None:
    prior, box = np.array([0.2, 0.2, 0.6, 0.4]), np.array([0.3, 0.1, 0.5, 0.5])
    assert encode(prior, box, Code.CORNER) == pytest.approx([0.1, -0.1, -0.1, 0.1])
    assert encode(prior, box, Code.CORNER_SIZE) == pytest.approx([0.25, -0.5, -0.25, 0.5])
    assert encode(prior, box, Code.CENTER_SIZE) == pytest.approx([0, 0, math.log(0.5), math.log(2)])


@pytest.mark.parametrize("code", [Code.CORNER, Code.CENTER_SIZE, Code.CORNER_SIZE])
def test_decode_reverses_encode(code: int) -> None:
    priors, boxes = some(20, 2), some(20, 3)
    np.testing.assert_allclose(decode(priors, encode(priors, boxes, code), code), boxes)


def best_first(boxes: np.ndarray, threshold: float, eta: float) -> list[int]:
    kept: list[int] = []
    for i, box in enumerate(boxes):
        if all(share(boxes[j], box, 0) <= threshold for j in kept):
            kept.append(i)
            if threshold > 0.5:
                threshold *= eta
    return kept


@pytest.mark.parametrize(("threshold", "eta"), [(0.3, 1), (0.5, 1), (0.9, 0.8), (0, 1)])
def test_suppression_in_each_group(threshold: float, eta: float) -> None:
    boxes, groups = some(60, 4), np.repeat([0, 1, 4], [25, 5, 30])
    wanted = [
        int(first + i)
        for first, last in ((0, 25), (25, 30), (30, 60))
        for i in best_first(boxes[first:last], threshold, eta)
    ]
    found = suppress(boxes, threshold, groups, eta)
    assert found.tolist() == wanted
    assert len(wanted) < 60


def test_suppression_of_one_group_and_of_nothing() -> None:
    boxes = some(30, 5)
    assert suppress(boxes, 0.2).tolist() == best_first(boxes, 0.2, 1)
    assert suppress(boxes[:0], 0.2).tolist() == []


def test_pixels_of_the_image() -> None:
    boxes = np.array([[0, 0.25, 1.2, 0.5]])
    assert in_pixels(boxes, (100, 200), ResizeParameter()).tolist() == [[0, 25, 200, 50]]
    resize = ResizeParameter(resize_mode="FIT_LARGE_SIZE_AND_PAD", height=300, width=300)
    # 100 x 200 fills the width; a quarter of the height above and below it is padding.
    assert in_pixels(boxes, (100, 200), resize) == pytest.approx(np.array([[0, 0, 200, 50]]))
    small = ResizeParameter(resize_mode="FIT_SMALL_SIZE", height=300, width=300)
    assert in_pixels(boxes, (100, 200), small).tolist() == [[0, 25, 200, 50]]
    small.width_scale, small.height_scale = 160, 120
    assert in_pixels(boxes, (100, 200), small).tolist() == [[0, 30, 192, 60]]

"""Boxes and regions, against the layers that have them."""

import numpy as np
import pytest

from netcfg.layers import anchors, boxes
from tests.engines.cuda.host import HostKernels, build, channels_last, check, planes


def random_boxes(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 50, (count, 2)), rng.uniform(1, 30, (count, 2))
    return np.concatenate([corner, corner + size], axis=1)


@pytest.mark.parametrize("edge", [0, 1])
def test_overlaps(exact: HostKernels, edge: float) -> None:
    a, b = random_boxes(9), random_boxes(5, 1)
    b[0], b[1] = a[0], b[1, [2, 3, 0, 1]]  # the same, and with corners changed about
    y = exact.empty((9, 5))
    exact.each("box_overlaps", 45, exact.array(a), exact.array(b), y, 9, 5, edge)
    check(exact, y, boxes.overlap(a[:, None], b, edge), 4)
    assert y[0, 0] == 1


@pytest.mark.parametrize(("n", "limit"), [(1, 5), (64, 100), (200, 100), (200, 7)])
@pytest.mark.parametrize("edge", [0, 1])
def test_suppression(exact: HostKernels, n: int, limit: int, edge: float) -> None:
    given = random_boxes(n)
    words = -(-n // 64)
    mask, gone = exact.empty((n, words), np.uint64), exact.empty(words, np.uint64)
    kept, count = exact.empty(n, np.int32), exact.empty(1, np.int32)
    exact.run("nms_mask", (words, words), (64,), exact.array(given), mask, n, 0.4, edge)
    exact.run("nms_keep", (1,), (32,), mask, kept, count, gone, n, limit)
    expected = anchors.suppress(given, 0.4, limit, edge)
    assert kept[: count[0]].tolist() == expected.tolist()
    assert 1 <= len(expected) < n or n == 1


ROIS = np.array(
    [
        [0, 0, 0, 6, 5],
        [1, 2, 1, 5, 5],
        [1, 3, 3, 3, 3],
        [0, -4, -2, 3, 9],
        [0, 9, 9, 12, 12],
        [0, 5, 5, 2, 2],
        [1, 1.5, 2.5, 4.49, 4.51],
    ],
    np.float32,
)


@pytest.mark.parametrize("ratio", [0, 0.25])
@pytest.mark.parametrize("scale", [1, 0.5, 0.0625])
def test_regions(kernels: HostKernels, scale: float, ratio: float) -> None:
    shape, P, Q = (2, 3, 6, 7), 2, 3
    rng = np.random.default_rng(0)
    x = kernels.array(channels_last(rng.integers(-9, 9, shape)))
    rois = kernels.array(ROIS / [1, scale, scale, scale, scale], np.float32)
    text = (
        f'type: "ROIPooling" roi_pooling_param {{ pooled_h: {P} pooled_w: {Q} '
        f"spatial_scale: {scale} pad_ratio: {ratio} }}"
    )
    R = len(rois)
    layer = build(text, shape, rois.shape)
    expected = layer.forward(planes(x).astype(np.float64), rois)
    y, place = kernels.empty((R, P, Q, 3)), kernels.empty((R, P, Q, 3), np.int32)
    kernels.each("roi_pool", y.size, x, rois, y, place, R, 3, 6, 7, P, Q, scale, ratio)
    np.testing.assert_array_equal(planes(y).astype(np.float64), expected)
    assert (place == -1).any()
    dy, dx = kernels.array(rng.normal(size=y.shape)), kernels.empty(x.shape)
    args = (R, 2, 3, 6, 7, P, Q, scale, ratio)
    kernels.each("roi_pool_grad", x.size, dy, rois, place, dx, *args)
    check(kernels, planes(dx), layer.backward(planes(dy).astype(np.float64))[0], 4)

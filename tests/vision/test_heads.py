"""Outputs of detectors of all kinds as boxes in pixels."""

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.vision.boxes import Decoding, Grid
from netcfg.vision.heads import AnchorHead, RegionHead, RowsHead, find_head
from netcfg.vision.stream import Frame
from tests.vision.nets import CLASSIFY, DETECT
from tests.vision.test_outline import outline

FRAMES = [Frame(0, 200, 100, (10, 10)), Frame(1, 20, 10, (10, 10))]


def test_rows_of_detection_output() -> None:
    rows = np.array(
        [
            [0, 1, 0.5, 0.1, 0.2, 0.3, 0.4],
            [0, 2, 0.9, -0.1, 0.5, 1.5, 1],
            [1, 1, 0.7, 0, 0, 0.5, 0.5],
            [1, 1, 0.4, 0, 0, 1, 1],
            [2, -1, -1, -1, -1, -1, -1],
        ],
        np.float32,
    )
    first, second = RowsHead(["y"], 0.5, None).rows({"y": rows[None, None]}, FRAMES)
    np.testing.assert_allclose(
        first, [[2, 0.9, 0, 50, 200, 100], [1, 0.5, 20, 20, 60, 40]], rtol=1e-6
    )
    np.testing.assert_allclose(second, [[1, 0.7, 0, 0, 10, 5]], rtol=1e-6)
    none = np.full((1, 1, 2, 7), -1, np.float32)
    assert [len(r) for r in RowsHead(["y"], 0, None).rows({"y": none}, FRAMES)] == [0, 0]
    with pytest.raises(NetError, match=r"blob 'y' must hold rows \(1, 1, R, 7\)"):
        RowsHead(["y"], 0.5, None).rows({"y": rows}, FRAMES)


@pytest.mark.parametrize("background", [True, False])
def test_raw_boxes(background: bool) -> None:
    grid = Grid((1, 2), ((0.5, 1.0),))
    decoding = Decoding("b", "s", (grid,), background=background, nms=0.5)
    scores = np.zeros((2, 2, 2 + background), np.float32)
    scores[0, 1, background + 1] = 0.75
    outputs = {"b": np.zeros((2, 8), np.float32), "s": scores}
    first, second = AnchorHead(decoding, 0.5, None).rows(outputs, FRAMES)
    assert first.tolist() == [[2, 0.75, 100, 0, 200, 100]]
    assert len(second) == 0
    with pytest.raises(NetError, match=r"must have a row for each picture, 1; given"):
        AnchorHead(decoding, 0.5, None).rows(outputs, FRAMES[:1])


def test_an_overlap_of_ones_own() -> None:
    decoding = Decoding("b", "s", decoded=True, background=False, nms=0.3)
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 0.5, 1]]], np.float32)
    outputs = {"b": boxes, "s": np.array([[[0.9], [0.8]]], np.float32)}
    frame = FRAMES[:1]
    assert len(AnchorHead(decoding, 0.5, None).rows(outputs, frame)[0]) == 1
    assert len(AnchorHead(decoding, 0.5, 0.6).rows(outputs, frame)[0]) == 2


def regions(offsets: np.ndarray) -> dict[str, np.ndarray]:
    """Return a region for each of two pictures that the net saw at a tenth of their size."""
    rois = np.array([[0, 1, 2, 4, 5], [0, 0, 0, 9, 9]], np.float32)
    scores = np.array([[0.1, 0.2, 0.7], [0.9, 0.1, 0.0]], np.float32)
    return {"rois": rois, "cls_prob": scores, "bbox_pred": offsets}


def test_regions_with_offsets_of_each_class() -> None:
    """x + w dx and w exp(dw) of middles and sides, as py-faster-rcnn moves its boxes."""
    offsets = np.zeros((2, 12), np.float32)
    offsets[0, 8:] = [0.5, 0, np.log(2), 0]
    head = RegionHead(["rois", "cls_prob", "bbox_pred"], 0.5, None)
    frame = Frame(0, 100, 60, (6, 10))
    (found,) = head.rows(regions(offsets), [frame])
    # Region 10, 20, 40, 50: 31 wide, middle 25.5; then the middle is 41 and it is 62 wide.
    np.testing.assert_allclose(found, [[2, 0.7, 10, 20, 72, 51]], atol=1e-4)
    assert head.rows(regions(offsets), [frame, frame])[1].shape == (0, 6)


def test_regions_with_offsets_of_background_and_object() -> None:
    offsets = np.zeros((2, 8), np.float32)
    offsets[0, 4] = 1
    head = RegionHead(["rois", "cls_prob", "bbox_pred"], 0.15, 0.3)
    (found,) = head.rows(regions(offsets), [Frame(0, 100, 60, (6, 10))])
    assert found[:, 0].tolist() == [2, 1]
    np.testing.assert_allclose(found[0, 2:], found[1, 2:])
    np.testing.assert_allclose(found[0, 2], 41, atol=1e-4)


def test_offsets_of_another_number_of_classes() -> None:
    head = RegionHead(["rois", "cls_prob", "bbox_pred"], 0.5, None)
    with pytest.raises(NetError, match=r"each of 2 classes, .*; given 16"):
        head.rows(regions(np.zeros((2, 16), np.float32)), FRAMES[:1])
    with pytest.raises(NetError, match=r"must have as many rows; given 2, 2 and 3"):
        head.rows(regions(np.zeros((3, 12), np.float32)), FRAMES[:1])


def test_finds_the_kind() -> None:
    decoding = Decoding("pool", "ip", decoded=True)
    assert isinstance(find_head(outline(CLASSIFY), decoding, "", 0.5, None), AnchorHead)
    found = find_head(outline(DETECT), None, "", 0.5, None)
    assert (type(found), found.blobs) == (RowsHead, ["found"])
    assert find_head(outline(CLASSIFY), None, "ip", 0.5, None).blobs == ["ip"]
    three = CLASSIFY.replace('"pool"', '"rois"').replace('"ip"', '"bbox_pred"')
    three = three.replace('"prob"', '"cls_prob"')
    assert isinstance(find_head(outline(three), None, "", 0.5, None), RegionHead)
    with pytest.raises(NetError, match=r"say with --decode how its outputs \(prob\) become boxes"):
        find_head(outline(CLASSIFY), None, "", 0.5, None)
    with pytest.raises(NetError, match=r"has no blob 'loc'"):
        find_head(outline(CLASSIFY), Decoding("loc", "ip"), "", 0.5, None)

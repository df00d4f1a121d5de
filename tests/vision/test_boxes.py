"""Offsets of anchors as boxes."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.vision.boxes import Decoding, Grid, best_boxes, read_decoding

TEXT = """\
boxes = "loc"
scores = "conf"
nms = 0.3
[[map]]
cells = [2, 3]
anchors = [[0.5, 0.25], [0.1, 0.2]]
[[map]]
cells = [1, 1]
step = 64
anchors = [[1, 1]]
"""


def test_reads_a_table(tmp_path: Path) -> None:
    (tmp_path / "d").write_text(TEXT)
    assert read_decoding(tmp_path / "d") == Decoding(
        "loc",
        "conf",
        (Grid((2, 3), ((0.5, 0.25), (0.1, 0.2))), Grid((1, 1), ((1, 1),), 64)),
        nms=0.3,
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('boxes = "loc"', "", "key 'boxes' must name a blob; given None"),
        ("scores =", "score =", "unknown key 'score'; did you mean 'scores'?"),
        ("nms = 0.3", 'background = "no"', "'background' must be true or false; given 'no'"),
        ("nms = 0.3", "nms = -1", "'nms' must be 1 number above 0; given [-1]"),
        ("nms = 0.3", "variances = [1, 2]", "'variances' must be 4 numbers above 0; given [1, 2]"),
        ("cells = [2, 3]", "cell = [2, 3]", "unknown key 'cell'; did you mean 'cells'?"),
        ("cells = [2, 3]", "", "'cells' must be 2 numbers above 0; given None"),
        ("anchors = [[1, 1]]", "anchors = []", "'anchors' must be a list of [width, height]"),
        ("[[map]]", "[[map", "(at line"),
        (TEXT[TEXT.index("[[map") :], "", "a table [[map]] must give cells and anchors"),
        (TEXT[TEXT.index("[[map") :], "map = [3]", "map must be a table"),
    ],
)
def test_what_is_wrong(tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "d").write_text(TEXT.replace(old, new))
    with pytest.raises(NetError) as error:
        read_decoding(tmp_path / "d")
    assert str(error.value).startswith(str(tmp_path / "d"))
    assert words in str(error.value)


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(NetError, match=r"cannot read .*No such file"):
        read_decoding(tmp_path / "d")


def test_anchors_go_map_by_map_row_by_row() -> None:
    decoding = Decoding(
        "b", "s", (Grid((2, 3), ((0.5, 0.25), (0.1, 0.2))), Grid((1, 1), ((1, 1),), 64))
    )
    anchors = decoding.anchors((128, 256))
    assert anchors.shape == (13, 4)
    np.testing.assert_allclose(anchors[0], [1 / 6, 1 / 4, 0.5, 0.25])
    np.testing.assert_allclose(anchors[1], [1 / 6, 1 / 4, 0.1, 0.2])
    np.testing.assert_allclose(anchors[2], [3 / 6, 1 / 4, 0.5, 0.25])
    np.testing.assert_allclose(anchors[6], [1 / 6, 3 / 4, 0.5, 0.25])
    np.testing.assert_allclose(anchors[12], [32 / 256, 32 / 128, 1, 1])


def test_offsets_move_anchors() -> None:
    decoding = Decoding("b", "s", (Grid((1, 1), ((0.4, 0.2),)),))
    offsets = np.array([[1.0, -2.0, 5 * np.log(2), 0.0]])
    # Middle .5 + .1 · .4 and .5 - .2 · .2; twice as wide.
    np.testing.assert_allclose(
        decoding.corners(offsets, (10, 10)), [[0.54 - 0.4, 0.46 - 0.1, 0.54 + 0.4, 0.46 + 0.1]]
    )
    with pytest.raises(NetError, match=r"holds offsets of 2 boxes; .* have 1 anchors"):
        decoding.corners(np.zeros((2, 4)), (10, 10))
    done = Decoding("b", "s", decoded=True)
    assert done.corners(np.ones((2, 4), np.float32), (10, 10)).tolist() == [[1] * 4] * 2


def test_of_overlapping_boxes_the_best_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [20, 0, 30, 10], [0, 0, 4, 10]], float)
    scores = np.array([[0.6, 0.0], [0.9, 0.0], [0.7, 0.8], [0.5, 0.2]])
    rows = best_boxes(boxes, scores, 0.5, 0.45)
    assert rows.tolist() == [
        [1, 0.9, 1, 0, 10, 10],
        [2, 0.8, 20, 0, 30, 10],
        [1, 0.7, 20, 0, 30, 10],
        [1, 0.5, 0, 0, 4, 10],
    ]
    each = np.stack([boxes, boxes + 100], axis=1)
    assert best_boxes(each, scores, 0.75, 0.45)[1].tolist() == [2, 0.8, 120, 100, 130, 110]
    assert best_boxes(boxes, scores, 0.95, 0.45).shape == (0, 6)

"""Classes of pixels."""

from pathlib import Path

import numpy as np
import pytest

from netcfg.errors import NetError
from netcfg.io.image import resize_image
from netcfg.vision.segmenter import Segmenter
from netcfg.vision.settings import Settings
from netcfg.vision.stream import Frame
from tests.vision.nets import SEGMENT, write_net

ARRAY = np.zeros((20, 40, 3), np.uint8)
ARRAY[:, :10, 2] = 200  # blue
ARRAY[:, 10:30, 1] = 200  # green
ARRAY[:, 30:, 0] = 200  # red


def segmenter(folder: Path, **options: object) -> Segmenter:
    net, weights = write_net(folder, SEGMENT)
    return Segmenter(net, Settings([weights], **options))  # type: ignore[arg-type]


def test_masks_have_the_size_of_the_picture(tmp_path: Path) -> None:
    (found,) = segmenter(tmp_path).predict([ARRAY])
    assert found.mask.shape == (20, 40)
    assert found.mask[:, [0, 8, 12, 28, 32, 39]].tolist() == [[0, 0, 1, 1, 2, 2]] * 20
    assert found.shares.tolist() == pytest.approx([0.25, 0.5, 0.25])


def test_each_picture_at_its_own_size(tmp_path: Path) -> None:
    (found,) = segmenter(tmp_path, size="image").predict([ARRAY])
    assert found.mask.tolist() == [[0] * 10 + [1] * 20 + [2] * 10] * 20


def test_scores_are_resized_before_the_largest_is_taken(tmp_path: Path) -> None:
    scores = np.random.default_rng(1).random((1, 4, 3, 5)).astype(np.float32)
    task = segmenter(tmp_path)
    (found,) = task.results([Frame(0, 17, 11, (3, 5))], {"score": scores})
    assert np.array_equal(found.mask, resize_image(scores[0], 11, 17).argmax(axis=0))
    counts = np.bincount(found.mask.ravel(), minlength=4)
    np.testing.assert_allclose(found.shares, counts / (11 * 17), rtol=1e-6)


def test_records_and_rows(tmp_path: Path) -> None:
    (tmp_path / "l").write_text("sky\nwood\n")
    task = segmenter(tmp_path, labels=str(tmp_path / "l"))
    record = task.record(task.predict([ARRAY])[0])
    assert record["classes"][1] == {"label": 1, "name": "wood", "share": 0.5}
    assert (record["width"], record["height"], record["classes"][2]["name"]) == (40, 20, "2")
    assert task.rows(record) == [{"width": 40, "height": 20, "share": [0.25, 0.5, 0.25]}]
    assert task.identity()["options"] == "blob ['score']"


def test_what_is_wrong(tmp_path: Path) -> None:
    for options in (
        {"resize": (9, 9)},
        {"keep_aspect": True},
        {"resize": (9, 9), "oversample": True},
    ):
        with pytest.raises(NetError, match=r"the net must see all of it"):
            segmenter(tmp_path, **options)
    task = segmenter(tmp_path)
    frames = [Frame(0, 4, 4, (4, 4))]
    for shape in ((1, 1, 4, 4), (2, 3, 4, 4), (1, 3)):
        with pytest.raises(NetError, match=r"must hold scores \(N, classes, H, W\) of 1 pictures"):
            task.results(frames, {"score": np.zeros(shape, np.float32)})

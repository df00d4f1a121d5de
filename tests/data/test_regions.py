"""Batches of one image: sizes, boxes, turns and order, against naive arithmetic."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcfg.data.database import Lmdb
from netcfg.data.draws import Draws
from netcfg.data.regions import RegionFeed
from netcfg.errors import DataError
from netcfg.io.image import resize_image
from tests.data.annotated import make_annotated, objects

HEIGHT, WIDTH = 20, 24
MEANS = [1.0, 2.0, 3.0]
Make = Callable[..., RegionFeed]


@pytest.fixture
def images(tmp_path: Path) -> np.ndarray:
    """Write eight images, of which the second and the sixth have no objects."""
    return make_annotated(tmp_path / "db", 8, (3, HEIGHT, WIDTH))


@pytest.fixture
def make(tmp_path: Path, images: np.ndarray) -> Iterator[Make]:
    feeds: list[RegionFeed] = []

    def feed(path: str = "db", **given: Any) -> RegionFeed:
        fields: dict[str, Any] = {"classes": 4, "scales": [40], "longest": 1000, "means": MEANS}
        feeds.append(RegionFeed(Lmdb(tmp_path / path), Draws(3, "data"), **(fields | given)))
        return feeds[-1]

    yield feed
    for each in feeds:
        each.close()


def corners(i: int, height: int, width: int, scale: float, turned: bool = False) -> np.ndarray:
    """Return the objects of image ``i`` box by box; the last pixel belongs to a box."""
    rows = []
    for label, _, x1, y1, x2, y2, _ in objects(i).tolist():
        left, right = x1 * width, x2 * width - 1
        if turned:
            left, right = width - 1 - right, width - 1 - left
        edges = left, y1 * height, right, y2 * height - 1
        rows.append([edge * scale for edge in edges] + [label])
    return np.array(rows)


def test_records_come_as_they_stand(make: Make, images: np.ndarray) -> None:
    feed = make(train=False, flipped=False)
    assert len(feed) == 8
    data, info, boxes = feed(0).arrays
    assert feed.shapes() == (data.shape, info.shape, boxes.shape)
    want = resize_image(images[0] - np.array(MEANS, np.float32)[:, None, None], 40, 48)
    np.testing.assert_allclose(data, want[None], atol=1e-4)
    assert info.tolist() == [[40, 48, 2]]
    np.testing.assert_allclose(boxes, corners(0, HEIGHT, WIDTH, 2), atol=1e-4)
    # the second has no objects; the third stands in
    for k in (1, 2, 10):
        np.testing.assert_allclose(feed(k).arrays[2], corners(2, HEIGHT, WIDTH, 2), atol=1e-4)


@pytest.mark.parametrize(
    ("longest", "size", "scale"), [(48, (40, 48), 2.0), (36, (30, 36), 1.5), (30, (25, 30), 1.25)]
)
def test_the_longer_side_is_bounded(
    make: Make, longest: int, size: tuple[int, int], scale: float
) -> None:
    data, info, boxes = make(longest=longest, train=False, flipped=False)(0).arrays
    assert data.shape == (1, 3, *size)
    assert info.tolist() == [[*size, scale]]
    np.testing.assert_allclose(boxes, corners(0, HEIGHT, WIDTH, scale), atol=1e-4)


def test_an_epoch_shows_every_image_both_ways(make: Make, images: np.ndarray) -> None:
    feed = make(scales=[HEIGHT], means=[0.0])
    assert len(feed) == 16
    kinds = {}
    for i in (0, 2, 3, 4, 6, 7):
        kinds[images[i].astype(np.float32).tobytes()] = i, False
        kinds[images[i][:, :, ::-1].astype(np.float32).tobytes()] = i, True
    orders = []
    for epoch in range(2):
        seen = []
        for k in range(16 * epoch, 16 * epoch + 16):
            data, _, boxes = feed(k).arrays
            i, turned = kinds[data[0].tobytes()]
            np.testing.assert_allclose(boxes, corners(i, HEIGHT, WIDTH, 1, turned), atol=1e-4)
            seen.append((i, turned))
        assert set(seen) == set(kinds.values())
        orders.append(seen)
    assert orders[0] != orders[1]


def test_scales_are_drawn(make: Make) -> None:
    feed = make(scales=[20, 30, 40], train=False, flipped=False)
    heights = [int(feed(k).arrays[1][0, 0]) for k in range(30)]
    assert set(heights) == {20, 30, 40}
    assert heights == [int(feed(k).arrays[1][0, 0]) for k in range(30)]


def test_what_is_refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"must lie in \[1, 2\), 0 is the background; given 2"):
        make(classes=2, train=False)(0)
    with pytest.raises(DataError, match="one for each of the 3 channels; given 2"):
        make(means=[1.0, 2.0], train=False)(0)
    monkeypatch.setattr("tests.data.annotated.BOXES", [[]])
    make_annotated(tmp_path / "empty", 3)
    with pytest.raises(DataError, match=r"no image of '.*empty' has objects"):
        make("empty")(0)

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.data.segmentation import SegmentationList
from tests.data.databases import encoded
from tests.data_scripts.scripts import run, script

get_shape_masks = script("get_shape_masks")


def build(folder: Path, monkeypatch: pytest.MonkeyPatch, *args: object) -> list[SegmentationList]:
    """Run the script for a few images and return both lists of them."""
    monkeypatch.setattr(get_shape_masks, "COUNTS", {"train": 12, "test": 5})
    run(get_shape_masks, monkeypatch, "--out", folder, *args)
    return [SegmentationList(folder / f"{name}.txt") for name in ("train", "test")]


def held(lists: list[SegmentationList]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [part.read(i) for part in lists for i in range(len(part))]


def test_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = build(tmp_path, monkeypatch)
    assert [len(part) for part in lists] == [12, 5]
    found = held(lists)
    for image, labels in found:
        assert image.shape == (3, 96, 96)
        assert labels.shape == (96, 96)
        assert 0 < (labels > 0).mean() < 0.7
    assert {int(i) for _, labels in found for i in np.unique(labels)} == {0, 1, 2, 3}
    assert len({image.tobytes() for image, _ in found}) == 17
    with Image.open(tmp_path / "train/00000.png") as mask:
        assert mask.mode == "P"
        assert mask.getpalette()[:12] == get_shape_masks.PALETTE
    capsys.readouterr()
    for one, other in zip(found, held(build(tmp_path, monkeypatch, "--force")), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    build(tmp_path, monkeypatch)
    assert capsys.readouterr().out.count("there already") == 2


def test_masks_say_where_shapes_are() -> None:
    black = np.zeros((3, 120, 130), np.uint8)
    for i in range(20):
        image, labels = get_shape_masks.draw(np.random.default_rng(i), [black])
        assert not image[:, labels == 0].any()
        # Grain hides a dark shape at places, but not a channel of most of its pixels.
        assert image[:, labels > 0].any(axis=0).mean() > 0.9


def test_shapes() -> None:
    """Areas tell circles, squares and triangles of one radius apart; pixels on edges belong."""
    radius = (get_shape_masks.LEAST + get_shape_masks.MOST) / 4
    for label, corners in get_shape_masks.CORNERS.items():
        half = np.pi / corners
        area = corners * radius**2 * np.sin(half) * np.cos(half)
        edges = 2 * corners * radius * np.sin(half)
        inside = get_shape_masks.shape(Calm(), corners)
        assert inside.sum() == pytest.approx(area + edges / 2, rel=0.03), label


class Calm:
    """Draws the middle of every range."""

    def uniform(self, low: float, high: float, size: int | None = None) -> object:
        middle = (low + high) / 2
        return middle if size is None else np.full(size, middle)


def test_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):  # the first and the last one are for testing
        flat = np.full((3, 100, 200), 40 * i, np.uint8)
        (folder / f"{i}.png").write_bytes(encoded(flat))
    lists = build(tmp_path / "out", monkeypatch, "--photos", folder)
    grounds = [
        {round(int(np.median(image[:, labels == 0])) / 40) for image, labels in held([part])}
        for part in lists
    ]
    assert grounds[0] <= {1, 2, 3, 4}
    assert grounds[1] <= {0, 5}

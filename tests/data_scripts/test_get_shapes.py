from pathlib import Path

import numpy as np
import pytest

from netcfg.data.annotated import Sample, decode_annotated
from netcfg.data.annotation_files import read_label_map
from netcfg.data.database import Lmdb
from netcfg.errors import NetError
from tests.data.databases import encoded
from tests.data_scripts.scripts import run, script

get_shapes = script("get_shapes")


def held(path: Path) -> list[Sample]:
    database = Lmdb(path)
    try:
        return [decode_annotated(raw[1]) for raw in database.read(0, database.size)]
    finally:
        database.close()


def build(folder: Path, monkeypatch: pytest.MonkeyPatch, *args: object) -> list[list[Sample]]:
    """Run the script for a few images and return those of both databases."""
    monkeypatch.setattr(get_shapes, "COUNTS", {"train": 12, "test": 5})
    run(get_shapes, monkeypatch, "--out", folder, *args)
    return [held(folder / name) for name in ("train", "test")]


def test_databases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = build(tmp_path, monkeypatch)
    assert (len(train), len(test)) == (12, 5)
    for sample in train + test:
        assert sample.image.shape == (3, 96, 96)
        assert sample.boxed
        assert 1 <= len(sample.objects) <= 4
        assert sample.objects[:, 2:6].min() >= 0
        assert sample.objects[:, 2:6].max() <= 1
        sides = (sample.objects[:, 4:6] - sample.objects[:, 2:4]) * 96
        assert sides.min() > 12
        assert sides.max() <= 56
    labels = np.concatenate([sample.objects[:, 0] for sample in train])
    assert set(labels) == {1, 2, 3}
    images = {sample.image.tobytes() for sample in train + test}
    assert len(images) == 17
    assert read_label_map(tmp_path / "labelmap.prototxt") == {
        "background": 0, "circle": 1, "square": 2, "triangle": 3,
    }  # fmt: skip
    capsys.readouterr()
    again = build(tmp_path, monkeypatch, "--force")
    assert {sample.image.tobytes() for part in again for sample in part} == images
    build(tmp_path, monkeypatch)
    assert capsys.readouterr().out.count("there already") == 2


def test_shapes_are_where_their_boxes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    black = np.zeros((3, 120, 130), np.uint8)
    for i in range(20):
        image, objects = get_shapes.draw(np.random.default_rng(i), [black])
        rows, columns = np.nonzero(image.max(axis=0))
        low, high = objects[:, 2:4].min(0) * 96, objects[:, 4:6].max(0) * 96
        np.testing.assert_allclose(low, [columns.min(), rows.min()], atol=1.01)
        np.testing.assert_allclose(high, [columns.max(), rows.max()], atol=1.01)


def test_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photos"
    (folder / "a").mkdir(parents=True)
    for i in range(6):  # the first and the last one are for testing
        flat = np.full((3, 100, 500), 40 * i, np.uint8)
        (folder / f"a/{i}.png").write_bytes(encoded(flat))
    (folder / "small.png").write_bytes(encoded(np.zeros((3, 20, 20), np.uint8)))
    (folder / "note.txt").write_text("no image")
    with pytest.raises(NetError, match="holds no images of at least 96 x 96 pixels"):
        get_shapes.read_photos(folder)  # a long one becomes 400 x 80
    for i in range(6):
        flat = np.full((3, 100, 200), 40 * i, np.uint8)
        (folder / f"a/{i}.png").write_bytes(encoded(flat))
    train, test = build(tmp_path / "out", monkeypatch, "--photos", folder)
    grounds = [{round(int(np.median(s.image)) / 40) for s in part} for part in (train, test)]
    assert grounds[0] <= {1, 2, 3, 4}
    assert grounds[1] <= {0, 5}
    with pytest.raises(NetError, match="holds no images"):
        get_shapes.read_photos(tmp_path / "none")

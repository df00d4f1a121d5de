"""Pictures of results, by task."""

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.errors import NetError
from netcfg.vision.classifier import Classification, Classifier, Prediction
from netcfg.vision.detector import Box, Detection, Detector
from netcfg.vision.extractor import FeatureExtractor
from netcfg.vision.gallery import gallery, stem_of
from netcfg.vision.segmenter import Segmentation, Segmenter
from netcfg.vision.settings import Settings
from netcfg.vision.task import THUMB
from tests.vision.nets import CLASSIFY, DETECT, SEGMENT, write_net

PICTURE = Image.new("RGB", (40, 30), (0, 0, 255))


def test_a_sheet_of_classes(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, CLASSIFY)
    task = Classifier(net, Settings([weights]))
    shown = gallery(task, tmp_path / "out")
    result = Classification((Prediction(0, "blue", 1.0),), np.ones(1, np.float32))
    more = shown.show(PICTURE, result, "x")
    assert base64.b64decode(more[THUMB])[:2] == b"\xff\xd8"
    assert not (tmp_path / "out").exists()
    shown.finish([{"image": "a", **task.record(result), **more}], 1)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["index.html"]


def test_pictures_with_boxes(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, DETECT)
    shown = gallery(Detector(net, Settings([weights])), tmp_path / "out")
    result = Detection(40, 30, (Box(1, "a", 0.9, (5, 5, 20, 20)),))
    assert shown.show(PICTURE, result, "x") == {}
    shown.finish([], 0)
    (path,) = (tmp_path / "out").iterdir()
    with Image.open(path) as image:
        assert (path.name, image.format, image.size) == ("x.jpg", "JPEG", (40, 30))


def test_masks_and_overlays(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, SEGMENT)
    shown = gallery(Segmenter(net, Settings([weights])), tmp_path / "out")
    mask = np.zeros((30, 40), np.uint16)
    mask[10:] = 2
    result = Segmentation(mask, np.array([1, 0, 2], np.float32) / 3)
    assert shown.show(PICTURE, result, "x") == {"mask": "x.png"}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["x.png", "x_overlay.jpg"]
    with Image.open(tmp_path / "out/x.png") as image:
        assert np.array_equal(np.asarray(image), mask)


def test_features_have_none(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, CLASSIFY)
    with pytest.raises(NetError, match=r"features have no pictures"):
        gallery(FeatureExtractor(net, Settings([weights])), tmp_path)


def test_long_names_are_cut() -> None:
    assert len(f"{stem_of(1, '写' * 300)}_overlay.jpg".encode()) < 255
    assert stem_of(1, "写" * 300).endswith("写")


def test_names_are_never_alike() -> None:
    assert stem_of(7, "db:00000001") == "000007_db_00000001"
    assert stem_of(8, "a/../ü b.tar.jpg") == "000008_ü_b_tar"
    assert len(stem_of(1, "x" * 300)) < 120

"""Blobs, picture by picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netcfg.errors import NetError
from netcfg.vision.extractor import FeatureExtractor
from netcfg.vision.inputs import of_images
from netcfg.vision.job import Job
from netcfg.vision.settings import Settings
from tests.vision.nets import CLASSIFY, write_net

PICTURES = [Image.new("RGB", (12, 8), (64 * k, 0, 32)) for k in range(3)]


def test_blobs(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, CLASSIFY)
    task = FeatureExtractor(net, Settings([weights]), blobs=["pool", "ip"], batch=2)
    found = task.predict(PICTURES)
    assert [one["pool"].shape for one in found] == [(3, 1, 1)] * 3
    np.testing.assert_allclose(found[2]["pool"].ravel(), [32, 0, 128], rtol=1e-6)
    np.testing.assert_allclose(found[2]["ip"], [1, 0, 4], rtol=1e-6)
    record = task.record(found[2])
    (row,) = task.rows(record)
    assert list(row) == [c.name for c in task.columns] == ["pool", "ip"]


def test_blobs_with_names_that_records_have_already(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, CLASSIFY.replace('"pool"', '"image"').replace("data", "i"))
    settings = Settings([weights])
    task = FeatureExtractor(net, settings, blobs=["image", "i"])
    Job(task, of_images(PICTURES), tmp_path / "f.npz").run()
    with np.load(tmp_path / "f.npz") as found:
        assert sorted(found) == ["i_blob", "image", "image_blob"]
        assert found["image"].tolist() == ["0", "1", "2"]
        np.testing.assert_allclose(found["image_blob"][2].ravel(), [32, 0, 128], rtol=1e-6)


def test_the_output_by_default_and_the_mean_over_views(tmp_path: Path) -> None:
    net, weights = write_net(tmp_path, CLASSIFY)
    settings = Settings([weights], resize=(8, 8), oversample=True)
    task = FeatureExtractor(net, settings)
    assert task.model.blobs == ["prob"]
    (found,) = FeatureExtractor(net, settings, blobs=["pool"]).predict(PICTURES[1:2])
    np.testing.assert_allclose(found["pool"].ravel(), [32, 0, 64], rtol=1e-6)
    assert task.identity()["options"] == "blobs ['prob']"


def test_what_is_wrong(tmp_path: Path) -> None:
    net, weights = write_net(
        tmp_path, CLASSIFY + 'layer { name: "s" type: "Reduction" bottom: "prob" top: "sum" }'
    )
    with pytest.raises(NetError, match=r"no blob 'pol'; did you mean 'pool'"):
        FeatureExtractor(net, Settings([weights]), blobs=["pol"])
    with pytest.raises(NetError, match=r"blob 'sum' must have a row for each picture, 3; given"):
        FeatureExtractor(net, Settings([weights]), batch=4).results(
            [None] * 3, {"sum": np.ones(())}
        )  # type: ignore[list-item]
